/* test_hostile_idle.c - 10,000 connections that do nothing, as far as there are descriptors for
 * them: they cost little memory, nobody notices them, and nothing of them is left. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/scenario/hostile.h"

#define WANTED 10000u
#define NEEDED 1000u
#define MARGIN 200u /* descriptors beside those of connections, of whichever process */
/* Of watd and gate together; a sanitizer needs several times as much. */
#ifdef WAT_SANITIZED
#define EACH_BYTES 65536u
#else
#define EACH_BYTES 6144u
#endif

static int set_up(void **state)
{
	return hostile_start(
		state, "max-unauthenticated = 1000000:100:1000000\nmax-connections = 1000000\n"
		       "max-connections-of-uid = 1000000\ngate-connections = 1000000\n"
		       "gate-connections-of-address = 1000000\nhandshake-rate = 1000000\n"
		       "handshake-burst = 1000000\n");
}

/* Of the gate each needs two descriptors. */
static size_t possible(const struct hostile *h)
{
	struct rlimit limit;
	size_t n;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	n = limit.rlim_cur - MARGIN;
	if (h->gate)
		n /= 2;
	return n < WANTED ? n : WANTED;
}

static void ping(struct hand *hand, uint64_t id)
{
	hand_queue(hand, (struct frame){.type = FRAME_PING, .id = id}, NULL, 0);
	assert_true(hand_read(hand));
	assert_int_equal(hand->frame.type, FRAME_PONG);
	assert_int_equal(hand->frame.id, id);
}

/* 10,000 clients that have connected and do nothing, or as many as there are descriptors for (at
 * least 1,000): each costs a few KiB, an innocent client and a newcomer are served, each of the
 * 10,000 is when it wants to be, and when they go everything that they had comes back (row 43). */
static void test_idle(void **state)
{
	struct hostile *h = *state;
	size_t n = possible(h);
	struct hand *idle = calloc(n, sizeof *idle), newcomer;
	long growth;

	assert_true(n >= NEEDED);
	assert_non_null(idle);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(hostile_greet(h, h->tcp && i % 2 ? ELSEWHERE : HERE, &idle[i]), 0);
	innocent_await(&h->innocent);
	growth = hostile_memory_kb(h) - h->memory_kb;
	print_message("%zu connections, %ld bytes each\n", n, growth * 1024 / (long)n);
	assert_true((size_t)growth * 1024 <= n * EACH_BYTES);
	assert_int_equal(hostile_greet(h, HERE, &newcomer), 0);
	hand_close(&newcomer);
	for (size_t i = 0; i < n; i++)
		ping(&idle[i], i + 1);
	for (size_t i = 0; i < n; i++)
		hand_close(&idle[i]);
	free(idle);
	hostile_await_settled(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_idle, set_up, hostile_tear_down),
	};

	return test_run_cases(tests, NULL, NULL);
}
