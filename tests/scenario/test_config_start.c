/* test_config_start.c - configured instances: begun in order, each when those before it are ready;
 * what fails hurts nobody but those that come after it; what exists is left as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/scenario/configured.h"

#define PROBE "[plugin probe]\nfile = " WAT_BUILD_DIR "/tests/plugins/probe.so\n"
#define READY(name) "instance=" name " service=counter.Counter from=starting to=ready"
#define SUSPENDED(name) "instance=" name " service=counter.Counter from=ready to=suspended"
#define BEGUN(name) "a configured instance is begun instance=" name
#define RESUMED(name) "an instance is resumed instance=" name

/* A chain across tiers begins link by link: the next one when the one before is READY, and watd is
 * ready after all of them (row 110). watd ends them backward: each is told when
 * those that come after it are down (row 77). A restart resumes them in the same order. */
static void test_order(void **state)
{
	struct configured *c = *state;

	configured_start(c, "[instance c]\nservice = counter\nafter = b\n"
			    "[instance b]\nservice = counter\nafter = a\ntier = thread\n"
			    "[instance a]\nservice = counter\n");
	assert_logged_before(c, READY("a"), BEGUN("b"));
	assert_logged_before(c, READY("b"), BEGUN("c"));
	assert_logged_before(c, READY("c"), "info: ready instances=3");
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	assert_logged_before(c, SUSPENDED("c"), SUSPENDED("b"));
	assert_logged_before(c, SUSPENDED("b"), SUSPENDED("a"));
	forget_log(c);
	test_daemon_start(&c->daemon);
	assert_logged_before(c, RESUMED("a"), READY("a"));
	assert_logged_before(c, READY("a"), RESUMED("b"));
	assert_logged_before(c, READY("b"), RESUMED("c"));
	assert_logged_before(c, READY("c"), "info: ready instances=3");
	assert_false(test_daemon_logged(&c->daemon, BEGUN("a")));
	WATCTL(c, "-j", "show", "c");
	assert_out(c, "\"generation\":2");
}

static void write_state(struct configured *c, const char *name, const char *note)
{
	char text[128];

	snprintf(text, sizeof text, "{\"note\": \"%s\", \"value\": 3}\n", note);
	configured_write(c, name, text);
}

/* While one hangs in its Start, those that don't come after it get ready, and watd says that it is
 * not. When the hanging one is ended, watd is ready without it, and names it. */
static void test_parallel(void **state)
{
	struct configured *c = *state;

	write_state(c, "hang.json", "hang start");
	configured_write(c, "watd.conf",
			 PROBE "[instance hangs]\nservice = probe.Probe\n"
			       "state-file = @/conf/hang.json\n"
			       "[instance waits]\nservice = counter\nafter = hangs\n"
			       "[instance free]\nservice = counter\n"
			       "[instance also-free]\nservice = counter\nafter = free\n");
	test_daemon_spawn(&c->daemon, NULL);
	assert_true(test_daemon_wait_log(&c->daemon, READY("also-free"), 1));
	assert_true(test_daemon_wait_log(&c->daemon,
					 "the start of watd waits for an instance "
					 "instance=hangs state=starting",
					 1));
	assert_false(test_daemon_logged(&c->daemon, BEGUN("waits")));
	assert_false(test_daemon_logged(&c->daemon, "info: ready"));
	WATCTL(c, "kill", "hangs");
	assert_code(c, 0);
	wait_told(c, "READY=1");
	assert_false(test_daemon_logged(&c->daemon, BEGUN("waits")));
	WATCTL(c, "-j", "status");
	assert_out(c, "[instance hangs] START_FAILED: ");
	assert_out(c, "[instance waits] comes after hangs, which was not started");
	WATCTL(c, "ls");
	assert_out(c, "also-free");
	assert_null(strstr(c->out.out, "waits"));
}

/* Who begins one by hand that waits for its turn has it: it is left as it is, and nobody says that
 * it is not there. */
static void test_by_hand(void **state)
{
	struct configured *c = *state;

	write_state(c, "hang.json", "hang start");
	configured_write(c, "watd.conf",
			 PROBE "[instance hangs]\nservice = probe.Probe\n"
			       "state-file = @/conf/hang.json\n"
			       "[instance waits]\nservice = counter\nafter = hangs\n");
	test_daemon_spawn(&c->daemon, NULL);
	assert_true(test_daemon_wait_log(&c->daemon, BEGUN("hangs"), 1));
	WATCTL(c, "spawn", "counter", "waits", "--tier", "thread");
	assert_code(c, 0);
	WATCTL(c, "kill", "hangs");
	assert_code(c, 0);
	wait_told(c, "READY=1");
	assert_false(test_daemon_logged(&c->daemon, BEGUN("waits")));
	WATCTL(c, "-j", "ls");
	assert_out(c, "\"name\":\"waits\",\"service\":\"counter.Counter\",\"tier\":\"thread\"");
	WATCTL(c, "-j", "status");
	assert_null(strstr(c->out.out, "[instance waits]"));
	assert_out(c, "\"instances\":1,");
}

/* A Start that refuses, one that crashes, a service that is not there, a state that is none: each
 * is named by file and line, and watd is ready with the others. */
