/* test_config_reload.c - SIGHUP and watctl reload: what may change changes, what begins is waited
 * for, the rest is named; a mistake changes nothing. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wat/wat.h>

#include "tests/scenario/configured.h"

#define A "[instance a]\nservice = counter\n"
#define B "[instance b]\nservice = counter\nafter = a\n"

/* A reload says what it changed, and answers when what it began is ready; what needs a restart is
 * named, and stays as it is. A second one finds the latter only. */
static void test_reload(void **state)
{
	struct configured *c = *state;

	configured_start(c, A);
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_out(c, "nothing is different");
	configured_write(c, "watd.conf", "[watd]\nmax-calls = 17\nlog-format = json\n" A B);
	WATCTL(c, "reload", "--dry-run");
	assert_code(c, 0);
	assert_string_equal(c->out.out, "would change  max-calls: 256 -> 17\n"
					"would change  instance b: is begun\n"
					"needs a restart  log-format: text -> json\n");
	WATCTL(c, "show", "b");
	assert_code(c, 1);
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_string_equal(c->out.out, "changed  max-calls: 256 -> 17\n"
					"changed  instance b: is begun\n"
					"needs a restart  log-format: text -> json\n");
	WATCTL(c, "-j", "show", "b");
	assert_out(c, "\"state\":\"ready\"");
	assert_true(test_daemon_logged(&c->daemon,
				       "this needs a restart what=\"log-format: text -> json\""));
	WATCTL(c, "-j", "reload");
	assert_code(c, 0);
	assert_string_equal(c->out.out,
			    "{\"dryRun\":false,\"changes\":[],\"needsRestart\":[\"log-format: text "
			    "-> json\"],\"errors\":[],\"troubles\":[]}\n");
}

/* What an instance that exists would need is named, and so is what is gone; both go on. */
static void test_existing(void **state)
{
	struct configured *c = *state;

	configured_start(c, A B);
	configured_write(c, "watd.conf", "[instance a]\nservice = counter\ntier = thread\n");
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_out(c,
		   "needs a restart  instance a: tier: process -> thread (it exists, and is left "
		   "as it is)\n");
	assert_out(c, "changed  instance b: is gone; the instance goes on\n");
	WATCTL(c, "-j", "ls");
	assert_out(c, "\"name\":\"b\"");
	assert_null(strstr(c->out.out, "thread"));
	configured_write(c, "watd.conf", A B);
	WATCTL(c, "reload");
	assert_out(c, "instance b: exists, and is left as it is");
	/* It has had its initial state. */
	configured_write(c, "watd.conf",
			 "[instance a]\nservice = counter\n"
			 "state-file = /nonexistent\n" B);
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_out(c, "needs a restart  instance a: state-file: (none) -> /nonexistent (it exists");
}

/* One mistake in any file, of whatever kind, and nothing is changed: neither what is good in it,
 * nor by a later look. */
static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"[watd]\nlog-level = loud\nmax-calls = 3\n", "watd.conf:2: log-level = loud"},
		{"[watd]\nmax-calls = 3\n" A B "[grant g]\ninstance = b\nout = /g\nmethods = Got\n",
		 "watd.conf:11: methods: counter.Counter has no method Got"},
		{"[watd]\nmax-calls = 3\n" A B "[instance d]\nservice = none\n",
		 "watd.conf:9: service = none: expected "},
		{A B "after = b\n", "watd.conf:6: after is given already"},
		{"[instance a]\nservice = counter\nafter = b\n" B,
		 "after goes round in a circle: a -> b -> a"},
		{A "[instance d]\nservice = counter\nstate-file = /nonexistent\n",
		 "watd.conf:5: state-file = /nonexistent: can't be read: "},
	};
	struct configured *c = *state;

	configured_start(c, A);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		configured_write(c, "watd.conf", cases[i].text);
		WATCTL(c, "reload", "--dry-run");
		assert_code(c, 78);
		assert_err(c, cases[i].expected);
		WATCTL(c, "reload");
		assert_code(c, 78);
		assert_err(c, cases[i].expected);
		assert_err(c, "nothing was changed");
		assert_true(test_daemon_logged(&c->daemon, cases[i].expected));
	}
	WATCTL(c, "-j", "reload");
	assert_code(c, 78);
	assert_out(c, "\"changes\":[]");
	assert_out(c, "\"errors\":[\"");
	WATCTL(c, "show", "b");
	assert_code(c, 1);
	/* What was 256 all the time is 256 still. */
	configured_write(c, "watd.conf", "[watd]\nmax-calls = 3\n" A);
	WATCTL(c, "reload", "--dry-run");
	assert_out(c, "max-calls: 256 -> 3");
}

/* SIGHUP is told to whoever started watd as systemd wants it: RELOADING=1 with the time, then
 * READY=1 when it is done, also when the files are no good. (row 110) */
