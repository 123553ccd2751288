/* test_segments.c - a journal begins anew when it has grown, and goes on doing so whatever a death
 * cut short: what lies on the disk stays small. */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

/* Bytes of a segment: then the next one is asked for, earlier where there are checks. */
#ifdef WAT_DEBUG
#define REPLY 2000u
#define SEGMENT (64u << 10)
#else
#define REPLY 100000u
#define SEGMENT (4u << 20)
#endif

struct world {
	struct test_daemon daemon;
	wat *w;
	probe_user *caller, *hanger;
	pid_t pid;
};

/* Of a file of the journal: 32 digits of the incarnation, a dot, its number. */
static unsigned number_of(const char *name)
{
	return strlen(name) == 49 ? (unsigned)strtoul(name + 33, NULL, 16) : 0;
}

/* The newest segment's number, and how many there are. */
static unsigned newest(const struct world *w, unsigned *ret_n)
{
	char path[128];
	const struct dirent *entry;
	unsigned highest = 0;
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/state/journal", w->daemon.dir);
	dir = opendir(path);
	assert_non_null(dir);
	*ret_n = 0;
	while ((entry = readdir(dir))) {
		unsigned number = number_of(entry->d_name);

		*ret_n += number > 0;
		if (number > highest)
			highest = number;
	}
	(void)closedir(dir);
	return highest;
}

static void note_pid(struct world *w)
{
	struct test_output out;
	const char *at;

	test_watctl(&w->daemon, &out, "-j", "show", "c1", NULL);
	at = strstr(out.out, "\"pid\":");
	assert_non_null(at);
	w->pid = (pid_t)atoi(at + 6);
}

static probe_user *open_user(struct world *w, const char *name)
{
	struct test_output out;
	probe_user *user;

	test_watctl(&w->daemon, &out, "provision", "c1", name, NULL);
	assert_int_equal(out.code, 0);
	out.out[strcspn(out.out, "\n")] = '\0';
	assert_int_equal(probe_user_open(w->w, out.out, &user), 0);
	return user;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct test_output out;

	test_daemon_init(&w->daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&w->daemon);
	test_watctl(&w->daemon, &out, "spawn", "probe.Probe", "c1", NULL);
	assert_int_equal(out.code, 0);
	assert_int_equal(wat_connect(w->daemon.socket, &w->w), 0);
	wat_set_timeout(w->w, 100000);
	w->caller = open_user(w, "caller");
	w->hanger = open_user(w, "hanger");
	note_pid(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	probe_user_free(w->caller);
	probe_user_free(w->hanger);
	wat_free(w->w);
	test_daemon_deinit(&w->daemon);
	free(w);
	return 0;
}

static void call(struct world *w)
{
	probe_size size = PROBE_SIZE_INIT;

	size.n = REPLY;
	if (probe_big(w->caller, &size, NULL) != 0)
		fail_msg("%s", wat_failure()->text);
}

static size_t size_of(const struct world *w, unsigned number)
{
	char path[192];
	const struct dirent *entry;
	struct stat st = {0};
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/state/journal", w->daemon.dir);
	dir = opendir(path);
	while ((entry = readdir(dir)))
		if (number_of(entry->d_name) == number)
			assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, 0), 0);
	(void)closedir(dir);
	return (size_t)st.st_size;
}

/* Fills that segment, and waits for the one after it. */
static void fill(struct world *w, unsigned number)
{
	unsigned n;

	while (newest(w, &n) == number && size_of(w, number) <= SEGMENT)
		call(w);
	while (newest(w, &n) == number)
		(void)sched_yield();
}

/* Those before the newest go when what they have is in the store. */
static void wait_for_one(struct world *w)
{
	unsigned n;

	while ((void)newest(w, &n), n > 1)
		(void)sched_yield();
}

/* What is kept is one segment, or two for a moment. */
static void test_grows(void **state)
{
	struct world *w = *state;
	unsigned n, first = newest(w, &n);

	assert_int_equal(n, 1);
	for (unsigned i = 0; i < 3; i++) {
		fill(w, first + i);
		wait_for_one(w);
	}
}

static void on_big(void *arg, int status, const probe_text *out, const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	*(int *)arg = status == 0 ? 1 : -1;
}

static void on_hang(void *arg, int status, const wat_empty *out, const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	*(int *)arg = status == WAT_SERVER_DIED ? 1 : -1;
}

static void wait_for(struct world *w, const int *done)
{
	while (*done == 0)
		assert_int_equal(wat_dispatch(w->w, -1), 0);
	assert_int_equal(*done, 1);
}

/* The call that makes the segment large enough to be asked for another is answered, and the next
 * thing that the instance does is to hang: so it never goes on in the file that watd gives it. It
 * is read after the other, for the host finds both when it is let go on. */
static void hang_before_the_switch(struct world *w, int *hung)
{
	probe_size size = PROBE_SIZE_INIT;
	unsigned n, number = newest(w, &n);
	int done = 0;

	while (size_of(w, number) + REPLY < SEGMENT)
		call(w);
	size.n = REPLY;
	assert_int_equal(kill(w->pid, SIGSTOP), 0);
	assert_int_equal(probe_big_send(w->caller, &size, on_big, &done), 0);
	assert_int_equal(probe_hang_send(w->hanger, NULL, on_hang, hung), 0);
	assert_int_equal(kill(w->pid, SIGCONT), 0);
	wait_for(w, &done);
	while (newest(w, &n) == number)
		(void)sched_yield();
}

/* A host that dies with a switch under way is no end of switching. */
static void test_death_amid_a_switch(void **state)
{
	struct world *w = *state;
	struct test_output out;
	unsigned n;
	int hung = 0;

	hang_before_the_switch(w, &hung);
	test_watctl(&w->daemon, &out, "kill", "c1", NULL);
	assert_int_equal(out.code, 0);
	wait_for(w, &hung);
	call(w);
	fill(w, newest(w, &n));
	wait_for_one(w);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_grows),
		CASE(test_death_amid_a_switch),
	};

	return test_run_cases(tests, NULL, NULL);
}
