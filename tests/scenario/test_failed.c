/* test_failed.c - an instance that died too often keeps what was acknowledged: its Stop gives the
 * state that the journal has, or says why not and keeps the journal. rows 57, 58 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "counter.client.h"
#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define DEATHS 6 /* within ten seconds: one too many */
#define CALLS 10 /* before each */

struct world {
	struct test_daemon daemon;
	char plugin_dir[64], plugin[96], hidden[96];
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
	(void)snprintf(w->plugin, sizeof w->plugin, "%s/counter.so", w->plugin_dir);
	(void)snprintf(w->hidden, sizeof w->hidden, "%s/hidden", w->plugin_dir);
	copy_file(WAT_BUILD_DIR "/plugins/counter.so", w->plugin);
	test_daemon_init(&w->daemon, w->plugin_dir);
	test_daemon_start(&w->daemon);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	test_daemon_deinit(&w->daemon);
	(void)unlink(w->plugin);
	assert_int_equal(rmdir(w->plugin_dir), 0);
	free(w);
	return 0;
}

static void run(struct world *w, struct test_output *out, const char *command, const char *argument)
{
	test_watctl(&w->daemon, out, command, "c1", argument, NULL);
}

static void kill_host(struct world *w)
{
	struct test_output out;
	const char *at;
	int pidfd;

	test_watctl(&w->daemon, &out, "-j", "show", "c1", NULL);
	at = strstr(out.out, "\"pid\":");
	assert_non_null(at);
	pidfd = (int)syscall(SYS_pidfd_open, atoi(at + 6), 0);
	assert_true(pidfd >= 0);
	assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
	assert_int_equal(poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, -1), 1);
	(void)close(pidfd);
}

static void count(counter_user *user)
{
	for (int i = 0; i < CALLS; i++)
		if (counter_increment_with(user, 1, NULL) != 0)
			fail_msg("increment: %s", wat_failure()->text);
}

/* And the copy that watd has of it, so that nobody can run it. */
static void hide_plugin(struct world *w)
{
	char command[160];

	assert_int_equal(rename(w->plugin, w->hidden), 0);
	(void)snprintf(command, sizeof command, "rm %s/state/plugins/*", w->daemon.dir);
	assert_int_equal(system(command), 0);
}

/* Dies too often, with calls that are acknowledged before each death. */
static void let_it_fail(struct world *w)
{
	struct test_output out;
	counter_user *user;
	int64_t value;
	wat *client;

	run(w, &out, "provision", "u");
	assert_int_equal(out.code, 0);
	out.out[strcspn(out.out, "\n")] = '\0';
	assert_int_equal(wat_connect(w->daemon.socket, &client), 0);
	assert_int_equal(counter_user_open(client, out.out, &user), 0);
	for (int i = 0; i < DEATHS; i++) {
		count(user);
		kill_host(w);
	}
	assert_int_equal(counter_get_with(user, &value), WAT_SERVER_DIED);
	counter_user_free(user);
	wat_free(client);
}

static void begin(struct world *w, const char *tier)
{
	struct test_output out;

	test_watctl(&w->daemon, &out, "spawn", "counter", "c1", "--tier", tier, NULL);
	assert_int_equal(out.code, 0);
	let_it_fail(w);
}

static void expect_final(struct world *w)
{
	struct test_output out;
	char expected[32];

	run(w, &out, "stop", NULL);
	if (out.code != 0)
		fail_msg("stop: %s", out.err);
	(void)snprintf(expected, sizeof expected, "\"%d\"", DEATHS * CALLS);
	if (!strstr(out.out, expected))
		fail_msg("expected %s in %s", expected, out.out);
}

