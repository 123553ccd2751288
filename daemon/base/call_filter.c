/* call_filter.c - the list as a program for the kernel's filter machine. */
#include "daemon/base/call_filter.h"

#include <assert.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the lists of system calls are checked for x86-64 and aarch64 only"
#endif

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define LOAD_CALL LOAD(offsetof(struct seccomp_data, nr))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

static void add(struct call_filter *filter, struct sock_filter rule)
{
	/* One is kept for the end. */
	if (filter->n + 1u >= CALL_FILTER_MAX)
		filter->full = true;
	else
		filter->rules[filter->n++] = rule;
}

/* The next `skip` rules are passed over unless the accumulator is the value. */
static void unless(struct call_filter *filter, uint32_t value, unsigned skip)
{
	add(filter,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)skip));
}

void call_filter_init(struct call_filter *filter)
{
	filter->n = 0;
	filter->full = false;
	add(filter, (struct sock_filter)LOAD(offsetof(struct seccomp_data, arch)));
	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	add(filter, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	add(filter, (struct sock_filter)LOAD_CALL);
}

void call_filter_allow(struct call_filter *filter, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unless(filter, (uint32_t)calls[i], 1);
		add(filter, (struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
	}
}

void call_filter_fail(struct call_filter *filter, int call, int error)
{
	unless(filter, (uint32_t)call, 1);
	add(filter,
	    (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA)));
}

/* Both architectures are little endian. */
static size_t half_of(const struct call_argument *argument, bool upper)
{
	return offsetof(struct seccomp_data, args) + argument->number * sizeof(uint64_t) +
	       (upper ? sizeof(uint32_t) : 0);
}

static unsigned rules_of(const struct call_argument *argument)
{
	return argument->is == ARGUMENT_IS_WIDE ? 4 : 2;
}

/* left: how many rules follow those of this argument, before the one that goes on. */
static void add_argument(struct call_filter *filter,
			 const struct call_argument *argument,
			 unsigned left)
{
	uint32_t low = (uint32_t)argument->value, high = (uint32_t)(argument->value >> 32);

	assert(argument->number < 6);
	if (argument->is == ARGUMENT_IS_WIDE) {
		add(filter, (struct sock_filter)LOAD(half_of(argument, true)));
		unless(filter, high, left + 2);
	}
	add(filter, (struct sock_filter)LOAD(half_of(argument, false)));
	if (argument->is == ARGUMENT_WITHOUT) {
		add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, low,
							 (uint8_t)left, 0));
		return;
	}
	unless(filter, low, left);
}

void call_filter_allow_when(struct call_filter *filter,
			    int call,
			    const struct call_argument *arguments,
			    size_t n)
{
	unsigned left = 1;

	assert(n <= CALL_ARGUMENTS_MAX);
	for (size_t i = 0; i < n; i++)
		left += rules_of(&arguments[i]);
	/* Over the conditions, the return and the load that follows them. */
	unless(filter, (uint32_t)call, left + 1);
	for (size_t i = 0; i < n; i++) {
		left -= rules_of(&arguments[i]);
		add_argument(filter, &arguments[i], left);
	}
	add(filter, (struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
	/* A condition that failed left its argument in the accumulator. */
	add(filter, (struct sock_filter)LOAD_CALL);
}

int call_filter_enter(struct call_filter *filter, bool every_thread)
{
	struct sock_fprog program = {.filter = filter->rules};
	long r;

	if (filter->full)
		return -E2BIG;
	filter->rules[filter->n] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | (uint32_t)EPERM);
	program.len = (unsigned short)(filter->n + 1);
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    every_thread ? SECCOMP_FILTER_FLAG_TSYNC : 0, &program);
	if (r < 0)
		return -errno;
	/* The number of a thread that can't follow. */
	return r > 0 ? -EBUSY : 0;
}
