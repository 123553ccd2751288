/* test_titles.c - what a host is told when it is started, and what ps and top show of it then. This
 * program is also what stands in for watd-host, and notes what that is given. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define HOST WAT_BUILD_DIR "/libexec/watd-host"

static struct test_daemon the_daemon;
static struct test_output out;

static int set_up(void **state)
{
	(void)state;
	test_daemon_init(&the_daemon, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_daemon_deinit(&the_daemon);
	return 0;
}

static long number_of(const char *name, const char *key)
{
	const char *at;

	test_watctl(&the_daemon, &out, "-j", "show", name, NULL);
	assert_int_equal(out.code, 0);
	at = strstr(out.out, key);
	assert_non_null(at);
	return strtol(at + strlen(key), NULL, 10);
}

static long spawn(const char *name, const char *tier)
{
	test_watctl(&the_daemon, &out, "spawn", "counter", name, "--tier", tier, NULL);
	assert_int_equal(out.code, 0);
	return number_of(name, "\"pid\":");
}

static size_t read_file(const char *path, char *bytes, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, size - 1, f);
	(void)fclose(f);
	bytes[n] = '\0';
	return n;
}

static size_t read_proc(long pid, const char *file, char *bytes, size_t size)
{
	char path[320];

	(void)snprintf(path, sizeof path, "/proc/%ld/%s", pid, file);
	return read_file(path, bytes, size);
}

/* Copies, for a program finds what is beside it by its own path. */
static void copy_program(const char *from, const char *to)
{
	char path[128], bytes[65536];
	_cleanup_(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC), program = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "%s/%s", the_daemon.dir, to);
	program = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	assert_true(in >= 0 && program >= 0);
	while ((n = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(program, bytes, (size_t)n), n);
	assert_int_equal(n, 0);
}

static void make_dir(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", the_daemon.dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* Appends what this process was given to DIR/told, and becomes the host. */
static int stand_in(char **argv)
{
	char dir[4000], path[4096], bytes[8192];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
	int told;

	if (n < 0)
		return 126;
	dir[n] = '\0';
	(void)snprintf(path, sizeof path, "%.*s/told", (int)(strstr(dir, "/libexec/") - dir), dir);
	told = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	n = (ssize_t)read_file("/proc/self/cmdline", bytes, sizeof bytes);
	if (write(told, bytes, (size_t)n) != n || write(told, "\n", 1) != 1)
		return 126;
	n = (ssize_t)read_file("/proc/self/environ", bytes, sizeof bytes);
	if (write(told, bytes, (size_t)n) != n || write(told, "\n", 1) != 1)
		return 126;
	(void)execve(HOST, argv, environ);
	return 127;
}

/* The next string, without its NUL; NULL: a line ends here. */
static const char *next_string(const char **at)
{
	const char *string = *at;

	if (*string == '\n')
		return NULL;
	*at += strlen(string) + 1;
	return string;
}

static void check_told(const char **at)
{
	const char *string = next_string(at);

	assert_string_equal(string, "watd-host");
	while ((string = next_string(at)))
		assert_string_equal(string, "");
	(*at)++;
	/* Only a sanitizer's settings pass. */
	while ((string = next_string(at)))
		assert_non_null(strstr(string, "SAN_OPTIONS="));
	(*at)++;
}

/* When a host is started nothing is in its arguments and nothing in its environment, whatever ran
 * watd: who it is comes over its private socket (row 33). */
static void test_told_nothing(void **state)
{
	char path[128], told[16384];
	const char *at = told;
	size_t n;

	(void)state;
	make_dir("bin");
	make_dir("libexec");
	copy_program(WAT_BUILD_DIR "/bin/watd", "bin/watd");
	copy_program("/proc/self/exe", "libexec/watd-host");
	(void)snprintf(path, sizeof path, "%s/bin/watd", the_daemon.dir);
	assert_int_equal(setenv("WAT_TEST_WATD", path, 1), 0);
	test_daemon_start(&the_daemon);
	(void)spawn("told-1", "process");
	(void)spawn("told-2", "thread");
	(void)snprintf(path, sizeof path, "%s/told", the_daemon.dir);
	n = read_file(path, told, sizeof told);
	check_told(&at);
	check_told(&at);
	assert_int_equal(at - told, n);
}

/* The title, which is all that ps shows. */
static void assert_title(long pid, const char *title)
{
	char text[512];

	assert_int_equal(read_proc(pid, "cmdline", text, sizeof text), strlen(title) + 1);
	assert_string_equal(text, title);
}

static bool has_thread(long pid, const char *name)
{
	char path[300], comm[32];
	struct dirent *e;
	bool found = false;
	DIR *d;

	(void)snprintf(path, sizeof path, "/proc/%ld/task", pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "task/%s/comm", e->d_name);
		(void)read_proc(pid, path, comm, sizeof comm);
		comm[strcspn(comm, "\n")] = '\0';
		found |= strcmp(comm, name) == 0;
	}
	(void)closedir(d);
	return found;
}

