/* fault.c - who brought the host down. The handler runs on the faulting thread, on a stack of its
 * own, and touches nothing but its slot. */
#include "daemon/host/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* More than SIGSTKSZ: with AVX-512 the frame alone takes most of that. */
#define STACK_SIZE (64u * 1024u)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

static __thread struct attribution_slot *own_slot;
static __thread void *own_stack;

static void on_fault(int number)
{
	if (own_slot)
		atomic_store(&own_slot->faulted, 1);
	/* The handler is gone (SA_RESETHAND): this is the end. */
	(void)raise(number);
}

void fault_watch(void)
{
#ifndef HAS_SANITIZER
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	struct sigaction action = {.sa_handler = on_fault,
				   .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND | SA_NODEFER)};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		(void)sigaction(own[i], &action, NULL);
#else
	(void)on_fault;
#endif
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
