/* test_quarantine.c - a service that says that it is deterministic and is not is quarantined when
 * its journal is run again: not started by itself, shown with the place, and nothing of it is lost.
 * rows 11, 57 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define DRIFT WAT_BUILD_DIR "/tests/plugins/drift.so"
#define MENDED WAT_BUILD_DIR "/tests/plugins/mended/drift_mended.so"
#define PROBE WAT_BUILD_DIR "/tests/plugins/probe.so"
#define COUNTER WAT_BUILD_DIR "/plugins/counter.so"

struct world {
	struct test_daemon daemon;
	struct test_output out;
	char plugin_dir[64], drift[96], counter[96];
};

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 22];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	assert_true(in && out);
	n = fread(bytes, 1, sizeof bytes, in);
	assert_true(n > 0 && n < sizeof bytes);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	(void)fclose(in);
	assert_int_equal(fclose(out), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	test_make_dir(w->plugin_dir, sizeof w->plugin_dir);
	(void)snprintf(w->drift, sizeof w->drift, "%s/drift.so", w->plugin_dir);
	(void)snprintf(w->counter, sizeof w->counter, "%s/counter.so", w->plugin_dir);
	copy_file(DRIFT, w->drift);
	copy_file(COUNTER, w->counter);
	test_daemon_init(&w->daemon, w->plugin_dir);
	test_daemon_start(&w->daemon);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	test_daemon_deinit(&w->daemon);
	assert_int_equal(unlink(w->drift), 0);
	assert_int_equal(unlink(w->counter), 0);
	assert_int_equal(rmdir(w->plugin_dir), 0);
	free(w);
	return 0;
}

#define RUN(w, ...) test_watctl(&(w)->daemon, &(w)->out, __VA_ARGS__, NULL)

#define GOOD(w, ...)                                                                       \
	do {                                                                               \
		RUN(w, __VA_ARGS__);                                                       \
		if ((w)->out.code != 0)                                                    \
			fail_msg("watctl ended with %d: %s", (w)->out.code, (w)->out.err); \
	} while (0)

static void assert_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* Of d1's host. */
static int pid_of(struct world *w)
{
	const char *at;

	GOOD(w, "-j", "show", "d1");
	at = strstr(w->out.out, "\"pid\":");
	assert_non_null(at);
	return atoi(at + 6);
}

static void begin(struct world *w, const char *tier)
{
	GOOD(w, "spawn", "drift", "d1", "--tier", tier);
	GOOD(w, "provision", "d1", "me");
	GOOD(w, "call", "d1", "Add", "n=5");
}

/* The call knows the process that runs it. */
static void call_in_process(struct world *w, const char *method)
{
	char n[32];

	(void)snprintf(n, sizeof n, "n=%d", pid_of(w));
	GOOD(w, "call", "d1", method, n);
}

static void assert_quarantined(struct world *w, const char *method, const char *part)
{
	GOOD(w, "wait", "d1", "--for", "quarantined");
	GOOD(w, "-j", "show", "d1");
	assert_in(w->out.out, "\"state\":\"quarantined\"");
	assert_in(w->out.out, "\"kind\":\"diverged\"");
	assert_in(w->out.out, method);
	assert_in(w->out.out, "of record ");
	assert_in(w->out.out, part);
	GOOD(w, "ls");
	assert_in(w->out.out, "quarantined");
}