/* A host of one instance is titled by it and by its generation, also the next one (row 112). */
static void test_process(void **state)
{
	long pid;

	(void)state;
	test_daemon_start(&the_daemon);
	pid = spawn("c1", "process");
	assert_title(pid, "watd: counter c1 (process) gen 1");
	assert_true(has_thread(pid, "c1"));
	for (int i = 2; i <= 3; i++) {
		char title[64];

		test_watctl(&the_daemon, &out, "restart", "c1", NULL);
		assert_int_equal(out.code, 0);
		assert_int_equal(number_of("c1", "\"generation\":"), i);
		(void)snprintf(title, sizeof title, "watd: counter c1 (process) gen %d", i);
		assert_title(number_of("c1", "\"pid\":"), title);
	}
}

/* The pool says how many instances are in it now, its threads whose they are (row 112). */
static void test_pool(void **state)
{
	long pid;

	(void)state;
	test_daemon_start(&the_daemon);
	pid = spawn("c1", "thread");
	assert_title(pid, "watd: pool (thread) 1 instance");
	assert_int_equal(spawn("a-name-of-many-letters", "thread"), pid);
	assert_title(pid, "watd: pool (thread) 2 instances");
	assert_true(has_thread(pid, "c1"));
	assert_true(has_thread(pid, "a-name-of-many-"));
	test_watctl(&the_daemon, &out, "stop", "c1", NULL);
	assert_int_equal(out.code, 0);
	assert_title(pid, "watd: pool (thread) 1 instance");
	assert_false(has_thread(pid, "c1"));
}

/* The only child of a watd without instances. */
static long only_child(long parent)
{
	char path[64], text[32];

	(void)snprintf(path, sizeof path, "task/%ld/children", parent);
	(void)read_proc(parent, path, text, sizeof text);
	return strtol(text, NULL, 10);
}

/* The gate has a title, too; watd is called what it was called (row 112). */
static void test_gate(void **state)
{
	char text[4096];
	long gate;

	(void)state;
	assert_int_equal(setenv("WAT_TEST_DOOR", "gate", 1), 0);
	test_daemon_start(&the_daemon);
	gate = only_child(the_daemon.pid);
	assert_true(gate > 0);
	/* watd is ready before its gate has to be past its beginning; while that is executed it has
	 * no arguments at all. */
	do {
		(void)sched_yield();
		(void)read_proc(gate, "cmdline", text, sizeof text);
	} while (strncmp(text, "watd: ", 6) != 0);
	assert_title(gate, "watd: gate");
	assert_true(read_proc(the_daemon.pid, "cmdline", text, sizeof text) > 0);
	assert_non_null(strstr(text, "watd"));
	assert_null(strstr(text, "watd: "));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_nothing),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_gate),
	};

	if (argc > 0 && strcmp(argv[0], "watd-host") == 0)
		return stand_in(argv);
	return test_run_cases(tests, set_up, tear_down);
}
