/* test_notify.c - what watd tells its service manager (row 110). */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

static struct test_daemon the_daemon;
static struct test_output out;
static char plugins[64], text[2048];

/* With a plugin directory of its own, so that a plugin can go. */
static int set_up(void **state)
{
	char link[96];

	(void)state;
	test_make_dir(plugins, sizeof plugins);
	snprintf(link, sizeof link, "%s/counter.so", plugins);
	assert_int_equal(symlink(WAT_BUILD_DIR "/plugins/counter.so", link), 0);
	test_daemon_init(&the_daemon, plugins);
	return 0;
}

static int tear_down(void **state)
{
	char link[96];

	(void)state;
	test_daemon_deinit(&the_daemon);
	snprintf(link, sizeof link, "%s/counter.so", plugins);
	unlink(link);
	rmdir(plugins);
	return 0;
}

static void spawn(const char *name)
{
	test_watctl(&the_daemon, &out, "spawn", "counter", name, NULL);
	assert_int_equal(out.code, 0);
}

static void assert_told(const char *what)
{
	assert_true(test_daemon_told(&the_daemon, what, text, sizeof text));
}

/* READY comes when all instances are up again, and says how many there are; the end is told when it
 * begins. */
static void test_ready(void **state)
{
	(void)state;
	test_daemon_spawn(&the_daemon, NULL);
	assert_told("READY=1");
	assert_non_null(strstr(text, "STATUS=no instances"));
	spawn("c1");
	assert_told("STATUS=1 instance ready");
	spawn("c2");
	assert_told("STATUS=2 instances ready");
	kill(the_daemon.pid, SIGTERM);
	assert_told("STOPPING=1");
	assert_non_null(strstr(text, "STATUS=ending"));
	assert_int_equal(test_daemon_wait(&the_daemon), 0);
	test_daemon_spawn(&the_daemon, NULL);
	assert_told("READY=1");
	assert_non_null(strstr(text, "STATUS=2 instances ready"));
	assert_null(strstr(text, "starting"));
}

/* What is in trouble is named: while watd runs, and from the start on. */
static void test_troubles(void **state)
{
	char link[96];

	(void)state;
	test_daemon_start(&the_daemon);
	spawn("c1");
	spawn("c2");
	test_watctl(&the_daemon, &out, "stop", "c1", NULL);
	assert_told("STATUS=1 instance ready, 1 stopped");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	snprintf(link, sizeof link, "%s/counter.so", plugins);
	assert_int_equal(unlink(link), 0);
	test_daemon_spawn(&the_daemon, NULL);
	assert_told("READY=1");
	assert_non_null(strstr(text, "STATUS=no instance ready, 1 stopped, 1 failed: c2"));
}

/* A reload has a beginning, with the time by which the manager tells it from others, and an end. */
static void test_reload(void **state)
{
	(void)state;
	test_daemon_start(&the_daemon);
	assert_int_equal(kill(the_daemon.pid, SIGHUP), 0);
	assert_told("RELOADING=1");
	assert_non_null(strstr(text, "MONOTONIC_USEC="));
	assert_told("READY=1");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
}

/* A manager that does not listen for a while holds nobody up, and learns the rest later. */
static void test_deaf_manager(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "2000", 1);
	test_daemon_start(&the_daemon);
	/* More than its queue takes: it is full when pings begin to be lost. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(kill(the_daemon.pid, SIGHUP), 0);
	spawn("c1");
	for (int i = 0; i < 100; i++) {
		assert_int_equal(kill(the_daemon.pid, SIGHUP), 0);
		test_watctl(&the_daemon, &out, "show", "c1", NULL);
		assert_int_equal(out.code, 0);
	}
	assert_told("STATUS=1 instance ready");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
}

/* The loop pings for as long as it turns, and only when the manager asked this process for it. */
static void test_watchdog(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "20000", 1);
	test_daemon_start(&the_daemon);
	for (int i = 0; i < 3; i++)
		assert_told("WATCHDOG=1");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	setenv("WATCHDOG_PID", "1", 1);
	test_daemon_start(&the_daemon);
	spawn("c1");
	assert_told("STATUS=1 instance ready");
	kill(the_daemon.pid, SIGTERM);
	while (test_daemon_told(&the_daemon, "", text, sizeof text))
		assert_null(strstr(text, "WATCHDOG"));
	assert_int_equal(test_daemon_wait(&the_daemon), 0);
}

/* Where stderr is the journal, lines begin with their level; elsewhere they name it. */
static void test_journal(void **state)
{
	char path[128], stream[64];
	struct stat st;

	(void)state;
	test_daemon_start(&the_daemon);
	assert_true(test_daemon_logged(&the_daemon, "info: ready"));
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	snprintf(path, sizeof path, "%s/log", the_daemon.dir);
	assert_int_equal(stat(path, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	test_daemon_start(&the_daemon);
	assert_true(test_daemon_logged(&the_daemon, "<6>ready"));
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready),    cmocka_unit_test(test_troubles),
		cmocka_unit_test(test_reload),   cmocka_unit_test(test_deaf_manager),
		cmocka_unit_test(test_watchdog), cmocka_unit_test(test_journal),
	};

	return test_run_cases(tests, set_up, tear_down);
}
