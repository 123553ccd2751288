/* test_isolation.c - whoever the pool died of is kept out of it until an operator says otherwise,
 * and nobody else notices a second time. row 51 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.client.h"
#include "probe.client.h"
#include "tests/scenario/configured.h"

struct world {
	struct configured *c;
	wat *wat;
	wat_node *node;
	probe_admin *admin;
	probe_user *user;
	counter_admin *other_admin;
	counter_user *other;
};

static void spawn_culprit(struct world *w)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	probe_state initial = PROBE_STATE_INIT;

	spawn.tier = WAT_TIER_THREAD;
	grant.name = "u1";
	initial.value = 6;
	assert_int_equal(probe_spawn(w->node, "culprit", &spawn, &initial, &w->admin), 0);
	assert_int_equal(probe_provision(w->admin, &grant, &w->user), 0);
}

static void spawn_other(struct world *w)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;

	spawn.tier = WAT_TIER_THREAD;
	grant.name = "u1";
	assert_int_equal(counter_spawn(w->node, "other", &spawn, NULL, &w->other_admin), 0);
	assert_int_equal(counter_provision(w->other_admin, &grant, &w->other), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	void *configured;

	assert_non_null(w);
	(void)configured_set_up(&configured);
	w->c = configured;
	configured_start(w->c, "[plugin probe]\nfile = " WAT_BUILD_DIR "/tests/plugins/probe.so\n");
	assert_int_equal(wat_connect(w->c->daemon.admin_socket, &w->wat), 0);
	assert_int_equal(wat_node_open(w->wat, &w->node), 0);
	spawn_culprit(w);
	spawn_other(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	void *configured = w->c;

	counter_user_free(w->other);
	counter_admin_free(w->other_admin);
	probe_user_free(w->user);
	probe_admin_free(w->admin);
	wat_node_free(w->node);
	wat_free(w->wat);
	free(w);
	return configured_tear_down(&configured);
}

static long number_of(struct world *w, const char *name, const char *key)
{
	const char *at;

	WATCTL(w->c, "-j", "show", name);
	assert_code(w->c, 0);
	at = strstr(w->c->out.out, key);
	assert_non_null(at);
	return strtol(at + strlen(key), NULL, 10);
}

static long pid_of(struct world *w, const char *name)
{
	return number_of(w, name, "\"pid\":");
}

static void crash(struct world *w)
{
	assert_int_equal(probe_crash(w->user, NULL, NULL), WAT_SERVER_DIED);
}

static void assert_values(struct world *w, int64_t other)
{
	probe_value *value;
	int64_t is;

	assert_int_equal(probe_get(w->user, NULL, &value), 0);
	assert_int_equal(value->value, 7);
	probe_value_free(value);
	assert_int_equal(counter_increment_with(w->other, 1, &is), 0);
	assert_int_equal(is, other);
}

static void assert_isolated(struct world *w)
{
	assert_int_not_equal(pid_of(w, "culprit"), pid_of(w, "other"));
	WATCTL(w->c, "-j", "show", "culprit");
	assert_out(w->c, "\"tier\":\"thread\"");
	assert_out(w->c, "\"isolated\":\"the pool died while it ran Crash\"");
	WATCTL(w->c, "-j", "show", "other");
	assert_out(w->c, "\"isolated\":\"\"");
}

static void assert_pooled(struct world *w)
{
	assert_int_equal(pid_of(w, "culprit"), pid_of(w, "other"));
	WATCTL(w->c, "-j", "show", "culprit");
	assert_out(w->c, "\"isolated\":\"\"");
}

/* The pool dies of a call; its instance goes on in a process of its own with what was acknowledged,
 * and dies again without the pool. It is shown by ls, show, status and to the service manager. */
static void test_at_once(void **state)
{
	struct world *w = *state;
	long generation;

	assert_pooled(w);
	crash(w);
	assert_values(w, 1);
	assert_isolated(w);
	wait_told(w->c, "2 instances ready, 1 isolated: culprit");
	generation = number_of(w, "other", "\"generation\":");
	crash(w);
	assert_values(w, 2);
	assert_int_equal(number_of(w, "other", "\"generation\":"), generation);
	WATCTL(w->c, "ls");
	assert_out(w->c, "thread, isolated");
	WATCTL(w->c, "show", "culprit");
	assert_out(w->c, "isolated     the pool died while it ran Crash");
	WATCTL(w->c, "status");
	assert_out(w->c, "isolated     1");
	WATCTL(w->c, "-j", "events", "culprit");
	assert_out(w->c, "\"kind\":\"isolate\"");
}

/* It stays so over restarts of watd, and when it is stopped and started: until it is released. Then
 * it is in the pool again, with what it had, and the next time is as the first. */
static void test_until_released(void **state)
{
	struct world *w = *state;

	crash(w);
	assert_values(w, 1);
	assert_int_equal(test_daemon_terminate(&w->c->daemon), 0);
	test_daemon_start(&w->c->daemon);
	assert_values(w, 2);
	assert_isolated(w);
	WATCTL(w->c, "release", "culprit");
	assert_code(w->c, 0);
	assert_pooled(w);
	assert_values(w, 3);
	WATCTL(w->c, "release", "culprit");
	assert_code(w->c, 1);
	assert_err(w->c, "FAILED_PRECONDITION");
	WATCTL(w->c, "-j", "events", "culprit");
	assert_out(w->c, "\"kind\":\"release\"");
	crash(w);
	assert_values(w, 4);
	assert_isolated(w);
	assert_int_equal(wat_release_raw((wat_capability *)w->admin), 0);
	assert_pooled(w);
	assert_int_equal(wat_release_raw((wat_capability *)w->admin), WAT_FAILED_PRECONDITION);
	assert_int_equal(test_daemon_terminate(&w->c->daemon), 0);
	test_daemon_start(&w->c->daemon);
	assert_values(w, 5);
	assert_pooled(w);
}

/* The next incarnation of the name has the same code, and is no better for that. */
static void test_next_incarnation(void **state)
{
	struct world *w = *state;

	crash(w);
	WATCTL(w->c, "admin", "culprit");
	WATCTL(w->c, "stop", "culprit");
	assert_code(w->c, 0);
	WATCTL(w->c, "start", "culprit");
	assert_code(w->c, 0);
	assert_isolated(w);
	WATCTL(w->c, "stop", "culprit");
	WATCTL(w->c, "release", "culprit");
	assert_code(w->c, 0);
	WATCTL(w->c, "-j", "show", "culprit");
	assert_out(w->c, "\"state\":\"stopped\"");
	WATCTL(w->c, "start", "culprit");
	assert_code(w->c, 0);
	assert_pooled(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_until_released, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_next_incarnation, set_up, tear_down),
	};

	return test_run_cases(tests, NULL, NULL);
}
