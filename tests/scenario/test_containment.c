/* test_containment.c - a service that fails, panics or crashes: who is told what, and who does not
 * notice. */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/cases.h"

static struct test_daemon the_daemon;
static wat *the_wat;
static wat_node *the_node;

static int set_up(void **state)
{
	(void)state;
	test_daemon_init(&the_daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&the_daemon);
	return wat_connect(the_daemon.admin_socket, &the_wat) != 0 ||
	       wat_node_open(the_wat, &the_node) != 0;
}

static int tear_down(void **state)
{
	(void)state;
	wat_node_free(the_node);
	wat_free(the_wat);
	test_daemon_deinit(&the_daemon);
	return 0;
}

static int spawn_probe(const char *name, uint32_t tier, const char *note, probe_admin **ret)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	probe_state initial = PROBE_STATE_INIT;

	spawn.tier = tier;
	initial.note = (char *)note;
	return probe_spawn(the_node, name, &spawn, &initial, ret);
}

static probe_user *probe_user_of(probe_admin *admin)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	probe_user *user;

	grant.name = "u1";
	assert_int_equal(probe_provision(admin, &grant, &user), 0);
	return user;
}

static int64_t get(probe_user *user)
{
	probe_value *reply;
	int64_t value;

	assert_int_equal(probe_get(user, NULL, &reply), 0);
	value = reply->value;
	probe_value_free(reply);
	return value;
}

static void assert_shown(const char *name, const char *text)
{
	struct test_output out;

	test_watctl(&the_daemon, &out, "-j", "show", name, NULL);
	assert_int_equal(out.code, 0);
	if (!strstr(out.out, text))
		fail_msg("expected %s in %s", text, out.out);
}

/* What a host tells watd of a panic comes on its own way. */
static void wait_shown(const char *name, const char *text)
{
	struct test_output out;

	do {
		test_watctl(&the_daemon, &out, "-j", "show", name, NULL);
		assert_int_equal(out.code, 0);
	} while (!strstr(out.out, text));
}

static uint32_t tier_of(void **state)
{
	return (uint32_t)(uintptr_t)*state;
}

/* A Start that refuses, panics or crashes: START_FAILED with the reason, nothing is left, the name
 * is free (row 34). */
static void test_start_fails(void **state)
{
	static const char *const notes[] = {"refuse start", "panic start", "crash start"};
	static const int kinds[] = {WAT_CAUSE_FAILURE, WAT_CAUSE_PANIC, WAT_CAUSE_SIGNAL};
	probe_admin *admin = NULL;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(spawn_probe("starting", tier_of(state), notes[i], &admin),
				 WAT_START_FAILED);
		assert_null(admin);
		assert_true(wat_failure()->n_causes >= 1);
		assert_int_equal(wat_failure()->causes[0].kind, kinds[i]);
		assert_string_equal(wat_failure()->causes[0].service, "probe.Probe");
	}
	assert_int_equal(spawn_probe("starting", tier_of(state), "", &admin), 0);
	assert_int_equal(probe_stop(admin, NULL), 0);
	probe_admin_free(admin);
}

/* A User is told kind and service of a death or a panic, and nothing of what its Admin sees. */
static void assert_redacted(const struct wat_failure *failure, int kind, const char *secret)
{
	assert_int_equal(failure->n_causes, 1);
	assert_int_equal(failure->causes[0].kind, kind);
	assert_string_equal(failure->causes[0].service, "probe.Probe");
	assert_string_equal(failure->causes[0].instance, "");
	assert_string_equal(failure->causes[0].method, "");
	assert_string_equal(failure->causes[0].text, "");
	assert_int_equal(failure->causes[0].signal, 0);
	assert_int_equal(failure->causes[0].address, 0);
	assert_int_equal(failure->causes[0].n_frames, 0);
	assert_int_equal(failure->causes[0].generation, 0);
	assert_null(strstr(failure->text, secret));
}

/* Failures and panics of a service whose state has strings and lists leave the old state (row 8).
 * Of a panic the User learns kind and service, the Admin all of it (row 49). */
