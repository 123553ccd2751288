/* test_replay.c - the state of a deterministic service as of any record of its journal: made by
 * running its calls again in a process of its own, which can write nothing and bothers nobody.
 * rows 11, 57 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define ASKED "a state of before was asked for"

struct world {
	struct test_daemon daemon;
	struct test_output out;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	test_daemon_init(&w->daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&w->daemon);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	test_daemon_deinit(&w->daemon);
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

#define REFUSED(w, part, ...)                          \
	do {                                           \
		RUN(w, __VA_ARGS__);                   \
		assert_int_equal((w)->out.code, 1);    \
		assert_in((w)->out.err, part);         \
		assert_string_equal((w)->out.out, ""); \
	} while (0)

static void assert_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

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
	GOOD(w, "spawn", "drift.Drift", "d1", "--tier", tier);
	GOOD(w, "provision", "d1", "me");
}

static void add(struct world *w, int n)
{
	char text[32];

	(void)snprintf(text, sizeof text, "n=%d", n);
	GOOD(w, "call", "d1", "Add", text);
}

/* A call that behaves in this process only. */
static void call_in_process(struct world *w, const char *method)
{
	char n[32];

	(void)snprintf(n, sizeof n, "n=%d", pid_of(w));
	GOOD(w, "call", "d1", method, n);
}

/* A state, and the record that it is of. */
struct point {
	char seq[32], state[128];
};

static struct point replay(struct world *w)
{
	struct point point;
	const char *at;

	GOOD(w, "replay", "d1");
	at = strstr(w->out.err, "d1 as of record ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "d1 as of record %31[0-9]", point.seq), 1);
	assert_true(strlen(w->out.out) < sizeof point.state);
	(void)snprintf(point.state, sizeof point.state, "%.120s", w->out.out);
	return point;
}

static void assert_point(struct world *w, const struct point *point)
{
	GOOD(w, "replay", "d1", "--to", point->seq);
	assert_string_equal(w->out.out, point->state);
}

static void assert_value(const struct point *point, int value)
{
	char text[64];

	(void)snprintf(text, sizeof text, "\"value\":\"%d\"", value);
	assert_in(point->state, text);
}

/* Each state that there was, of an instance that goes on; after a checkpoint those since then, and
 * the others are refused with what there is. */
static void each_point(struct world *w, const char *tier)
{
	struct point points[6], last;
	int pid;

	begin(w, tier);
	pid = pid_of(w);
	for (int i = 0; i < 6; i++) {
		add(w, 10);
		points[i] = replay(w);
		assert_value(&points[i], 10 * (i + 1));
	}
	for (int i = 0; i < 6; i++)
		assert_point(w, &points[i]);
	assert_int_equal(pid_of(w), pid);
	add(w, 10);
	REFUSED(w, "the newest is record", "replay", "d1", "--to", "100000");

	/* Each generation begins with a checkpoint. */
	GOOD(w, "kill", "d1");
	assert_true(test_daemon_wait_log(&w->daemon, "started again after a death", 1));
	GOOD(w, "wait", "d1");
	REFUSED(w, "OUT_OF_RANGE", "replay", "d1", "--to", points[0].seq);
	assert_in(w->out.err, "before the oldest checkpoint");
	last = replay(w);
	assert_value(&last, 70);
	add(w, 1);
	assert_point(w, &last);
	last = replay(w);
	assert_value(&last, 71);
}

static void test_process(void **state)
{
	each_point(*state, "process");
}

static void test_thread(void **state)
{
	each_point(*state, "thread");
}

/* Of a stopped instance there is the final state, also after a restart of watd. */
static void test_stopped(void **state)
{
	struct world *w = *state;
	struct point final;

	begin(w, "process");
	add(w, 3);
	add(w, 4);
	GOOD(w, "stop", "d1");
	final = replay(w);
	assert_value(&final, 7);
	assert_point(w, &final);
	REFUSED(w, "before the oldest checkpoint", "replay", "d1", "--to", "0");
	assert_int_equal(test_daemon_terminate(&w->daemon), 0);
	test_daemon_start(&w->daemon);
	assert_point(w, &final);
}

/* Where a call differs it is said which; the record before it is the way out, from which another
 * instance begins. */
static void test_quarantined(void **state)
{
	struct world *w = *state;
	struct point before;

	begin(w, "process");
	add(w, 3);
	before = replay(w);
	GOOD(w, "call", "d1", "AddAndLook", "n=1");
	REFUSED(w, "START_FAILED", "replay", "d1");
	assert_in(w->out.err, "AddAndLook");
	assert_in(w->out.err, "its answer is not the one that was given");
	GOOD(w, "kill", "d1");
	GOOD(w, "wait", "d1", "--for", "quarantined");
	assert_point(w, &before);
	GOOD(w, "spawn", "drift.Drift", "d2", "--state", before.state);
	GOOD(w, "provision", "d2", "me");
	GOOD(w, "call", "d2", "Get");
	assert_in(w->out.out, "\"value\":\"3\"");
}

static void test_refused(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	GOOD(w, "spawn", "probe.Probe", "p1");
	REFUSED(w, "FAILED_PRECONDITION", "replay", "p1");
	assert_in(w->out.err, "probe.Probe is not deterministic");
	GOOD(w, "spawn", "drift.Drift", "n1", "--durability", "none");
	REFUSED(w, "keeps no journal", "replay", "n1");
	REFUSED(w, "NOT_FOUND", "replay", "nobody");
	RUN(w, "replay", "d1", "--to", "last");
	assert_int_equal(w->out.code, 64);
	RUN(w, "replay", "d1", "--to", "99999999999999999999999");
	assert_int_equal(w->out.code, 64);
	RUN(w, "replay");
	assert_int_equal(w->out.code, 64);
}

/* Who asked for what is in the audit. */
static void test_audited(void **state)
{
	struct world *w = *state;
	char uid[32];

	begin(w, "process");
	GOOD(w, "replay", "d1", "--to", "0");
	GOOD(w, "-j", "events", "d1");
	assert_in(w->out.out, "\"kind\":\"replay\"");
	assert_in(w->out.out, "as of record 0");
	(void)snprintf(uid, sizeof uid, "\"uid\":%u", (unsigned)getuid());
	assert_in(strstr(w->out.out, "\"kind\":\"replay\""), uid);
}

/* A handler that kills its process when it is run again kills that one: the instance runs on. */
static void test_dies(void **state)
{
	struct world *w = *state;
	int pid;

	begin(w, "process");
	pid = pid_of(w);
	call_in_process(w, "AddAndDie");
	REFUSED(w, "SERVER_DIED", "replay", "d1");
	assert_in(w->out.err, "signal 6");
	assert_int_equal(pid_of(w), pid);
	GOOD(w, "-j", "show", "d1");
	assert_in(w->out.out, "\"deaths\":0");
	add(w, 1);
}

/* One that never ends is ended when nobody waits any more. */
static void test_spins(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	call_in_process(w, "AddAndSpin");
	RUN(w, "replay", "d1", "--timeout", "1s");
	assert_in(w->out.err, "DEADLINE_EXCEEDED");
	assert_true(test_daemon_wait_log(&w->daemon, "a host died", 1));
	add(w, 1);
}

static void read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(text, 1, size - 1, file) : 0;

