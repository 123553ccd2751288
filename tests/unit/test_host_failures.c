/* test_host_failures.c - a failed handler leaves the old state, however it fails. With probe.so. */
#include <string.h>

#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "tests/unit/host_probe.h"
#include "tests/lib/cases.h"

/* An operation that fails after it changed the state, also what the state points to, leaves the old
 * one (row 8). */
static void test_failure_leaves_old_state(void **state)
{
	struct rig *rig = *state;
	struct peer peer;
	probe_state *final;

	probe_begin(rig, 1, &peer);
	assert_int_equal(probe_change_by(&peer, ADD, 3, "three"), WAT_OK);
	assert_int_equal(probe_change_by(&peer, ADD, 4, "four"), WAT_OK);
	probe_expect_reply(&peer, 7, "four", 2);
	assert_int_equal(probe_change_by(&peer, ADD_THEN_FAIL, 5, "five"), WAT_FAILED_PRECONDITION);
	probe_expect_text(&peer, "added, then failed");
	probe_expect_now(&peer, 7, "four", 2);
	assert_int_equal(probe_change_by(&peer, ADD_POSITIVE, -5, "less"), WAT_OUT_OF_RANGE);
	assert_int_equal(probe_change_by(&peer, ADD_POSITIVE, 1, "more"), WAT_OK);
	probe_expect_now(&peer, 8, "more", 3);
	assert_int_equal(rig_drain(rig, 1, false), WAT_OK);
	final = probe__state__unpack(NULL, rig->n_state, rig->state);
	assert_int_equal(final->items[0]->n, 3);
	probe_state_free(final);
	peer_close(&peer);
}

/* A method that is declared read_only changes nothing, whatever it does. */
static void test_read_only(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	probe_begin(rig, 1, &peer);
	assert_int_equal(probe_change_by(&peer, ADD, 1, "one"), WAT_OK);
	assert_int_equal(probe_change_by(&peer, SNEAK, 5, "sneaked"), WAT_OK);
	probe_expect_now(&peer, 1, "one", 1);
	peer_close(&peer);
}

/* A panic is answered SERVER_DIED, the state is as before, and neither the other peers nor the
 * other instances notice. Its User learns kind and service; watd learns method and text, for the
 * Admin. rows 46 and 49 */
static void test_panic(void **state)
{
	struct rig *rig = *state;
	struct peer peer, beside, other;
	Wat__Envelope__Failure *failure;

	probe_begin(rig, 1, &peer);
	probe_begin(rig, 2, &other);
	peer_attach(rig, &beside, 1, 2, 2);
	assert_int_equal(probe_change_by(&peer, ADD, 1, "one"), WAT_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(probe_change_by(&peer, ADD_THEN_PANIC, 5, "five"),
				 WAT_SERVER_DIED);
		failure = peer_failure(&peer);
		probe_expect_redacted(failure, WAT__ENVELOPE__CAUSE_KIND__PANIC);
		rig_await_panics(rig, (unsigned)i + 1);
		assert_non_null(strstr(rig->panic, "AddThenPanic: panic at 6 ("));
		wat__envelope__failure__free_unpacked(failure, NULL);
		assert_int_equal(atomic_load(&rig->page->slots[1].method_plus_1), 0);
	}
	probe_expect_now(&peer, 1, "one", 1);
	probe_expect_now(&beside, 1, "one", 1);
	probe_expect_now(&other, 0, "begun", 0);
	peer_close(&peer);
	peer_close(&beside);
	peer_close(&other);
}

