/* test_groups.c - instances of a [group]: whom a death concerns, in which order they end and start
 * again, and what is left when the group has failed. rows 52, 53 */
#include <stdio.h>
#include <string.h>

#include "probe.client.h"
#include "tests/scenario/configured.h"

#define PROBE "[plugin probe]\nfile = " WAT_BUILD_DIR "/tests/plugins/probe.so\n"
#define MEMBER(name) "[instance " name "]\nservice = probe.Probe\ngroup = g\nrestart-max = 100\n"
#define GROUP(strategy) "[group g]\nstrategy = " strategy "\n"
#define MOVES(name, from, to) "instance=" name " service=probe.Probe from=" from " to=" to

/* A User in the keyring, and a value that has to survive. */
static void hold(struct configured *c, const char *name)
{
	WATCTL(c, "admin", name);
	assert_code(c, 0);
	WATCTL(c, "provision", name, "me");
	assert_code(c, 0);
	WATCTL(c, "call", name, "Add", "n=41");
	assert_code(c, 0);
}

static void begin(struct configured *c, const char *text)
{
	configured_start(c, text);
	hold(c, "a");
	hold(c, "b");
	hold(c, "c");
}

/* Of a new incarnation: what the Stop handler made of it is what it begins with. */
static void hold_again(struct configured *c, const char *name)
{
	WATCTL(c, "provision", name, "me2");
	assert_code(c, 0);
	WATCTL(c, "call", name, "Get", "--as", "me2");
	assert_code(c, 0);
	assert_out(c, "stopped");
	assert_out(c, "-41");
}

static void die(struct configured *c, const char *name)
{
	WATCTL(c, "call", name, "Exit", "n=1", "--timeout", "60s");
	assert_code(c, 1);
	assert_err(c, "SERVER_DIED");
}

static void wait_event(struct configured *c, const char *kind, size_t times)
{
	char text[48];
	size_t n;

	snprintf(text, sizeof text, "\"kind\":\"%s\"", kind);
	do {
		n = 0;
		WATCTL(c, "-j", "events");
		assert_code(c, 0);
		for (const char *at = c->out.out; (at = strstr(at, text)); at++)
			n++;
	} while (n < times);
	assert_int_equal(n, times);
}

/* Waits for the generation, in which it is up with its value. */
static void is_up(struct configured *c, const char *name, unsigned generation)
{
	char text[40];

	snprintf(text, sizeof text, "\"generation\":%u,", generation);
	wait_state(c, name, "ready");
	while (!strstr(c->out.out, text)) {
		WATCTL(c, "-j", "show", name);
		assert_code(c, 0);
	}
	wait_state(c, name, "ready");
	assert_out(c, text);
	WATCTL(c, "call", name, "Get", "--as", "me", "--timeout", "60s");
	assert_code(c, 0);
	assert_out(c, "42");
}

static void incarnation(struct configured *c, const char *name, char ret[33])
{
	const char *at;

	WATCTL(c, "-j", "show", name);
	at = strstr(c->out.out, "\"incarnation\":\"");
	assert_non_null(at);
	snprintf(ret, 33, "%s", at + strlen("\"incarnation\":\""));
}

/* one_for_all: the others end in order, the last one first and one after the other, then all start,
 * the first one first. Incarnations, grants and states stay; the death is that of one alone. */
static void test_one_for_all(void **state)
{
	struct configured *c = *state;
	char before[33], after[33];

	begin(c, PROBE GROUP("one_for_all") MEMBER("a") MEMBER("b") MEMBER("c") "tier = thread\n");
	incarnation(c, "a", before);
	die(c, "b");
	wait_event(c, "group-restart", 1);
	is_up(c, "c", 2);
	is_up(c, "b", 2);
	is_up(c, "a", 2);
	incarnation(c, "a", after);
	assert_string_equal(before, after);
	assert_out(c, "\"deaths\":0,");
	assert_out(c, "\"group\":\"g\",\"groupStrategy\":\"one_for_all\",\"groupState\":\"\"");
	assert_logged_before(c, MOVES("c", "restarting", "backoff"),
			     MOVES("a", "ready", "restarting"));
	assert_logged_before(c, MOVES("a", "restarting", "backoff"),
			     MOVES("a", "backoff", "starting"));
	assert_logged_before(c, MOVES("a", "backoff", "starting"),
			     MOVES("b", "backoff", "starting"));
	assert_logged_before(c, MOVES("b", "backoff", "starting"),
			     MOVES("c", "backoff", "starting"));
	WATCTL(c, "-j", "events", "a");
	assert_out(c, "\"kind\":\"restart-ordered\"");
	WATCTL(c, "ls");
	assert_out(c, "GROUP");
}

/* rest_for_one: those that start before the one that died don't notice; `after` makes the order. */
static void test_rest_for_one(void **state)
{
	struct configured *c = *state;

	begin(c, PROBE GROUP("rest_for_one") MEMBER("c") "after = b\n" MEMBER("a")
			 MEMBER("b") "after = a\n");
	die(c, "b");
	is_up(c, "c", 2);
	is_up(c, "b", 2);
	is_up(c, "a", 1);
	die(c, "c");
	is_up(c, "c", 3);
	is_up(c, "b", 2);
	is_up(c, "a", 1);
}

