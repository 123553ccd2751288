/* test_policy.c - what follows a death, as the configuration and spawn --restart say it; the deaths
 * that show tells of. row 52 */
#include <stdio.h>
#include <string.h>

#include "counter.client.h"
#include "tests/scenario/configured.h"

#define PROBE "[plugin probe]\nfile = " WAT_BUILD_DIR "/tests/plugins/probe.so\n"
#define A_PROBE(name) "[instance " name "]\nservice = probe.Probe\n"

/* A User in the keyring. */
static void hold(struct configured *c, const char *name)
{
	WATCTL(c, "admin", name);
	assert_code(c, 0);
	WATCTL(c, "provision", name, "me");
	assert_code(c, 0);
}

/* The call that ends the process says how it ended; after it the instance is in the state. */
static void exit_with(struct configured *c, const char *name, const char *code, const char *then)
{
	WATCTL(c, "call", name, "Exit", code, "--timeout", "60s");
	assert_code(c, 1);
	assert_err(c, "SERVER_DIED");
	wait_state(c, name, then);
}

static void expect_generation(struct configured *c, const char *name, unsigned generation)
{
	char text[40];

	snprintf(text, sizeof text, "\"generation\":%u,", generation);
	WATCTL(c, "-j", "show", name);
	assert_out(c, text);
}

static void wait_generation(struct configured *c, const char *name, unsigned generation)
{
	char text[40];

	snprintf(text, sizeof text, "\"generation\":%u,", generation);
	do
		WATCTL(c, "-j", "show", name);
	while (!strstr(c->out.out, text));
	wait_state(c, name, "ready");
}

/* never: a death is the end, and an operator leads out of it. on-failure: an exit with 1 is one
 * after which it is started again, with 0 it is not. always: it is, after both. On both tiers. */
static void all_policies(struct configured *c, const char *tier)
{
	char text[1024];

	snprintf(text, sizeof text,
		 PROBE A_PROBE("n") "restart = never\ntier = %s\n" A_PROBE(
			 "f") "tier = %s\n" A_PROBE("a") "restart = always\ntier = %s\n",
		 tier, tier, tier);
	configured_start(c, text);
	hold(c, "n");
	hold(c, "f");
	hold(c, "a");
	exit_with(c, "a", "n=1", "ready");
	exit_with(c, "a", "n=0", "ready");
	exit_with(c, "f", "n=1", "ready");
	exit_with(c, "f", "n=0", "failed");
}

static void test_process(void **state)
{
	struct configured *c = *state;

	all_policies(c, "process");
	expect_generation(c, "a", 3);
	expect_generation(c, "f", 2);
	exit_with(c, "n", "n=1", "failed");
	expect_generation(c, "n", 1);
	WATCTL(c, "start", "n");
	assert_code(c, 0);
	wait_state(c, "n", "ready");
}

/* In a pool the deaths of others are not counted, but never is never. */
static void test_thread(void **state)
{
	struct configured *c = *state;

	all_policies(c, "thread");
	wait_state(c, "a", "ready");
	WATCTL(c, "-j", "show", "n");
	assert_out(c, "\"state\":\"failed\"");
	assert_out(c, "\"deaths\":0,");
	expect_generation(c, "n", 1);
}

/* One death more than the configuration allows within its time is one too many; a reload that
 * allows more is applied to what runs. */
static void test_too_often(void **state)
{
	struct configured *c = *state;

	configured_start(c, PROBE A_PROBE("p") "restart-max = 1\nrestart-within = 1h\n");
	hold(c, "p");
	exit_with(c, "p", "n=1", "ready");
	exit_with(c, "p", "n=1", "failed");
	WATCTL(c, "show", "p");
	assert_out(c, "on-failure, 1 within 3600 s");
	configured_write(c, "watd.conf",
			 PROBE A_PROBE("p") "restart-max = 2\nrestart-within = 1h\n");
	WATCTL(c, "reload");
	assert_out(c, "instance p: restart-max: 1 -> 2");
	WATCTL(c, "start", "p");
	assert_code(c, 0);
	exit_with(c, "p", "n=1", "ready");
	exit_with(c, "p", "n=1", "ready");
	exit_with(c, "p", "n=1", "failed");
}

/* What spawn said is kept over a restart of watd, and by a new incarnation, until start says
 * otherwise. */
static void test_spawned(void **state)
{
	struct configured *c = *state;

	configured_start(c, PROBE);
	WATCTL(c, "spawn", "probe.Probe", "p", "--restart", "never");
	assert_code(c, 0);
	WATCTL(c, "spawn", "probe.Probe", "q");
	WATCTL(c, "spawn", "probe.Probe", "q2", "--restart", "sometimes");
	assert_code(c, 64);
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	test_daemon_start(&c->daemon);
	WATCTL(c, "-j", "show", "p");
	assert_out(c, "\"restart\":\"never\",\"restartMax\":5,\"restartWithinMs\":10000");
	WATCTL(c, "-j", "show", "q");
	assert_out(c, "\"restart\":\"on-failure\"");
	WATCTL(c, "stop", "p");
	assert_code(c, 0);
	WATCTL(c, "start", "p");
	WATCTL(c, "-j", "show", "p");
	assert_out(c, "\"restart\":\"never\"");
	WATCTL(c, "provision", "p", "me");
	exit_with(c, "p", "n=3", "failed");
	WATCTL(c, "start", "p", "--restart", "always");
	assert_code(c, 0);
	exit_with(c, "p", "n=0", "ready");
}