/* A state of scalars: the same promises. */
static void test_scalar_state(void **state)
{
	struct rig *rig = *state;
	probe_gauge_value in = PROBE_GAUGE_VALUE_INIT, *reply;
	struct peer peer;

	assert_int_equal(rig_start(rig, &(struct rig_start){.plugin = PROBE_PLUGIN,
							    .service = "probe.Gauge",
							    .hash = probe_gauge_interface.hash,
							    .pool = true,
							    .instance = 1}),
			 WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	in.value = 5;
	in.set = true;
	assert_int_equal(peer_call(&peer, GAUGE_SET, &in.base), WAT_OK);
	in.value = 6;
	in.set = false;
	assert_int_equal(peer_call(&peer, GAUGE_SET_THEN_FAIL, &in.base), WAT_FAILED_PRECONDITION);
	assert_int_equal(peer_call(&peer, GAUGE_SET_THEN_PANIC, &in.base), WAT_SERVER_DIED);
	probe_expect_text(&peer, "the service panicked in this call");
	rig_await_panics(rig, 1);
	assert_non_null(
		strstr(rig->panic, "SetThenPanic: check failed: state->value == in->value + 1 ("));
	assert_int_equal(peer_call(&peer, GAUGE_SNEAK, &in.base), WAT_OK);
	assert_int_equal(peer_call(&peer, GAUGE_GET, NULL), WAT_OK);
	reply = probe__gauge_value__unpack(NULL, peer.frame.body_len, peer.body);
	assert_int_equal(reply->value, 5);
	assert_true(reply->set);
	probe_gauge_value_free(reply);
	peer_close(&peer);
}

/* A call whose time is over when its turn comes is not run: its own, or that of its method. */
static void test_deadline(void **state)
{
	struct rig *rig = *state;
	probe_size rounds = PROBE_SIZE_INIT;
	probe_change in = PROBE_CHANGE_INIT;
	struct peer peer;

	probe_begin(rig, 1, &peer);
	rounds.n = 50000000;
	in.n = 1;
	(void)peer_queue(&peer, SPIN, 0, &rounds.base);
	(void)peer_queue(&peer, ADD, 1, &in.base);
	(void)peer_queue(&peer, ADD_SOON, 3600000, &in.base);
	(void)peer_queue(&peer, ADD_SOON, 0, &in.base);
	(void)peer_queue(&peer, ADD, 3600000, &in.base);
	peer_flush(&peer);
	assert_true(peer_read(&peer));
	assert_int_equal(peer.frame.type, FRAME_REPLY);
	for (int i = 0; i < 3; i++) {
		assert_true(peer_read(&peer));
		assert_int_equal(peer.frame.type, FRAME_FAIL);
		assert_int_equal(peer.frame.budget, WAT_DEADLINE_EXCEEDED);
	}
	assert_true(peer_read(&peer));
	probe_expect_reply(&peer, 1, "", 1);
	peer_close(&peer);
}

/* Replies and states over their limits, and memory over a call's, fail the call and apply nothing.
 */
static void test_sizes(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	probe_begin(rig, 1, &peer);
	assert_int_equal(probe_size_by(&peer, BIG, 1000000), WAT_OK);
	probe_expect_now(&peer, 1, "begun", 0);
	assert_int_equal(probe_size_by(&peer, BIG, WAT_BODY_MAX), WAT_RESOURCE_EXHAUSTED);
	probe_expect_text(&peer, "not applied");
	assert_int_equal(probe_size_by(&peer, GROW, WAT_STATE_MAX), WAT_RESOURCE_EXHAUSTED);
	probe_expect_text(&peer, "not applied");
	assert_int_equal(probe_size_by(&peer, ALLOCATE, WAT_CALL_MEMORY_MAX + 1),
			 WAT_RESOURCE_EXHAUSTED);
	probe_expect_text(&peer, "not applied");
	assert_int_equal(probe_size_by(&peer, ALLOCATE, UINT64_MAX), WAT_RESOURCE_EXHAUSTED);
	probe_expect_now(&peer, 1, "begun", 0);
	assert_int_equal(probe_size_by(&peer, GROW, WAT_STATE_MAX - 100), WAT_OK);
	peer_close(&peer);
}

/* Text that is not UTF-8 never leaves the host: a reply or a state of such is the service's
 * mistake, and named; a sentence is mended. */
static void test_bad_text(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	probe_begin(rig, 1, &peer);
	assert_int_equal(probe_change_by(&peer, BAD_REPLY, 1, ""), WAT_INTERNAL);
	probe_expect_text(&peer, "BadReply made a reply that can't be read; not applied: text");
	assert_int_equal(probe_change_by(&peer, BAD_STATE, 1, ""), WAT_INTERNAL);
	probe_expect_text(&peer, "BadState made a state that can't be read; not applied: note");
	assert_int_equal(probe_change_by(&peer, BAD_FAILURE, 1, ""), WAT_ABORTED);
	probe_expect_text(&peer, "bad ? text");
	probe_expect_now(&peer, 0, "begun", 0);
	peer_close(&peer);
}

/* A service ends calls with what it can know. What only watd or libwat can know (that it was
 * stopped, that it died), what is never sent, and numbers that are none become INTERNAL, which the
 * log names; a failure with OK is none. */
static void test_statuses(void **state)
{
	static const wat_status own[] = {WAT_NOT_FOUND,     WAT_ABORTED,   WAT_UNAUTHENTICATED,
					 WAT_ACCESS_DENIED, WAT_PEER_DIED, WAT_OVERLOADED,
					 WAT_TOO_LARGE,     WAT_DEADLOCK};
	static const uint64_t others[] = {WAT_OK,
					  WAT_PERMISSION_DENIED,
					  17,
					  31,
					  WAT_STALE,
					  WAT_STOPPED,
					  WAT_SERVER_DIED,
					  WAT_DISCONNECTED,
					  WAT_START_FAILED,
					  WAT_TOO_OLD,
					  WAT_STATUS_END,
					  UINT32_MAX};
	struct rig *rig = *state;
	struct peer peer, other;
	char text[65536];

	probe_begin(rig, 1, &peer);
	peer_attach(rig, &other, 1, 2, 2);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		assert_int_equal(probe_size_by(&peer, SAY, own[i]), own[i]);
		probe_expect_text(&peer, "as told");
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_int_equal(probe_size_by(&peer, SAY, others[i]), WAT_INTERNAL);
		probe_expect_text(&peer, "as told");
		/* And so for an answer that is given later. */
		(void)peer_queue(&other, WAIT, 0, NULL);
		probe_sync(&other);
		assert_int_equal(probe_size_by(&peer, FAIL_WAITING, others[i]), WAT_OK);
		assert_int_equal(probe_size_of(&peer), 1);
		assert_true(peer_read(&other));
		assert_int_equal(other.frame.type, FRAME_FAIL);
		assert_int_equal(other.frame.budget, WAT_INTERNAL);
		probe_expect_text(&other, "as told");
	}
	probe_expect_now(&peer, 0, "begun", 0);
	assert_int_equal(probe_size_by(&peer, SAY, WAT_STOPPED), WAT_INTERNAL);
	probe_expect_text(&peer, "Say ended with status 34 (STOPPED), which is not a service's");
	rig->lifeline = fd_close(rig->lifeline);
	assert_int_equal(rig_wait(rig), 1);
	rig_read_stderr(rig, text, sizeof text);
	assert_non_null(strstr(text, "not a service's to say; its caller gets INTERNAL "
				     "method=Say status=34\n"));
	assert_non_null(strstr(text, " method=Wait status=35\n"));
	peer_close(&peer);
	peer_close(&other);
}

/* What a service logs is one line with its level and the instance, whatever bytes it holds. */
static void test_log(void **state)
{
	struct rig *rig = *state;
	char text[4096];
	struct peer peer;

	probe_begin(rig, 1, &peer);
	assert_int_equal(probe_change_by(&peer, LOG, 0, "two\nlines"), WAT_OK);
	rig->lifeline = fd_close(rig->lifeline);
	assert_int_equal(rig_wait(rig), 1);
	rig_read_stderr(rig, text, sizeof text);
	assert_non_null(strstr(text, "<4 c1>two lines\n"));
	peer_close(&peer);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, probe_set_up, probe_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_failure_leaves_old_state),
		TEST(test_read_only),
		TEST(test_panic),
		TEST(test_scalar_state),
		TEST(test_deadline),
		TEST(test_sizes),
		TEST(test_bad_text),
		TEST(test_statuses),
		TEST(test_log),
	};

	return test_run_cases(tests, NULL, NULL);
}
