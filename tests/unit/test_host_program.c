/* test_host_program.c - watd-host as watd sees it: both tiers, drain, checkpoint, the end. With
 * counter.so. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "proto/end_step.h"
#include "tests/unit/host_counter.h"
#include "tests/lib/cases.h"

/* Start, Attach, 10,000 increments in flight at once, a failed call that leaves the old state, 100
 * calls sent before Drain are in the final state, Finish tells the channel; the value is the
 * caller's. */
static void serve_and_finish(struct rig *rig, bool pool)
{
	struct peer peer;
	int64_t value = 0;

	assert_int_equal(counter_begin(rig, 1, 0, pool), WAT_OK);
	assert_int_equal(counter_value_of(rig->state, rig->n_state), 0);
	peer_attach(rig, &peer, 1, 9, 1);
	assert_int_equal(rig->channels, 1);
	counter_queue(&peer, 10000);
	peer_flush(&peer);
	for (uint64_t id = 1; id <= 10000; id++) {
		assert_true(peer_read(&peer));
		assert_int_equal(peer.frame.type, FRAME_REPLY);
		assert_int_equal(peer.frame.id, id);
		assert_int_equal(counter_reply_of(&peer), ++value);
	}
	assert_int_equal(counter_add(&peer, INT64_MAX), WAT_OUT_OF_RANGE);
	assert_int_equal(counter_read(&peer), 10000);
	counter_queue(&peer, 100);
	peer_flush(&peer);
	assert_int_equal(rig_drain(rig, 1, true), WAT_OK);
	assert_int_equal(counter_value_of(rig->state, rig->n_state), 10100);
	assert_int_equal(rig->end_step, END_HANDLED);
	/* What comes after the drain is not run. */
	counter_queue(&peer, 1);
	peer_flush(&peer);
	assert_int_equal(rig_finish(rig, 1, WAT_STOPPED, "the instance was stopped"), WAT_OK);
	assert_int_equal(rig->end_step, END_SEVERED);
	assert_int_equal(rig->end_step_n, 1);
	for (int i = 0; i < 100; i++) {
		assert_true(peer_read(&peer));
		assert_int_equal(peer.frame.type, FRAME_REPLY);
	}
	assert_int_equal(peer_expect_goaway(&peer, WAT_STOPPED), 10102);
	peer_close(&peer);
}

/* A host of its own serves its instance and exits in order after Finish (row 79: 100 calls sent
 * before the stop are in the final state). */
static void test_process_tier(void **state)
{
	struct rig *rig = *state;

	serve_and_finish(rig, false);
	assert_int_equal(rig_wait(rig), 0);
}

/* The pool host serves one after the other and side by side (row 56: the state goes in where it
 * came out), and ends in order when watd wants no more of it. */
static void test_pool(void **state)
{
	struct rig *rig = *state;
	struct peer a, b;

	serve_and_finish(rig, true);
	assert_int_equal(counter_begin(rig, 1, 10100, true), WAT_OK);
	assert_int_equal(counter_begin(rig, 2, 5, true), WAT_OK);
	peer_attach(rig, &a, 1, 1, 1);
	peer_attach(rig, &b, 2, 1, 1);
	assert_int_equal(counter_add(&a, 1), WAT_OK);
	assert_int_equal(counter_add(&b, 1), WAT_OK);
	assert_int_equal(counter_read(&a), 10101);
	assert_int_equal(counter_read(&b), 6);
	for (uint8_t i = 1; i <= 2; i++) {
		assert_int_equal(rig_drain(rig, i, false), WAT_OK);
		assert_int_equal(rig_finish(rig, i, WAT_UNAVAILABLE, "watd is going down"), WAT_OK);
	}
	assert_int_equal(peer_expect_goaway(&a, WAT_UNAVAILABLE), a.last_id);
	peer_close(&a);
	peer_close(&b);
	assert_int_equal(shutdown(rig->control.fd, SHUT_WR), 0);
	assert_int_equal(rig_wait(rig), 0);
}