static void test_hangup(void **state)
{
	struct configured *c = *state;
	char said[1024];
	uint64_t usec;

	configured_start(c, A);
	configured_append(c, B);
	test_daemon_forget_told(&c->daemon);
	assert_int_equal(kill(c->daemon.pid, SIGHUP), 0);
	assert_true(test_daemon_told(&c->daemon, "RELOADING=1\n", said, sizeof said));
	assert_int_equal(sscanf(said, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec), 1);
	assert_true(usec > 0);
	assert_true(test_daemon_told(&c->daemon, "READY=1\n", said, sizeof said));
	assert_string_equal(said, "READY=1\nSTATUS=2 instances ready");
	WATCTL(c, "-j", "show", "b");
	assert_out(c, "\"state\":\"ready\"");
	configured_append(c, "nonsense\n");
	assert_int_equal(kill(c->daemon.pid, SIGHUP), 0);
	wait_told(c, "RELOADING=1");
	wait_told(c, "READY=1");
	assert_true(test_daemon_logged(&c->daemon, "watd.conf:6: nonsense: expected [section] or "
						   "key = value"));
}

/* The log's level changes at once, and a command line goes before the file after a reload too. */
static void test_log_level(void **state)
{
	struct configured *c = *state;

	configured_start(c, "");
	/* test_daemon_spawn gives --log-level debug. */
	configured_write(c, "watd.conf", "[watd]\nlog-level = error\n");
	WATCTL(c, "reload");
	assert_out(c, "nothing is different");
	assert_true(test_daemon_logged(&c->daemon, "the configuration was reloaded"));
}

static void assert_full(const struct configured *c)
{
	wat *more = NULL;
	int r = wat_connect(c->daemon.socket, &more);

	assert_int_equal(r, WAT_OVERLOADED);
	assert_non_null(strstr(wat_failure()->text, "(max-connections)"));
}

/* A limit that was lowered counts for those who come then; the admin socket stays open. */
static void test_limits(void **state)
{
	struct configured *c = *state;
	wat *one;

	configured_start(c, "");
	assert_int_equal(wat_connect(c->daemon.socket, &one), 0);
	configured_write(c, "watd.conf", "[watd]\nmax-connections = 1\n");
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_full(c);
	WATCTL(c, "status");
	assert_code(c, 0);
	wat_free(one);
	configured_write(c, "watd.conf", "[watd]\nmax-connections = 2\n");
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_int_equal(wat_connect(c->daemon.socket, &one), 0);
	wat_free(one);
}

/* What could not be begun is tried again by a reload, after what was in the way has gone. */
static void test_again(void **state)
{
	struct configured *c = *state;

	configured_start(c, "[instance a]\nservice = counter\nstate-file = @/conf/a.json\n" B);
	WATCTL(c, "status");
	assert_out(c, "trouble");
	assert_out(c, "[instance b] comes after a, which was not started");
	configured_write(c, "a.json", "{}\n");
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_out(c, "changed  instance a: is begun\nchanged  instance b: is begun\n");
	assert_logged_before(c, "instance=a service=counter.Counter from=starting to=ready",
			     "a configured instance is begun instance=b");
	WATCTL(c, "-j", "status");
	assert_out(c, "\"ready\":2");
	assert_out(c, "\"troubles\":[]");
}

/* A reload beside another one that waits is applied at once; both are done when nothing waits. */
static void test_while_starting(void **state)
{
	struct configured *c = *state;

	configured_write(c, "hang.json", "{\"note\": \"hang start\"}\n");
	configured_start(c, A);
	configured_append(c, "[plugin probe]\nfile = " WAT_BUILD_DIR "/tests/plugins/probe.so\n"
			     "[instance hangs]\nservice = probe.Probe\n"
			     "state-file = @/conf/hang.json\n");
	assert_int_equal(kill(c->daemon.pid, SIGHUP), 0);
	wait_told(c, "RELOADING=1");
	assert_true(test_daemon_wait_log(&c->daemon, "is begun instance=hangs", 1));
	/* This one applies what it can, and waits along. */
	configured_append(c, B);
	assert_int_equal(kill(c->daemon.pid, SIGHUP), 0);
	wait_told(c, "RELOADING=1");
	assert_true(test_daemon_wait_log(
		&c->daemon, "instance=b service=counter.Counter from=starting to=ready", 1));
	assert_false(test_daemon_logged(&c->daemon, "the configuration was reloaded"));
	WATCTL(c, "kill", "hangs");
	assert_code(c, 0);
	wait_told(c, "READY=1");
	WATCTL(c, "-j", "status");
	assert_out(c, "[instance hangs] START_FAILED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_reload),    CONFIGURED_CASE(test_existing),
		CONFIGURED_CASE(test_mistakes),  CONFIGURED_CASE(test_hangup),
		CONFIGURED_CASE(test_log_level), CONFIGURED_CASE(test_limits),
		CONFIGURED_CASE(test_again),     CONFIGURED_CASE(test_while_starting),
	};

	return test_run_cases(tests, NULL, NULL);
}