static void test_failing(void **state)
{
	struct configured *c = *state;

	write_state(c, "refuse.json", "refuse start");
	write_state(c, "crash.json", "crash start");
	configured_start(c, PROBE "[instance refuses]\nservice = probe.Probe\n"
				  "state-file = @/conf/refuse.json\n"
				  "[instance crashes]\nservice = probe.Probe\n"
				  "state-file = @/conf/crash.json\n"
				  "[instance unknown]\nservice = nothing.Here\n"
				  "[instance stateless]\nservice = counter\nstate-file = @/none\n"
				  "[instance good]\nservice = counter\n");
	WATCTL(c, "-j", "status");
	assert_out(c, "watd.conf:3: [instance refuses] START_FAILED: Start failed: told to refuse");
	assert_out(c, "watd.conf:6: [instance crashes] START_FAILED: ");
	assert_out(c, "watd.conf:10: service = nothing.Here: expected ");
	assert_out(c, "watd.conf:13: state-file = ");
	assert_out(c, "\"ready\":1");
	assert_out(c, "\"instances\":1,");
	wait_state(c, "good", "ready");
}

/* The initial state is that of the file, once: a later start goes on from the state, whatever has
 * become of the file. */
static void test_state_file(void **state)
{
	struct configured *c = *state;
	char path[128];

	configured_write(c, "c1.json", "{\"value\": \"41\"}\n");
	configured_start(c, "[instance c1]\nservice = counter\ntier = thread\n"
			    "state-file = @/conf/c1.json\n"
			    "[grant me]\ninstance = c1\nout = @/me.token\n");
	snprintf(path, sizeof path, "%s/me.token", c->daemon.dir);
	WATCTL(c, "call", "c1", "Increment", "{\"n\":1}", "--token", path);
	assert_out(c, "{\"value\":\"42\"}");
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	snprintf(path, sizeof path, "%s/c1.json", c->conf);
	assert_int_equal(unlink(path), 0);
	test_daemon_start(&c->daemon);
	assert_int_equal(call_by_file(c, "c1", "Get", "me.token"), 0);
	assert_out(c, "{\"value\":\"42\"}");
}

/* Durability is what the section says, else the service's, else crash. */
static void test_durability(void **state)
{
	struct configured *c = *state;

	configured_start(c, "[instance n]\nservice = counter\ndurability = none\n"
			    "[instance c]\nservice = counter\ndurability = crash\n"
			    "[instance s]\nservice = counter\ndurability = sync\n"
			    "[instance d]\nservice = counter\n");
	WATCTL(c, "-j", "show", "n");
	assert_out(c, "\"durability\":\"none\"");
	WATCTL(c, "-j", "show", "c");
	assert_out(c, "\"durability\":\"crash\"");
	WATCTL(c, "-j", "show", "s");
	assert_out(c, "\"durability\":\"sync\"");
	WATCTL(c, "-j", "show", "d");
	assert_out(c, "\"durability\":\"crash\"");
}

/* One that an operator stopped stays stopped; what comes after it is resumed all the same, and says
 * so; one that was not begun yet is not. */
static void test_left_alone(void **state)
{
	struct configured *c = *state;

	configured_start(c, "[instance a]\nservice = counter\n"
			    "[instance b]\nservice = counter\nafter = a\n");
	WATCTL(c, "admin", "a");
	assert_code(c, 0);
	WATCTL(c, "stop", "a");
	assert_code(c, 0);
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	configured_append(c, "[instance new]\nservice = counter\nafter = a\n");
	test_daemon_start(&c->daemon);
	wait_state(c, "a", "stopped");
	wait_state(c, "b", "ready");
	assert_true(test_daemon_logged(&c->daemon, "an instance is resumed before what it comes "
						   "after is up instance=b"));
	WATCTL(c, "-j", "status");
	assert_out(c, "[instance new] comes after a, which is stopped");
	WATCTL(c, "show", "new");
	assert_code(c, 1);
}

/* A watd that is asked to end while it starts ends, and the next one goes on. */
static void test_end_while_starting(void **state)
{
	struct configured *c = *state;

	configured_start(c, "[instance a]\nservice = counter\n"
			    "[instance b]\nservice = counter\nafter = a\n");
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	for (size_t i = 1; i <= 3; i++) {
		test_daemon_spawn(&c->daemon, NULL);
		assert_true(test_daemon_wait_log(&c->daemon, RESUMED("a"), i));
		assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	}
	test_daemon_start(&c->daemon);
	wait_state(c, "a", "ready");
	wait_state(c, "b", "ready");
}

static void copy_plugin(const struct configured *c)
{
	char command[512];

	snprintf(command, sizeof command, "cp " WAT_BUILD_DIR "/plugins/counter.so %s/mine.so",
		 c->conf);
	assert_int_equal(system(command), 0);
}

/* A configured plugin goes before the directory's of the same service, which is told why it is not
 * used. */
static void test_plugin(void **state)
{
	struct configured *c = *state;
	char path[128];

	copy_plugin(c);
	configured_start(c, "[plugin mine]\nfile = @/conf/mine.so\n"
			    "[instance c1]\nservice = counter\n");
	snprintf(path, sizeof path, "%s/mine.so", c->conf);
	WATCTL(c, "show", "c1");
	assert_out(c, path);
	WATCTL(c, "plugins");
	assert_out(c, "counter.Counter is already provided by ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_order),
		CONFIGURED_CASE(test_parallel),
		CONFIGURED_CASE(test_by_hand),
		CONFIGURED_CASE(test_failing),
		CONFIGURED_CASE(test_state_file),
		CONFIGURED_CASE(test_left_alone),
		CONFIGURED_CASE(test_end_while_starting),
		CONFIGURED_CASE(test_durability),
		CONFIGURED_CASE(test_plugin),
	};

	return test_run_cases(tests, NULL, NULL);
}
