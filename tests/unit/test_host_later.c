/* test_host_later.c - calls that are answered later, by another call or by the end. With probe.so.
 */
#include <string.h>

#include "proto/support/cleanup.h"
#include "tests/unit/host_probe.h"
#include "tests/lib/cases.h"

/* A call that was taken is answered by another one, after those that came behind it. */
static void test_later(void **state)
{
	struct rig *rig = *state;
	struct peer peer, other;
	uint64_t first, second;

	probe_begin(rig, 1, &peer);
	peer_attach(rig, &other, 1, 2, 2);
	first = peer_queue(&peer, WAIT, 0, NULL);
	second = peer_queue(&peer, WAIT, 0, NULL);
	probe_sync(&peer);
	/* A handler that answers them and fails has answered nobody. */
	assert_int_equal(probe_change_by(&other, RELEASE_THEN_FAIL, 5, "five"), WAT_ABORTED);
	probe_expect_now(&peer, 0, "begun", 0);
	assert_int_equal(probe_change_by(&other, RELEASE, 6, "six"), WAT_OK);
	assert_int_equal(probe_size_of(&other), 2);
	assert_true(peer_read(&peer));
	assert_int_equal(peer.frame.id, first);
	probe_expect_reply(&peer, 6, "six", 1);
	assert_true(peer_read(&peer));
	assert_int_equal(peer.frame.id, second);
	assert_int_equal(probe_change_by(&other, RELEASE, 1, "none"), WAT_OK);
	assert_int_equal(probe_size_of(&other), 0);
	peer_close(&peer);
	peer_close(&other);
}

/* A `later` method may answer at once; one that neither answers nor takes its call is INTERNAL to
 * its caller, named in the log, and changed nothing. */
static void test_later_at_once(void **state)
{
	struct rig *rig = *state;
	struct peer peer;
	char log[4096];

	probe_begin(rig, 1, &peer);
	assert_int_equal(probe_change_by(&peer, PROMPT, 2, "two"), WAT_OK);
	probe_expect_reply(&peer, 2, "two", 1);
	assert_int_equal(probe_change_by(&peer, FORGET, 2, "lost"), WAT_INTERNAL);
	probe_expect_text(&peer, "Forget");
	probe_expect_now(&peer, 2, "two", 1);
	rig->lifeline = fd_close(rig->lifeline);
	assert_int_equal(rig_wait(rig), 1);
	rig_read_stderr(rig, log, sizeof log);
	assert_non_null(strstr(log, "neither answered nor took its call; the caller gets INTERNAL "
				    "method=Forget\n"));
	peer_close(&peer);
}

/* At most 16 calls of a channel wait; a peer that goes away takes its place with it, and the
 * service may still answer. */
static void test_later_limit(void **state)
{
	struct rig *rig = *state;
	struct peer peer, other;

	probe_begin(rig, 1, &peer);
	peer_attach(rig, &other, 1, 2, 2);
	for (int i = 0; i < 16; i++)
		(void)peer_queue(&peer, WAIT, 0, NULL);
	assert_int_equal(peer_call(&peer, WAIT, NULL), WAT_OVERLOADED);
	peer_close(&peer);
	rig_await_channels(rig, 1, 0);
	assert_int_equal(probe_change_by(&other, RELEASE, 6, "six"), WAT_OK);
	assert_int_equal(probe_size_of(&other), 16);
	peer_close(&other);
}

/* Stop answers those that wait STOPPED, a suspension UNAVAILABLE; Detach its grant's. */
static void test_later_end(void **state)
{
	struct rig *rig = *state;
	struct peer peer, other;

	for (uint8_t i = 0; i < 2; i++) {
		bool stop = i == 0;
		wat_status status = stop ? WAT_STOPPED : WAT_UNAVAILABLE;

		probe_begin(rig, 1, &peer);
		peer_attach(rig, &other, 1, 2, 2);
		(void)peer_queue(&other, WAIT, 0, NULL);
		probe_sync(&other);
		assert_int_equal(rig_detach(rig, 1, 2), WAT_OK);
		assert_true(peer_read(&other));
		assert_int_equal(other.frame.type, FRAME_FAIL);
		assert_int_equal(other.frame.budget, WAT_ACCESS_DENIED);
		assert_int_equal(peer_expect_goaway(&other, WAT_ACCESS_DENIED), 2);
		(void)peer_queue(&peer, WAIT, 0, NULL);
		peer_flush(&peer);
		assert_int_equal(rig_drain(rig, 1, stop), WAT_OK);
		assert_int_equal(rig_finish(rig, 1, status, "the end"), WAT_OK);
		assert_true(peer_read(&peer));
		assert_int_equal(peer.frame.type, FRAME_FAIL);
		assert_int_equal(peer.frame.budget, status);
		assert_int_equal(peer_expect_goaway(&peer, status), 1);
		peer_close(&peer);
		peer_close(&other);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, probe_set_up, probe_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_later),
		TEST(test_later_at_once),
		TEST(test_later_limit),
		TEST(test_later_end),
	};

	return test_run_cases(tests, NULL, NULL);
}