/* The last eight deaths are told, the newest first, with the call that each died in; they outlive
 * watd, and end with the incarnation (row 46). */
static void test_deaths(void **state)
{
	struct configured *c = *state;
	char code[16], text[64];

	configured_start(c, PROBE A_PROBE("p") "restart-max = 100\nrestart-pause = 1ms\n");
	hold(c, "p");
	for (int i = 1; i <= 9; i++) {
		snprintf(code, sizeof code, "n=%d", i);
		exit_with(c, "p", code, "ready");
	}
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	test_daemon_start(&c->daemon);
	WATCTL(c, "-j", "show", "p");
	assert_null(strstr(c->out.out, "exited with code 1 "));
	for (int i = 2; i <= 9; i++) {
		snprintf(text, sizeof text, "the host of p exited with code %d while it ran Exit",
			 i);
		assert_out(c, text);
	}
	WATCTL(c, "show", "p");
	assert_out(c, "DIED");
	assert_true(strstr(c->out.out, "code 9") < strstr(c->out.out, "code 8"));
	WATCTL(c, "-j", "ls");
	assert_out(c, "\"lastDeaths\":[]");
	WATCTL(c, "stop", "p");
	assert_code(c, 0);
	WATCTL(c, "start", "p");
	WATCTL(c, "-j", "show", "p");
	assert_out(c, "\"lastDeaths\":[]");
}

/* The token of a User in the keyring, as provision prints it. */
static counter_user *open_user(struct configured *c, const char *name, wat **ret_client)
{
	counter_user *user;

	WATCTL(c, "admin", name);
	WATCTL(c, "provision", name, "me");
	assert_code(c, 0);
	c->out.out[strcspn(c->out.out, "\n")] = '\0';
	assert_int_equal(wat_connect(c->daemon.socket, ret_client), 0);
	assert_int_equal(counter_user_open(*ret_client, c->out.out, &user), 0);
	return user;
}

static void on_done(void *arg,
		    int status,
		    const counter_value *out,
		    const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	*(int *)arg += status == 0;
}

/* Calls that are under way when an instance is restarted are done once; so are those after it, by
 * the same handle. Nothing of what was done is lost, whatever the durability. */
static void restart_under_calls(struct configured *c, const char *name)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	counter_user *user;
	int64_t value = 0;
	int n_done = 0;
	wat *client;

	one.n = 1;
	user = open_user(c, name, &client);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(counter_increment_send(user, &one, on_done, &n_done), 0);
	WATCTL(c, "restart", name);
	assert_code(c, 0);
	assert_out(c, "generation 2");
	for (int i = 0; i < 100; i++)
		assert_int_equal(counter_increment_with(user, 1, &value), 0);
	assert_int_equal(value, 1100);
	assert_int_equal(n_done, 1000);
	counter_user_free(user);
	wat_free(client);
}

static void test_restart(void **state)
{
	struct configured *c = *state;

	configured_start(c, "[instance p]\nservice = counter\n"
			    "[instance t]\nservice = counter\ntier = thread\n"
			    "[instance n]\nservice = counter\ndurability = none\n");
	restart_under_calls(c, "p");
	restart_under_calls(c, "t");
	restart_under_calls(c, "n");
	WATCTL(c, "-j", "show", "p");
	assert_out(c, "\"deaths\":0,");
	WATCTL(c, "-j", "events", "p");
	assert_out(c, "\"kind\":\"restart-ordered\"");
	test_daemon_kill(&c->daemon);
	test_daemon_start(&c->daemon);
	WATCTL(c, "call", "p", "Get");
	assert_out(c, "1100");
	WATCTL(c, "restart", "nobody");
	assert_err(c, "NOT_FOUND");
	WATCTL(c, "stop", "p");
	WATCTL(c, "restart", "p");
	assert_err(c, "STOPPED");
}

/* reset-failed: one that failed goes on, with the whole count before it again; one that is about to
 * be started again does not wait any more; one that is up stays so. restart, too, starts one that
 * failed. */
static void test_reset(void **state)
{
	struct configured *c = *state;

	configured_start(c, PROBE A_PROBE("p") "restart-max = 1\nrestart-within = 1h\n" A_PROBE(
				    "q") "restart-pause = 1h\nrestart-pause-max = 1h\n");
	hold(c, "p");
	exit_with(c, "p", "n=1", "ready");
	WATCTL(c, "reset-failed", "p");
	assert_out(c, "reset p, generation 2");
	exit_with(c, "p", "n=1", "ready");
	exit_with(c, "p", "n=1", "failed");
	WATCTL(c, "reset-failed", "p");
	assert_out(c, "reset p, generation 4");
	exit_with(c, "p", "n=1", "ready");
	exit_with(c, "p", "n=1", "failed");
	WATCTL(c, "restart", "p");
	assert_out(c, "restarted p, generation 6");
	WATCTL(c, "kill", "q");
	wait_generation(c, "q", 2);
	WATCTL(c, "kill", "q");
	wait_state(c, "q", "backoff");
	WATCTL(c, "reset-failed", "q");
	assert_code(c, 0);
	wait_state(c, "q", "ready");
	WATCTL(c, "-j", "events", "q");
	assert_out(c, "\"kind\":\"reset-failed\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_process),   CONFIGURED_CASE(test_thread),
		CONFIGURED_CASE(test_too_often), CONFIGURED_CASE(test_spawned),
		CONFIGURED_CASE(test_deaths),    CONFIGURED_CASE(test_restart),
		CONFIGURED_CASE(test_reset),
	};

	return test_run_cases(tests, NULL, NULL);
}
