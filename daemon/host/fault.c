/* fault.c - who brought the host down. The handler runs on the faulting thread, on a stack of its
 * own, and touches nothing but its slot. */
#include "daemon/host/fault.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <ucontext.h>

#include "daemon/base/crash_point.h"

/* More than SIGSTKSZ: with AVX-512 the frame alone takes most of that. */
#define STACK_SIZE (64u * 1024u)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

static struct attribution *the_page;
static __thread struct attribution_slot *own_slot;
static __thread void *own_stack;
static __thread volatile sig_atomic_t own_first; /* the signal that is being noted; 0: none */

/* What the processor did not bring about has none. */
static bool has_address(int number, const siginfo_t *info)
{
	return info->si_code > 0 && info->si_code != SI_KERNEL &&
	       (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL);
}

/* Where the thread was; 0: nobody knows on this processor. */
static uint64_t place_of(const void *context)
{
	const ucontext_t *before = context;

#if defined(__x86_64__)
	return (uint64_t)before->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uint64_t)before->uc_mcontext.pc;
#else
	(void)before;
	return 0;
#endif
}

/* From the place of the fault on: what is before it is this handler. */
static void note_stack(struct attribution_fault *fault, uint64_t place)
{
	void *stack[ATTRIBUTION_FRAMES];
	int n = backtrace(stack, ATTRIBUTION_FRAMES), first = 0;
	uint32_t n_frames = 0;

	while (first < n && (uint64_t)(uintptr_t)stack[first] != place)
		first++;
	if (first == n) {
		first = 0;
		fault->frames[n_frames++] = place;
	}
	for (int i = first; i < n && n_frames < ATTRIBUTION_FRAMES; i++)
		fault->frames[n_frames++] = (uint64_t)(uintptr_t)stack[i];
	atomic_store(&fault->n_frames, n_frames);
}

static void note(int number, const siginfo_t *info, const void *context)
{
	struct attribution_fault *fault = &the_page->fault;

	atomic_store(&own_slot->faulted, 1);
	if (atomic_exchange(&fault->claimed, 1) != 0)
		return;
	if (has_address(number, info)) {
		atomic_store(&fault->address, (uint64_t)(uintptr_t)info->si_addr);
		atomic_store(&fault->has_address, 1);
	}
	atomic_store(&fault->slot_plus_1, (uint32_t)(own_slot - the_page->slots) + 1);
	/* A stack that was written over may end it here; the rest is there. */
	note_stack(fault, place_of(context));
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	if (own_first == 0) {
		own_first = number;
		if (own_slot)
			note(number, info, context);
	}
	CRASH_HERE(fault_noted);
	/* Its handler is gone (SA_RESETHAND): this is the end. */
	(void)raise(own_first);
}

void fault_watch(struct attribution *page)
{
	void *warm[2];

	the_page = page;
	/* The first time it loads a library, which no handler may. */
	(void)backtrace(warm, 2);
#ifdef HAS_SANITIZER
	/* The others are its own. */
	static const int own[] = {SIGSYS};
#else
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
#endif
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER)};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		(void)sigaction(own[i], &action, NULL);
}

int fault_enter(struct attribution_slot *slot)
{
	stack_t stack = {.ss_size = STACK_SIZE};

	own_slot = slot;
#ifdef HAS_SANITIZER
	return 0;
#endif
	own_stack = malloc(STACK_SIZE);
	if (!own_stack)
		return -ENOMEM;
	stack.ss_sp = own_stack;
	return sigaltstack(&stack, NULL) < 0 ? -errno : 0;
}

void fault_leave(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if (own_stack)
		(void)sigaltstack(&none, NULL);
	free(own_stack);
	own_stack = NULL;
	own_slot = NULL;
}

void fault_act_for(struct attribution_slot *slot)
{
	own_slot = slot;
}