/* A process of its own takes one instance, and a request about one that is not here is told so. */
static void test_who_is_here(void **state)
{
	struct rig *rig = *state;
	int pair[2];

	assert_int_equal(counter_begin(rig, 1, 0, false), WAT_OK);
	assert_int_equal(counter_begin(rig, 1, 0, false), WAT_ALREADY_EXISTS);
	assert_int_equal(counter_begin(rig, 2, 0, true), WAT_FAILED_PRECONDITION);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(rig_attach_raw(rig, 2, 1, 1, 1, false, pair[1]), WAT_NOT_FOUND);
	/* The descriptor was closed with the refusal. */
	assert_int_equal(read(pair[0], &(char){0}, 1), 0);
	(void)close(pair[0]);
	assert_int_equal(rig_attach_raw(rig, 1, 1, 1, 1, false, -1), WAT_INVALID_ARGUMENT);
	assert_int_equal(rig_drain(rig, 3, true), WAT_NOT_FOUND);
	assert_int_equal(rig_finish(rig, 3, WAT_STOPPED, ""), WAT_NOT_FOUND);
	assert_int_equal(rig_drain(rig, 1, false), WAT_OK);
	assert_int_equal(rig_drain(rig, 1, false), WAT_FAILED_PRECONDITION);
}

/* A second after a change watd is given the state, and not again until the next change. */
static void test_checkpoint(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(counter_begin(rig, 1, 1, true), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	assert_int_equal(counter_add(&peer, 41), WAT_OK);
	rig_await_checkpoints(rig, 1);
	assert_int_equal(counter_value_of(rig->checkpoint, rig->n_checkpoint), 42);
	/* Neither changes anything. */
	assert_int_equal(counter_add(&peer, 0), WAT_OK);
	assert_int_equal(counter_read(&peer), 42);
	assert_int_equal(counter_add(&peer, 1), WAT_OK);
	rig_await_checkpoints(rig, 2);
	assert_int_equal(counter_value_of(rig->checkpoint, rig->n_checkpoint), 43);
	peer_close(&peer);
}

/* The end of watd is the end of its hosts. */
static void test_lifeline(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(counter_begin(rig, 1, 1, false), WAT_OK);
	rig->lifeline = fd_close(rig->lifeline);
	assert_int_equal(rig_wait(rig), 1);
}

/* SIGTERM and SIGINT, as a terminal sends them to everybody, are watd's business. */
static void test_signals(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(counter_begin(rig, 1, 1, false), WAT_OK);
	assert_int_equal(kill(rig->pid, SIGTERM), 0);
	assert_int_equal(kill(rig->pid, SIGINT), 0);
	assert_int_equal(kill(rig->pid, SIGHUP), 0);
	peer_attach(rig, &peer, 1, 1, 1);
	assert_int_equal(counter_read(&peer), 1);
	peer_close(&peer);
}

static size_t read_proc(const struct rig *rig, const char *name, char *bytes, size_t size)
{
	char path[64];
	size_t n;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)rig->pid, name);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(bytes, 1, size, file);
	(void)fclose(file);
	return n;
}

/* A host that was given empty arguments learns over its private socket who it is (row 33), and its
 * title says it from then on (row 112). */
static void test_no_arguments(void **state)
{
	static const char title[] = "watd: counter c1 (process) gen 7";
	struct rig *rig = *state;
	char bytes[4096];
	size_t n;

	assert_int_equal(counter_begin(rig, 1, 1, false), WAT_OK);
	n = read_proc(rig, "environ", bytes, sizeof bytes);
	assert_null(memmem(bytes, n, "c1", 2));
	assert_null(memmem(bytes, n, "counter", 7));
	assert_int_equal(read_proc(rig, "cmdline", bytes, sizeof bytes), sizeof title);
	assert_string_equal(bytes, title);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, counter_set_up, counter_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_process_tier), TEST(test_pool),     TEST(test_who_is_here),
		TEST(test_checkpoint),   TEST(test_lifeline), TEST(test_signals),
		TEST(test_no_arguments),
	};

	return test_run_cases(tests, NULL, NULL);
}