static unsigned count_segments(const struct world *w)
{
	const struct dirent *entry;
	unsigned n = 0;
	char path[128];
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/state/journal", w->daemon.dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

/* A clock that is read directly shows in an answer: after the next death the instance stands still,
 * visibly, with everything that it had; only rm makes that go. */
static void test_clock(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	GOOD(w, "call", "d1", "AddAndLook", "n=1");
	GOOD(w, "kill", "d1");
	assert_quarantined(w, "\"method\":\"AddAndLook\"",
			   "its answer is not the one that was given");
	GOOD(w, "events", "d1");
	assert_in(w->out.out, "quarantine");
	assert_in(w->out.out, "AddAndLook");
	GOOD(w, "-j", "status");
	assert_in(w->out.out, "\"failed\":1");

	RUN(w, "call", "d1", "Get");
	assert_int_equal(w->out.code, 1);
	assert_in(w->out.err, "SERVER_DIED");
	RUN(w, "wait", "d1");
	assert_int_equal(w->out.code, 1);
	assert_in(w->out.err, "quarantined");

	RUN(w, "stop", "d1");
	assert_int_equal(w->out.code, 1);
	assert_in(w->out.err, "which is kept");
	assert_quarantined(w, "AddAndLook", "its answer is not the one that was given");
	assert_true(count_segments(w) > 0);

	RUN(w, "start", "d1");
	assert_int_equal(w->out.code, 1);
	assert_in(w->out.err, "AddAndLook");
	assert_quarantined(w, "AddAndLook", "its answer is not the one that was given");
	assert_true(count_segments(w) > 0);

	GOOD(w, "rm", "d1");
	RUN(w, "show", "d1");
	assert_int_equal(w->out.code, 1);
	assert_int_equal(count_segments(w), 0);
}

/* What a plugin imports is looked at before any of it is mapped: a deterministic service's that has
 * a clock or a source of randomness is named, by plugins, by describe, and in the log when it is
 * begun; one that has none is not. */
static void test_imports(void **state)
{
	static const char warning[] =
		"drift.Drift is deterministic, and its plugin imports clock_gettime:";
	struct world *w = *state;

	GOOD(w, "plugins");
	assert_in(w->out.out, warning);
	GOOD(w, "-j", "plugins");
	assert_in(w->out.out, warning);
	GOOD(w, "describe", w->drift);
	assert_in(w->out.err, warning);
	assert_false(test_daemon_logged(&w->daemon, warning));
	GOOD(w, "spawn", "drift", "d1");
	assert_true(test_daemon_logged(&w->daemon, warning));
	for (const char *const *quiet =
		     (const char *const[]){WAT_BUILD_DIR "/tests/plugins/tally.so", COUNTER, PROBE,
					   NULL};
	     *quiet; quiet++) {
		GOOD(w, "describe", *quiet);
		assert_string_equal(w->out.err, "");
	}
}

/* A watd that starts anew leaves it alone, whether it was in order that the one before ended or
 * not; one that is the first to notice does the same. */
static void test_restart(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	GOOD(w, "call", "d1", "AddAndLook", "n=1");
	test_daemon_kill(&w->daemon);
	test_daemon_start(&w->daemon);
	assert_quarantined(w, "AddAndLook", "its answer is not the one that was given");
	assert_int_equal(test_daemon_terminate(&w->daemon), 0);
	test_daemon_start(&w->daemon);
	assert_quarantined(w, "AddAndLook", "its answer is not the one that was given");
	test_daemon_kill(&w->daemon);
	test_daemon_start(&w->daemon);
	assert_quarantined(w, "AddAndLook", "its answer is not the one that was given");
	assert_true(count_segments(w) > 0);
	assert_int_equal(pid_of(w), 0);
}

/* With a plugin that does what the old one did it goes on with everything that was acknowledged. */
static void test_mended(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	call_in_process(w, "AddOnce");
	GOOD(w, "call", "d1", "Add", "n=10");
	GOOD(w, "kill", "d1");
	assert_quarantined(w, "AddOnce", "it panics now");
	assert_int_equal(unlink(w->drift), 0);
	copy_file(MENDED, w->drift);
	GOOD(w, "start", "d1");
	GOOD(w, "call", "d1", "Get");
	assert_in(w->out.out, "\"16\"");
	GOOD(w, "stop", "d1");
	assert_in(w->out.out, "\"16\"");
}

/* It can be stopped, too, once its journal can be run. */
static void test_stopped(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	call_in_process(w, "AddOnce");
	GOOD(w, "kill", "d1");
	assert_quarantined(w, "AddOnce", "it panics now");
	assert_int_equal(unlink(w->drift), 0);
	copy_file(MENDED, w->drift);
	GOOD(w, "stop", "d1");
	assert_in(w->out.out, "\"6\"");
	assert_int_equal(count_segments(w), 0);
}

/* In a pool the others don't notice. */
static void test_pool(void **state)
{
	struct world *w = *state;

	begin(w, "thread");
	GOOD(w, "spawn", "counter", "c1", "--tier", "thread");
	GOOD(w, "provision", "c1", "me");
	GOOD(w, "call", "c1", "Increment", "n=3");
	GOOD(w, "call", "d1", "AddAndLook", "n=1");
	GOOD(w, "kill", "d1");
	assert_quarantined(w, "AddAndLook", "its answer is not the one that was given");
	GOOD(w, "wait", "c1");
	GOOD(w, "call", "c1", "Increment", "n=1");
	assert_in(w->out.out, "\"4\"");
	RUN(w, "start", "d1");
	assert_int_equal(w->out.code, 1);
	GOOD(w, "call", "c1", "Increment", "n=1");
	assert_in(w->out.out, "\"5\"");
}

/* A host that ends by itself, because its journal can't be made durable, has the exit code that
 * says so: what ran just then is not to blame, and is done by the next one. */
static void test_not_to_blame(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	call_in_process(w, "AddAfterExit");
	assert_in(w->out.out, "\"value\":\"6\"");
	GOOD(w, "-j", "show", "d1");
	assert_in(w->out.out, "exited with code 74");
	assert_in(w->out.out, "\"deaths\":1");
}

/* A call that kills the process whenever it is run again is no difference: the instance fails by
 * its policy, and what it has is kept. */
static void test_dies_again(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	call_in_process(w, "AddAndDie");
	GOOD(w, "kill", "d1");
	GOOD(w, "wait", "d1", "--for", "failed");
	GOOD(w, "-j", "show", "d1");
	assert_in(w->out.out, "\"kind\":\"signal\"");
	assert_in(w->out.out, "AddAndDie");
	assert_true(count_segments(w) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imports),    cmocka_unit_test(test_clock),
		cmocka_unit_test(test_restart),    cmocka_unit_test(test_mended),
		cmocka_unit_test(test_stopped),    cmocka_unit_test(test_pool),
		cmocka_unit_test(test_dies_again), cmocka_unit_test(test_not_to_blame),
	};

	return test_run_cases(tests, set_up, tear_down);
}
