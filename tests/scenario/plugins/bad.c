/* bad.c - a service whose handlers do to their process whatever a handler can. Runs on its
 * instance's thread. */
#include "bad.service.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* All instances of a process share it. */
static char *volatile spoiled;

static volatile int zero;

#define MISDEED(method)                                                                \
	wat_status bad_on_##method(struct bad_##method##_call *call, bad_state *state, \
				   const wat_empty *in, wat_empty *out)

#define BEGIN()                   \
	do {                      \
		(void)call;       \
		(void)in;         \
		(void)out;        \
		state->value = 0; \
	} while (0)

wat_status bad_on_get(struct bad_get_call *call,
		      bad_state *state,
		      const wat_empty *in,
		      bad_number *out)
{
	(void)call;
	(void)in;
	out->n = state->value;
	return WAT_OK;
}

wat_status bad_on_add(struct bad_add_call *call,
		      bad_state *state,
		      const bad_number *in,
		      bad_number *out)
{
	(void)call;
	out->n = state->value += in->n;
	return WAT_OK;
}

MISDEED(panic)
{
	BEGIN();
	wat_panic(call, "a secret");
}

MISDEED(check)
{
	BEGIN();
	wat_check(call, state->value > 0);
	return WAT_OK;
}

static void write_to(uintptr_t address)
{
	volatile char *volatile at = (volatile char *)address;

	*at = 1;
}

MISDEED(null_write)
{
	BEGIN();
	write_to(0);
	return WAT_OK;
}

MISDEED(wild_write)
{
	BEGIN();
	write_to((uintptr_t)1 << 40);
	return WAT_OK;
}

MISDEED(double_free)
{
	char *volatile taken = malloc(32);
	char *volatile same = taken;

	BEGIN();
	free(taken);
	free(same);
	return WAT_OK;
}

MISDEED(abort)
{
	BEGIN();
	abort();
}

static int __attribute__((noinline)) descend(volatile char *above)
{
	volatile char here[512];

	here[0] = *above;
	if (zero == 1)
		return 0;
	return descend(here) + here[0];
}

MISDEED(overflow)
{
	volatile char top = 1;

	BEGIN();
	zero = descend(&top) & 0;
	return WAT_OK;
}

MISDEED(divide)
{
	BEGIN();
	state->value = 1234567 / zero;
	/* Not every processor minds. */
	(void)raise(SIGFPE);
	return WAT_OK;
}

MISDEED(bus_error)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);
	volatile char *page;

	BEGIN();
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || page == MAP_FAILED)
		return wat_fail(call, WAT_INTERNAL, "there is no file to read");
	page[0] = 1;
	return WAT_OK;
}

MISDEED(exit)
{
	BEGIN();
	_exit(3);
}

static void block_signals(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

MISDEED(block)
{
	BEGIN();
	block_signals();
	write_to(0);
	return WAT_OK;
}

MISDEED(devour)
{
	BEGIN();
	for (;;) {
		volatile char *volatile more = malloc((size_t)64 << 20);

		*more = 1;
	}
}

MISDEED(loop)
{
	BEGIN();
	block_signals();
	wat_log(call, WAT_LOG_WARNING, "round and round");
	for (;;)
		zero = 0;
}

MISDEED(chatter)
{
	static const char line[] = "and another thing\n";

	BEGIN();
	while (write(STDOUT_FILENO, line, sizeof line - 1) > 0)
		;
	return wat_fail(call, WAT_INTERNAL, "nobody listens");
}

MISDEED(take)
{
	BEGIN();
	spoiled = malloc(64);
	return WAT_OK;
}

MISDEED(spoil)
{
	BEGIN();
	/* The size of what was taken stands before it. */
	memset(spoiled - sizeof(size_t), 0x50, sizeof(size_t));
	return WAT_OK;
}

wat_status bad_on_await(struct bad_await_call *call,
			bad_state *state,
			const bad_path *in,
			wat_empty *out)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	struct stat st;

	(void)call;
	(void)state;
	(void)out;
	while (stat(in->path, &st) == 0)
		(void)nanosleep(&moment, NULL);
	return WAT_OK;
}

MISDEED(give)
{
	BEGIN();
	free(spoiled);
	return WAT_OK;
}