/* one_for_one: a death is one's own; but with one more than the group's intensity the others are
 * stopped by their handlers, the last one first, and then the group has failed, because of that
 * one. An operator leads out of it; what was started again stays up with the next watd. */
static void test_intensity(void **state)
{
	struct configured *c = *state;

	begin(c, PROBE GROUP("one_for_one") "intensity = 2\nperiod = 1h\n" MEMBER("a") MEMBER("b")
			 MEMBER("c"));
	die(c, "a");
	is_up(c, "a", 2);
	die(c, "b");
	is_up(c, "b", 2);
	is_up(c, "c", 1);
	die(c, "c");
	wait_event(c, "group-failed", 1);
	wait_state(c, "c", "failed");
	assert_out(c, "group g (one_for_one) failed because of c, the last of more than 2 deaths "
		      "within 3600 s: the host of c exited with code 1 while it ran Exit");
	assert_out(c, "\"groupState\":\"failed\"");
	wait_state(c, "a", "stopped");
	assert_out(c, "failed because of c");
	assert_out(c, "\"kind\":\"group\",\"service\":\"probe.Probe\",\"instance\":\"c\"");
	assert_out(c, "\"kind\":\"exit\",\"service\":\"probe.Probe\",\"instance\":\"c\"");
	assert_logged_before(c, MOVES("c", "ready", "failed"), MOVES("b", "ready", "stopping"));
	assert_logged_before(c, MOVES("b", "stopping", "stopped"), MOVES("a", "ready", "stopping"));
	assert_logged_before(c, MOVES("a", "stopping", "stopped"), "event=group-failed");
	WATCTL(c, "call", "a", "Get");
	assert_err(c, "STOPPED: the instance was stopped, since its group has failed");
	WATCTL(c, "reset-failed", "c");
	assert_code(c, 0);
	WATCTL(c, "start", "b");
	assert_code(c, 0);
	hold_again(c, "b");
	test_daemon_kill(&c->daemon);
	test_daemon_start(&c->daemon);
	wait_state(c, "b", "ready");
	wait_state(c, "c", "ready");
	wait_state(c, "a", "stopped");
	wait_event(c, "group-failed", 1);
}

/* A linked member that its policy does not start again stops the others; one whose Stop handler
 * refuses goes on, and is named. */
static void test_linked(void **state)
{
	struct configured *c = *state;

	configured_start(c, PROBE GROUP("rest_for_one") MEMBER("a") MEMBER("b") MEMBER("c")
				    MEMBER("d") "restart = never\n");
	hold(c, "a");
	hold(c, "d");
	WATCTL(c, "admin", "b");
	WATCTL(c, "provision", "b", "me");
	WATCTL(c, "call", "b", "Add", "note=refuse stop");
	assert_code(c, 0);
	die(c, "d");
	wait_event(c, "group-failed", 1);
	wait_state(c, "a", "stopped");
	wait_state(c, "c", "stopped");
	wait_state(c, "b", "ready");
	assert_out(c, "\"failure\":null");
	wait_state(c, "d", "failed");
	assert_logged_before(c, MOVES("c", "stopping", "stopped"), MOVES("b", "ready", "stopping"));
	assert_logged_before(c, MOVES("b", "stopping", "ready"), MOVES("a", "ready", "stopping"));
	assert_true(test_daemon_logged(&c->daemon, "an instance is not stopped with its group"));
	test_daemon_kill(&c->daemon);
	test_daemon_start(&c->daemon);
	wait_state(c, "b", "ready");
}

/* Two that die together with their pool are one death for their group. */
static void test_pool(void **state)
{
	struct configured *c = *state;

	begin(c, PROBE GROUP("one_for_all") "intensity = 2\nperiod = 1h\n" MEMBER("a")
			 MEMBER("b") "tier = thread\n" MEMBER("c") "tier = thread\n");
	die(c, "c");
	is_up(c, "a", 2);
	is_up(c, "b", 2);
	is_up(c, "c", 2);
	wait_event(c, "group-restart", 1);
	die(c, "b");
	wait_event(c, "group-restart", 2);
	is_up(c, "c", 3);
	die(c, "a");
	wait_event(c, "group-failed", 1);
}

static void on_hung(void *arg, int status, const wat_empty *out, const struct wat_failure *failure)
{
	(void)arg;
	(void)status;
	(void)out;
	(void)failure;
}

/* A call that does not return is with the instance: whatever it is asked comes after that. */
static probe_user *hang(struct configured *c, const char *name, wat **ret_client)
{
	probe_value *value = NULL;
	probe_user *user;

	WATCTL(c, "provision", name, "hanger");
	assert_code(c, 0);
	c->out.out[strcspn(c->out.out, "\n")] = '\0';
	assert_int_equal(wat_connect(c->daemon.socket, ret_client), 0);
	assert_int_equal(probe_user_open(*ret_client, c->out.out, &user), 0);
	assert_int_equal(probe_get(user, NULL, &value), 0);
	probe_value_free(value);
	assert_int_equal(probe_hang_send(user, NULL, on_hung, NULL), 0);
	assert_int_equal(wat_dispatch(*ret_client, 0), 0);
	return user;
}

