/* cases.c - each case in a process of its own. The parent starts them one after another and waits
 * by pidfd; it never has a thread. */
#include "tests/lib/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/lib/leaks.h"

#define LIMIT_S 100
#define CASE_NAME "WAT_CASE"

/* The process of one case. */
struct run {
	const char *name;
	char dir[32];
	int output; /* memfd: what it prints */
	int limit_s;
	pid_t pid;
};

static void __attribute__((noreturn, format(printf, 1, 2))) broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, ": %s\n", strerror(errno));
	exit(2);
}

void test_make_dir(char *ret_path, size_t size)
{
	const char *in = getenv("TMPDIR");

	snprintf(ret_path, size, "%s/t-XXXXXX", in ? in : "/tmp");
	if (!mkdtemp(ret_path))
		broken("mkdtemp %s", ret_path);
}

static int run_here(const struct CMUnitTest *test,
		    CMFixtureFunction set_up,
		    CMFixtureFunction tear_down)
{
	const struct CMUnitTest one[] = {*test};
	_cleanup_(leaks_freep) struct leaks *before = leaks_note();
	int r = cmocka_run_group_tests_name(test->name, one, set_up, tear_down);

	fflush(NULL);
	return (leaks_compare(before) > 0 || r != 0) ? 1 : 0;
}

static void __attribute__((noreturn)) start_again(const struct run *run, pid_t parent, char *self)
{
	char *arguments[] = {self, NULL};

	if (!leaks_hold_children(parent) || dup2(run->output, 1) < 0 || dup2(run->output, 2) < 0)
		_exit(126);
	setenv(CASE_NAME, run->name, 1);
	setenv("TMPDIR", run->dir, 1);
	execv("/proc/self/exe", arguments);
	_exit(127);
}

/* False: it did not end in time, and was killed. */
static bool wait_for(const struct run *run, int *ret_status)
{
	_cleanup_(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	bool in_time;
	int r;

	while ((r = poll(&ended, 1, run->limit_s * 1000)) < 0 && errno == EINTR)
		;
	in_time = r > 0;
	if (!in_time)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	if (waitpid(run->pid, ret_status, 0) < 0)
		broken("waitpid");
	return in_time;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Says what lies there, and removes it. */
static bool left_files(const char *dir)
{
	if (rmdir(dir) == 0)
		return false;
	printf("     leaked files:\n");
	leaks_print_files(dir);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return true;
}

static void show_output(int output)
{
	char text[4096];
	ssize_t n;

	fflush(stdout);
	for (off_t at = 0; (n = pread(output, text, sizeof text, at)) > 0; at += n)
		if (write(1, text, (size_t)n) != n)
			return;
}

static bool judge(const struct run *run, bool in_time, int status)
{
	bool good = in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (left_files(run->dir))
		good = false;
	printf("%s %s\n", good ? "ok  " : "FAIL", run->name);
	if (good)
		return true;
	if (!in_time)
		printf("     did not end in %d s\n", run->limit_s);
	else if (WIFSIGNALED(status))
		printf("     killed by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	show_output(run->output);
	return false;
}

static bool run_apart(const char *name, char *self)
{
	struct run run = {.name = name, .dir = "/tmp/wat-case-XXXXXX", .limit_s = LIMIT_S};
	const char *limit = getenv("WAT_CASE_LIMIT_S");
	pid_t parent = getpid();
	int status = 0;
	bool in_time, good;

	if (limit)
		run.limit_s = atoi(limit);
	if (!mkdtemp(run.dir))
		broken("mkdtemp");
	run.output = memfd_create(name, MFD_CLOEXEC);
	if (run.output < 0)
		broken("memfd_create");
	fflush(NULL);
	run.pid = fork();
	if (run.pid < 0)
		broken("fork");
	if (run.pid == 0)
		start_again(&run, parent, self);
	in_time = wait_for(&run, &status);
	good = judge(&run, in_time, status);
	close(run.output);
	return good;
}

/* The program's first argument, without a main of ours. */
static char *command_line(char *text, size_t size, char **ret_self)
{
	_cleanup_(file_closep) FILE *file = fopen("/proc/self/cmdline", "re");
	size_t n = file ? fread(text, 1, size - 2, file) : 0;

	text[n] = text[n + 1] = '\0';
	*ret_self = text;
	return text + strlen(text) + 1;
}

int test_cases_run(const struct CMUnitTest *tests,
		   size_t n,
		   CMFixtureFunction set_up,
		   CMFixtureFunction tear_down)
{
	const char *only = getenv(CASE_NAME);
	char text[4096], *self, *pattern;
	size_t n_run = 0, n_failed = 0;

	for (size_t i = 0; only && i < n; i++)
		if (strcmp(tests[i].name, only) == 0)
			return run_here(&tests[i], set_up, tear_down);
	pattern = command_line(text, sizeof text, &self);
	for (size_t i = 0; i < n; i++)
		if (strstr(tests[i].name, pattern)) {
			n_run++;
			n_failed += !run_apart(tests[i].name, self);
		}
	printf("%zu cases, %zu failed\n", n_run, n_failed);
	return n_failed > 0 || n_run == 0;
}