static void test_old_state(void **state)
{
	probe_change change = PROBE_CHANGE_INIT;
	probe_admin *admin;
	probe_user *user;
	int64_t before;

	assert_int_equal(spawn_probe("keeping", tier_of(state), "", &admin), 0);
	user = probe_user_of(admin);
	change.n = 5;
	change.note = (char *)"five";
	assert_int_equal(probe_add(user, &change, NULL), 0);
	before = get(user);
	change.n = 100;
	assert_int_equal(probe_add_then_fail(user, &change, NULL), WAT_FAILED_PRECONDITION);
	assert_int_equal(get(user), before);
	assert_int_equal(probe_add_then_panic(user, &change, NULL), WAT_SERVER_DIED);
	assert_redacted(wat_failure(), WAT_CAUSE_PANIC, "panic at");
	wait_shown("keeping", "AddThenPanic panicked: panic at 106 (");
	wait_shown("keeping", "\"deaths\":0");
	assert_int_equal(get(user), before);
	assert_int_equal(probe_forget(user, &change, NULL), WAT_INTERNAL);
	assert_int_equal(get(user), before);
	probe_user_free(user);
	assert_int_equal(probe_stop(admin, NULL), 0);
	probe_admin_free(admin);
}

/* A crash in the pool is the end of the call that did it and of no other: it is answered with the
 * chain and not run again; the death counts for the culprit alone, and both lose nothing. row 46 */
static void test_crash_in_pool(void **state)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	probe_gauge_state initial = PROBE_GAUGE_STATE_INIT;
	probe_gauge_admin *gauge_admin;
	probe_gauge_user *gauge_user;
	probe_gauge_value *value;
	probe_admin *admin;
	probe_user *user;

	(void)state;
	spawn.tier = WAT_TIER_THREAD;
	initial.value = 7;
	grant.name = "u1";
	assert_int_equal(spawn_probe("culprit", WAT_TIER_THREAD, "", &admin), 0);
	assert_int_equal(probe_gauge_spawn(the_node, "bystander", &spawn, &initial, &gauge_admin),
			 0);
	user = probe_user_of(admin);
	assert_int_equal(probe_gauge_provision(gauge_admin, &grant, &gauge_user), 0);
	assert_int_equal(probe_crash(user, NULL, NULL), WAT_SERVER_DIED);
	assert_true(wat_failure()->n_causes > 0);
	assert_int_equal(probe_gauge_get(gauge_user, NULL, &value), 0);
	assert_int_equal(value->value, 7);
	probe_gauge_value_free(value);
	(void)get(user);
	assert_shown("culprit", "\"deaths\":1");
	assert_shown("culprit", "Crash");
	assert_shown("bystander", "\"deaths\":0");
	probe_gauge_user_free(gauge_user);
	probe_user_free(user);
	assert_int_equal(probe_gauge_stop(gauge_admin, NULL), 0);
	assert_int_equal(probe_stop(admin, NULL), 0);
	probe_gauge_admin_free(gauge_admin);
	probe_admin_free(admin);
}

/* With no time for connecting again, a call to a service that crashes returns at once, and says
 * that it may have run. */
static void test_no_reconnect(void **state)
{
	probe_admin *admin;
	probe_user *user;

	assert_int_equal(spawn_probe("hasty", tier_of(state), "", &admin), 0);
	user = probe_user_of(admin);
	wat_set_reconnect(the_wat, 0);
	assert_int_equal(probe_crash(user, NULL, NULL), WAT_DISCONNECTED);
	wat_set_reconnect(the_wat, 10000);
	(void)get(user);
	probe_user_free(user);
	assert_int_equal(probe_stop(admin, NULL), 0);
	probe_admin_free(admin);
}

#define THREAD ((void *)(uintptr_t)WAT_TIER_THREAD)
#define PROCESS ((void *)(uintptr_t)WAT_TIER_PROCESS)
#define ON_BOTH(test)                                       \
	{#test "/thread", test, NULL, NULL, THREAD},        \
	{                                                   \
#test "/process", test, NULL, NULL, PROCESS \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_start_fails),
		ON_BOTH(test_old_state),
		cmocka_unit_test(test_crash_in_pool),
		ON_BOTH(test_no_reconnect),
	};

	return test_run_cases(tests, set_up, tear_down);
}