static void let_go(probe_user *user, wat *client)
{
	wat_set_reconnect(client, 0);
	probe_user_free(user);
	wat_free(client);
}

/* Its process, from outside: nobody waits for it. */
static void lose(struct configured *c, const char *name)
{
	WATCTL(c, "kill", name);
	assert_code(c, 0);
}

/* watd dies while one ends in order, and while all wait for their pause: the next one has all of
 * them up, once. */
static void test_death_in_restart(void **state)
{
	struct configured *c = *state;
	probe_user *user;
	wat *client;

	begin(c, PROBE GROUP("one_for_all") MEMBER("a") MEMBER("b")
			 MEMBER("c") "restart-pause = 1h\nrestart-pause-max = 1h\n");
	user = hang(c, "a", &client);
	lose(c, "c");
	wait_state(c, "a", "restarting");
	assert_out(c, "\"groupState\":\"ending\"");
	wait_state(c, "b", "backoff");
	test_daemon_kill(&c->daemon);
	let_go(user, client);
	test_daemon_start(&c->daemon);
	is_up(c, "a", 2);
	is_up(c, "b", 2);
	is_up(c, "c", 2);
	lose(c, "c");
	is_up(c, "c", 3);
	lose(c, "c");
	wait_state(c, "a", "backoff");
	while (!strstr(c->out.out, "\"groupState\":\"pausing\""))
		WATCTL(c, "-j", "show", "a");
	test_daemon_kill(&c->daemon);
	test_daemon_start(&c->daemon);
	is_up(c, "a", 4);
	is_up(c, "c", 4);
	WATCTL(c, "-j", "show", "a");
	assert_out(c, "\"groupState\":\"\"");
}

/* watd dies while a group fails: the next one goes on with that, to its end. */
static void test_death_in_failure(void **state)
{
	struct configured *c = *state;
	probe_user *user;
	wat *client;

	begin(c,
	      PROBE GROUP("one_for_all") MEMBER("a") MEMBER("b") MEMBER("c") "restart = never\n");
	user = hang(c, "b", &client);
	die(c, "c");
	wait_state(c, "b", "stopping");
	assert_out(c, "\"groupState\":\"failing\"");
	/* It is in the database before it is told. */
	wait_event(c, "group-failing", 1);
	wait_state(c, "a", "ready");
	test_daemon_kill(&c->daemon);
	let_go(user, client);
	test_daemon_start(&c->daemon);
	wait_event(c, "group-failed", 1);
	wait_state(c, "c", "failed");
	wait_state(c, "b", "stopped");
	wait_state(c, "a", "stopped");
	WATCTL(c, "start", "a");
	assert_code(c, 0);
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	test_daemon_start(&c->daemon);
	wait_state(c, "a", "ready");
	wait_state(c, "b", "stopped");
}

/* A reload makes another group of it: those that were held for it go on by themselves, and the next
 * death is judged by the new strategy. */
static void test_reload(void **state)
{
	struct configured *c = *state;

	begin(c, PROBE GROUP("one_for_all") MEMBER("a") MEMBER("b")
			 MEMBER("c") "restart-pause = 1h\nrestart-pause-max = 1h\n");
	lose(c, "c");
	is_up(c, "c", 2);
	lose(c, "c");
	wait_state(c, "a", "backoff");
	configured_write(c, "watd.conf",
			 PROBE "[group h]\nstrategy = one_for_all\n[instance a]\nservice = "
			       "probe.Probe\n[instance b]\nservice = probe.Probe\n[instance "
			       "c]\nservice = probe.Probe\ngroup = h\n");
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_out(c, "group g: is gone; each of its instances is by itself");
	is_up(c, "a", 3);
	is_up(c, "b", 3);
	is_up(c, "c", 3);
	die(c, "c");
	is_up(c, "c", 4);
	is_up(c, "a", 3);
	configured_write(c, "watd.conf", PROBE GROUP("one_for_all") MEMBER("a") MEMBER("c"));
	WATCTL(c, "reload");
	assert_out(c, "instance a: group: (none) -> g");
	die(c, "a");
	is_up(c, "c", 5);
	is_up(c, "a", 4);
	is_up(c, "b", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_one_for_all),
		CONFIGURED_CASE(test_rest_for_one),
		CONFIGURED_CASE(test_intensity),
		CONFIGURED_CASE(test_linked),
		CONFIGURED_CASE(test_pool),
		CONFIGURED_CASE(test_death_in_restart),
		CONFIGURED_CASE(test_death_in_failure),
		CONFIGURED_CASE(test_reload),
	};

	return test_run_cases(tests, NULL, NULL);
}
