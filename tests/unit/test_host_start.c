/* test_host_start.c - beginning and end of an instance: the lifecycle handlers, what can't be
 * started, what a crash leaves behind. With probe.so. */
#include <signal.h>
#include <string.h>

#include "proto/support/cleanup.h"
#include "tests/unit/host_probe.h"
#include "tests/lib/cases.h"

/* Start runs before the spawn is answered (row 3: 41 and a Start that adds 1 is 42), Stop's state
 * is what is returned (row 4). */
static void test_lifecycle(void **state)
{
	struct rig *rig = *state;
	struct peer peer;
	probe_state *final;

	assert_int_equal(probe_start(rig, 1, 41, "begun"), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	probe_expect_now(&peer, 42, "begun", 0);
	assert_int_equal(rig_drain(rig, 1, true), WAT_OK);
	final = probe__state__unpack(NULL, rig->n_state, rig->state);
	assert_int_equal(final->value, -42);
	assert_string_equal(final->note, "stopped");
	probe_state_free(final);
	assert_int_equal(rig_finish(rig, 1, WAT_STOPPED, "stopped"), WAT_OK);
	peer_close(&peer);
}

/* A Start that fails or panics is the spawn's failure, with its reason; the place is free again. */
static void test_start_fails(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(probe_start(rig, 1, 1, "refuse start"), WAT_START_FAILED);
	probe_expect_chain(rig->failure, WAT__ENVELOPE__CAUSE_KIND__FAILURE, "Start",
			   "told to refuse");
	assert_int_equal(probe_start(rig, 1, 1, "panic start"), WAT_START_FAILED);
	probe_expect_chain(rig->failure, WAT__ENVELOPE__CAUSE_KIND__PANIC, "Start",
			   "told to panic");
	probe_begin(rig, 1, &peer);
	probe_expect_now(&peer, 0, "begun", 0);
	peer_close(&peer);
}

/* A crash of Start kills the host, and the page says that it was Start. */
static void test_start_crashes(void **state)
{
	struct rig *rig = *state;
	probe_state in = PROBE_STATE_INIT;

	in.note = (char *)"crash start";
	rig_start_send(rig, &(struct rig_start){.plugin = PROBE_PLUGIN,
						.service = "probe.Probe",
						.hash = probe_interface.hash,
						.state = &in.base,
						.run_start = true,
						.instance = 1});
	assert_int_equal(rig_wait(rig), -SIGSEGV);
	assert_int_equal(atomic_load(&rig->page->slots[1].method_plus_1), ATTRIBUTION_START);
}

/* What can't be started is refused with a reason, before any thread exists (row 2). */
static void test_start_refused(void **state)
{
	struct rig *rig = *state;
	struct rig_start good = {.plugin = PROBE_PLUGIN,
				 .service = "probe.Probe",
				 .hash = probe_interface.hash,
				 .pool = true,
				 .instance = 1};
	struct rig_start bad = good;
	probe_change wrong = PROBE_CHANGE_INIT;

	bad.plugin = "/nonexistent/probe.so";
	assert_int_equal(rig_start(rig, &bad), WAT_START_FAILED);
	assert_non_null(strstr(rig->failure->text, "/nonexistent/probe.so"));
	assert_int_equal(rig->failure->chain[0]->kind, WAT__ENVELOPE__CAUSE_KIND__REFUSED);
	bad.plugin = "probe.so";
	assert_int_equal(rig_start(rig, &bad), WAT_START_FAILED);
	assert_non_null(strstr(rig->failure->text, "absolute"));
	bad.plugin = WAT_BUILD_DIR "/libexec/watd-host";
	assert_int_equal(rig_start(rig, &bad), WAT_START_FAILED);
	bad = good;
	bad.service = "probe.Nothing";
	assert_int_equal(rig_start(rig, &bad), WAT_START_FAILED);
	assert_non_null(strstr(rig->failure->text, "probe.Nothing"));
	bad = good;
	bad.hash++;
	assert_int_equal(rig_start(rig, &bad), WAT_START_FAILED);
	assert_non_null(strstr(rig->failure->text, "version"));
	/* The second field of a Change is no text. */
	bad = good;
	wrong.note = (char *)"\xff";
	bad.state = &wrong.base;
	assert_int_equal(rig_start(rig, &bad), WAT_INVALID_ARGUMENT);
	assert_non_null(strstr(rig->failure->text, "note"));
	assert_int_equal(rig_start(rig, &good), WAT_OK);
}

/* A Stop that fails leaves the instance serving, with the state it had; channels go on. */
static void test_stop_fails(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(probe_start(rig, 1, 0, "refuse stop"), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	assert_int_equal(rig_drain(rig, 1, true), WAT_FAILED_PRECONDITION);
	probe_expect_chain(rig->failure, WAT__ENVELOPE__CAUSE_KIND__FAILURE, "Stop",
			   "told to refuse");
	probe_expect_now(&peer, 1, "refuse stop", 0);
	assert_int_equal(probe_change_by(&peer, ADD, 1, "panic stop"), WAT_OK);
	assert_int_equal(rig_drain(rig, 1, true), WAT_SERVER_DIED);
	probe_expect_chain(rig->failure, WAT__ENVELOPE__CAUSE_KIND__PANIC, "Stop", "told to panic");
	probe_expect_now(&peer, 2, "panic stop", 1);
	/* A suspension runs no Stop. */
	assert_int_equal(rig_drain(rig, 1, false), WAT_OK);
	peer_close(&peer);
}

/* A host that crashes leaves behind what it was running. */
static void test_crash(void **state)
{
	struct rig *rig = *state;
	struct peer peer, other;

	probe_begin(rig, 1, &peer);
	probe_begin(rig, 2, &other);
	(void)peer_queue(&peer, ADD, 0, NULL);
	(void)peer_queue(&peer, CRASH, 0, NULL);
	peer_flush(&peer);
	assert_int_equal(rig_wait(rig), -SIGSEGV);
	assert_int_equal(atomic_load(&rig->page->slots[1].method_plus_1), CRASH + 1);
	assert_int_equal(atomic_load(&rig->page->slots[1].call_id), 2);
	assert_int_equal(rig->page->slots[1].lane[0], 1);
	assert_int_equal(atomic_load(&rig->page->slots[2].method_plus_1), 0);
	assert_false(peer_read(&other));
	peer_close(&peer);
	peer_close(&other);
}

/* The lifeline ends a host whose handler never returns. */
static void test_hang(void **state)
{
	struct rig *rig = *state;
	struct peer peer, other;

	probe_begin(rig, 1, &peer);
	probe_begin(rig, 2, &other);
	(void)peer_queue(&peer, HANG, 0, NULL);
	peer_flush(&peer);
	/* The rest of the pool is served. */
	assert_int_equal(probe_change_by(&other, ADD, 1, "one"), WAT_OK);
	while (atomic_load(&rig->page->slots[1].method_plus_1) != HANG + 1)
		probe_expect_now(&other, 1, "one", 1);
	rig->lifeline = fd_close(rig->lifeline);
	assert_int_equal(rig_wait(rig), 1);
	peer_close(&peer);
	peer_close(&other);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, probe_set_up, probe_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_lifecycle),     TEST(test_start_fails), TEST(test_start_crashes),
		TEST(test_start_refused), TEST(test_stop_fails),  TEST(test_crash),
		TEST(test_hang),
	};

	return test_run_cases(tests, NULL, NULL);
}