static size_t segments_of(struct world *w)
{
	char path[128];
	const struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof path, "%s/state/journal", w->daemon.dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

/* What was acknowledged since the last checkpoint is in the final state. */
static void test_process(void **state)
{
	begin(*state, "process");
	expect_final(*state);
	assert_int_equal(segments_of(*state), 0);
}

static void test_thread(void **state)
{
	begin(*state, "thread");
	expect_final(*state);
	assert_int_equal(segments_of(*state), 0);
}

/* The same in a watd that was started anew. */
static void test_after_restart(void **state)
{
	struct world *w = *state;

	begin(w, "process");
	test_daemon_kill(&w->daemon);
	test_daemon_start(&w->daemon);
	expect_final(w);
}

/* A journal that can't be recovered is no reason to throw it away: the Stop fails and says why, and
 * succeeds when that is mended. */
static void test_not_recovered(void **state)
{
	struct world *w = *state;
	struct test_output out;

	begin(w, "process");
	hide_plugin(w);
	run(w, &out, "stop", NULL);
	assert_int_equal(out.code, 1);
	assert_non_null(strstr(out.err, "journal"));
	run(w, &out, "show", NULL);
	assert_non_null(strstr(out.out, "failed"));
	assert_true(segments_of(w) > 0);
	assert_int_equal(rename(w->hidden, w->plugin), 0);
	expect_final(w);
}

/* What can't be had can be given up: the refusal says how, and what it says is so. */
static void test_given_up(void **state)
{
	struct world *w = *state;
	struct test_output out;

	begin(w, "process");
	hide_plugin(w);
	run(w, &out, "stop", NULL);
	assert_int_equal(rename(w->hidden, w->plugin), 0);
	assert_int_equal(out.code, 1);
	assert_non_null(strstr(out.err, "watctl rm c1 removes it"));
	run(w, &out, "rm", NULL);
	assert_int_equal(out.code, 0);
	assert_int_equal(segments_of(w), 0);
	run(w, &out, "show", NULL);
	assert_int_equal(out.code, 1);
}

/* What was stored by a suspension and can't be loaded is given back as it was stored: for that
 * there is nothing to recover, and no plugin needed. */
static void test_nothing_to_recover(void **state)
{
	struct world *w = *state;
	struct test_output out;

	copy_file(WAT_BUILD_DIR "/tests/plugins/guest.so", w->plugin);
	test_daemon_kill(&w->daemon);
	test_daemon_start(&w->daemon);
	test_watctl(&w->daemon, &out, "spawn", "guest.Cache", "c1", NULL);
	assert_int_equal(out.code, 0);
	run(w, &out, "provision", "u");
	test_watctl(&w->daemon, &out, "call", "c1", "Put", "{\"key\":\"poison\"}", NULL);
	assert_int_equal(out.code, 0);
	assert_int_equal(test_daemon_terminate(&w->daemon), 0);
	test_daemon_start(&w->daemon);
	run(w, &out, "show", NULL);
	assert_non_null(strstr(out.out, "failed"));
	hide_plugin(w);
	run(w, &out, "stop", NULL);
	assert_int_equal(rename(w->hidden, w->plugin), 0);
	if (out.code != 0)
		fail_msg("stop: %s", out.err);
	assert_non_null(strstr(out.out, "poison"));
}

/* A spawn that comes to nothing leaves no file. */
static void test_spawn_fails(void **state)
{
	struct world w = {0};
	struct test_output out;

	(void)state;
	test_daemon_init(&w.daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&w.daemon);
	test_watctl(&w.daemon, &out, "spawn", "probe.Probe", "c1", "--state",
		    "{\"note\":\"refuse start\"}", NULL);
	assert_int_equal(out.code, 1);
	assert_int_equal(segments_of(&w), 0);
	test_daemon_deinit(&w.daemon);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_process),
		CASE(test_thread),
		CASE(test_after_restart),
		CASE(test_not_recovered),
		CASE(test_given_up),
		CASE(test_nothing_to_recover),
		cmocka_unit_test(test_spawn_fails),
	};

	return test_run_cases(tests, NULL, NULL);
}
