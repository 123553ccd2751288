/* fault.c - who brought the host down. The handler runs on the faulting thread, on a stack of its
 * own, and touches nothing but its slot. */
#include "daemon/host/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
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

static struct attribution *the_page;
static __thread struct attribution_slot *own_slot;
static __thread void *own_stack;

/* What the processor did not bring about has none. */
static bool has_address(int number, const siginfo_t *info)
{
	return info->si_code > 0 && info->si_code != SI_KERNEL &&
	       (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL);
}

static void note(int number, const siginfo_t *info)
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
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (own_slot)
		note(number, info);
	/* The handler is gone (SA_RESETHAND): this is the end. */
	(void)raise(number);
}

void fault_watch(struct attribution *page)
{
	the_page = page;
#ifndef HAS_SANITIZER
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER)};

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

void fault_act_for(struct attribution_slot *slot)
{
	own_slot = slot;
}