	text[n] = '\0';
	if (file)
		(void)fclose(file);
}

/* How many files of the journal the process has; it can only read them. */
static unsigned count_read_only(int pid)
{
	char path[64], link[256], name[300], info[256];
	const struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		ssize_t length;
		const char *flags;

		(void)snprintf(name, sizeof name, "%s/%.20s", path, entry->d_name);
		length = readlink(name, link, sizeof link - 1);
		if (length < 0)
			continue;
		link[length] = '\0';
		if (!strstr(link, "/journal/"))
			continue;
		n++;
		(void)snprintf(name, sizeof name, "/proc/%d/fdinfo/%.20s", pid, entry->d_name);
		read_file(name, info, sizeof info);
		flags = strstr(info, "flags:");
		assert_non_null(flags);
		assert_int_equal(strtoul(flags + 6, NULL, 8) & 3, 0);
	}
	(void)closedir(dir);
	return n;
}

/* The child of watd that is bounded in processor time. */
static int find_bounded(const struct world *w)
{
	char path[64], children[256], limits[4096], *at;
	int found = 0;

	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)w->daemon.pid,
		       (int)w->daemon.pid);
	read_file(path, children, sizeof children);
	for (at = strtok(children, " "); at; at = strtok(NULL, " ")) {
		(void)snprintf(path, sizeof path, "/proc/%.10s/limits", at);
		read_file(path, limits, sizeof limits);
		if (!strstr(limits, "Max cpu time              60"))
			continue;
		assert_int_equal(found, 0);
		found = atoi(at);
	}
	return found;
}

static struct test_output aside;

static void *replay_aside(void *arg)
{
	struct world *w = arg;

	test_watctl(&w->daemon, &aside, "replay", "d1", "--timeout", "60s", NULL);
	return NULL;
}

/* While it runs it is bounded, reads only, and neither holds up calls nor the end of watd. */
static void test_bounded(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	int pid;

	begin(w, "process");
	call_in_process(w, "AddAndSpin");
	assert_int_equal(pthread_create(&thread, NULL, replay_aside, w), 0);
	assert_true(test_daemon_wait_log(&w->daemon, ASKED, 1));
	pid = find_bounded(w);
	assert_true(pid > 0 && pid != pid_of(w));
	add(w, 1);
	/* They are on their way to it. */
	while (count_read_only(pid) == 0)
		(void)sched_yield();
	assert_int_equal(test_daemon_terminate(&w->daemon), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_not_equal(aside.code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process), cmocka_unit_test(test_thread),
		cmocka_unit_test(test_stopped), cmocka_unit_test(test_quarantined),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_audited),
		cmocka_unit_test(test_dies),    cmocka_unit_test(test_spins),
		cmocka_unit_test(test_bounded),
	};

	return test_run_cases(tests, set_up, tear_down);
}
