/* daemon.c - a real watd for a test. */
#include "tests/lib/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ftw.h>

#include "tests/lib/cases.h"
#include "tests/lib/door.h"

#define ARGUMENTS_MAX 32

static void __attribute__((noreturn, format(printf, 1, 2))) fail_test(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void open_notify(struct test_daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", daemon->dir);
	daemon->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (daemon->notify < 0 ||
	    bind(daemon->notify, (struct sockaddr *)&address, sizeof address) < 0)
		fail_test("notify socket: %s", strerror(errno));
}

void test_daemon_init(struct test_daemon *daemon, const char *plugin_dir)
{
	*daemon = (struct test_daemon){.pid = 0};
	daemon->plugin_dir = plugin_dir ? plugin_dir : WAT_BUILD_DIR "/plugins";
	test_make_dir(daemon->dir, sizeof daemon->dir);
	snprintf(daemon->socket, sizeof daemon->socket, "%s/run/watd.sock", daemon->dir);
	snprintf(daemon->admin_socket, sizeof daemon->admin_socket, "%s/run/admin.sock",
		 daemon->dir);
	open_notify(daemon);
}

/* In the child: ends with the test, logs into the directory, tells its readiness. */
static void __attribute__((noreturn))
run_watd(const struct test_daemon *daemon, pid_t parent, char *const *arguments)
{
	const char *program = getenv("WAT_TEST_WATD");
	char path[128];
	int log;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	snprintf(path, sizeof path, "%s/log", daemon->dir);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(126);
	snprintf(path, sizeof path, "%s/notify", daemon->dir);
	setenv("NOTIFY_SOCKET", path, 1);
	/* Whatever this machine has in /etc. */
	snprintf(path, sizeof path, "%s/conf", daemon->dir);
	setenv("CONFIGURATION_DIRECTORY", path, 1);
	execv(program ? program : WAT_BUILD_DIR "/bin/watd", arguments);
	_exit(127);
}

void test_daemon_forget_told(const struct test_daemon *daemon)
{
	char text[64];

	while (recv(daemon->notify, text, sizeof text, MSG_DONTWAIT) >= 0)
		;
}

void test_daemon_spawn(struct test_daemon *daemon, const char *const *more)
{
	char state[96], run[96];
	const char *door[DOOR_ARGUMENTS_MAX + 1];
	const char *arguments[ARGUMENTS_MAX] = {
		"watd",         "--state-dir",      state,         "--runtime-dir", run,
		"--plugin-dir", daemon->plugin_dir, "--log-level", "debug"};
	size_t n = 9;
	pid_t parent = getpid();

	/* What an earlier one said is not said of this one. */
	test_daemon_forget_told(daemon);
	snprintf(state, sizeof state, "%s/state", daemon->dir);
	snprintf(run, sizeof run, "%s/run", daemon->dir);
	door_arguments(daemon, door);
	for (size_t i = 0; door[i] && n < ARGUMENTS_MAX - 1; i++)
		arguments[n++] = door[i];
	for (size_t i = 0; more && more[i] && n < ARGUMENTS_MAX - 1; i++)
		arguments[n++] = more[i];
	daemon->pid = fork();
	if (daemon->pid < 0)
		fail_test("fork: %s", strerror(errno));
	if (daemon->pid == 0)
		run_watd(daemon, parent, (char *const *)arguments);
}

bool test_daemon_told(struct test_daemon *daemon, const char *text, char *ret, size_t size)
{
	int pidfd = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
	struct pollfd fds[] = {{.fd = daemon->notify, .events = POLLIN},
			       {.fd = pidfd, .events = POLLIN}};
	bool told = false;

	while (!told && poll(fds, 2, -1) >= 0) {
		ssize_t n;

		if (!(fds[0].revents & POLLIN) && fds[1].revents)
			break;
		n = recv(daemon->notify, ret, size - 1, MSG_DONTWAIT);
		if (n < 0)
			continue;
		ret[n] = '\0';
		told = strstr(ret, text) != NULL;
	}
	close(pidfd);
	return told;
}

static bool wait_ready(struct test_daemon *daemon)
{
	char text[1024];

	return test_daemon_told(daemon, "READY=1", text, sizeof text);
}

static void show_log(const struct test_daemon *daemon)
{
	char path[128], line[4096];
	FILE *log;

	snprintf(path, sizeof path, "%s/log", daemon->dir);
	log = fopen(path, "r");
	while (log && fgets(line, sizeof line, log))
		fprintf(stderr, "  | %s", line);
	if (log)
		fclose(log);
}

void test_daemon_start(struct test_daemon *daemon)
{
	test_daemon_spawn(daemon, NULL);
	if (wait_ready(daemon)) {
		door_open(daemon);
		return;
	}
	show_log(daemon);
	fail_test("watd did not get ready");
}

bool test_daemon_try_start(struct test_daemon *daemon)
{
	char text[1024];

	test_daemon_spawn(daemon, NULL);
	if (test_daemon_told(daemon, "READY=1", text, sizeof text))
		return true;
	(void)test_daemon_wait(daemon);
	return false;
}

int test_daemon_wait(struct test_daemon *daemon)
{
	int status;

	if (waitpid(daemon->pid, &status, 0) < 0)
		fail_test("waitpid: %s", strerror(errno));
	daemon->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int test_daemon_terminate(struct test_daemon *daemon)
{
	kill(daemon->pid, SIGTERM);
	return test_daemon_wait(daemon);
}

void test_daemon_kill(struct test_daemon *daemon)
{
	kill(daemon->pid, SIGKILL);
	(void)test_daemon_wait(daemon);
}

/* Of watd or of a host, whose output is in the log too. */
static bool has_sanitizer_report(const struct test_daemon *daemon)
{
	return test_daemon_logged(daemon, "Sanitizer") ||
	       test_daemon_logged(daemon, "runtime error:");
}

void test_daemon_deinit(struct test_daemon *daemon)
{
	bool reported;

	if (daemon->pid > 0)
		test_daemon_kill(daemon);
	reported = has_sanitizer_report(daemon) && !daemon->may_report;
	if (getenv("WAT_TEST_LOG") || reported)
		show_log(daemon);
	close(daemon->notify);
	nftw(daemon->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (reported)
		fail_test("a sanitizer found something in watd or in a host");
}

static FILE *open_log(const struct test_daemon *daemon)
{
	char path[128];

	snprintf(path, sizeof path, "%s/log", daemon->dir);
	return fopen(path, "re");
}

/* Lines with the text; *ret_first: the number of the first one, 0 if there is none. */
static size_t count_lines(const struct test_daemon *daemon, const char *text, size_t *ret_first)
{
	size_t n = 0, at = 0;
	FILE *log = open_log(daemon);
	char line[8192];

	*ret_first = 0;
	while (log && fgets(line, sizeof line, log)) {
		at++;
		if (!strstr(line, text))
			continue;
		if (n++ == 0)
			*ret_first = at;
	}
	if (log)
		fclose(log);
	return n;
}

size_t test_daemon_log_line(const struct test_daemon *daemon, const char *text)
{
	size_t first;

	(void)count_lines(daemon, text, &first);
	return first;
}

bool test_daemon_logged(const struct test_daemon *daemon, const char *text)
{
	return test_daemon_log_line(daemon, text) > 0;
}

bool test_daemon_wait_log(const struct test_daemon *daemon, const char *text, size_t n_lines)
{
	int pidfd = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd fds[] = {{.fd = watch, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
	char events[4096];
	bool ended = false, found;
	size_t first;

	/* The directory too: the log may not be there yet. */
	if (pidfd < 0 || watch < 0 ||
	    inotify_add_watch(watch, daemon->dir, IN_CREATE | IN_MODIFY) < 0)
		fail_test("watching the log: %s", strerror(errno));
	while (!(found = count_lines(daemon, text, &first) >= n_lines) && !ended) {
		(void)poll(fds, 2, -1);
		ended = fds[1].revents != 0;
		while (read(watch, events, sizeof events) > 0)
			;
	}
	close(watch);
	close(pidfd);
	return found;
}

static void __attribute__((noreturn))
run_watd_to_end(const struct test_daemon *daemon, const int *pipes, char *const *arguments)
{
	char path[128];

	if (dup2(pipes[1], 1) < 0 || dup2(pipes[3], 2) < 0)
		_exit(126);
	snprintf(path, sizeof path, "%s/conf", daemon->dir);
	setenv("CONFIGURATION_DIRECTORY", path, 1);
	execv(WAT_BUILD_DIR "/bin/watd", arguments);
	_exit(127);
}

static void __attribute__((noreturn))
run_watctl(const struct test_daemon *daemon, const int *pipes, char *const *arguments)
{
	char keyring[96];

	if (dup2(pipes[1], 1) < 0 || dup2(pipes[3], 2) < 0)
		_exit(126);
	snprintf(keyring, sizeof keyring, "%s/keyring", daemon->dir);
	setenv("WAT_KEYRING", keyring, 1);
	execv(WAT_BUILD_DIR "/bin/watctl", arguments);
	_exit(127);
}

/* Reads both until both have ended, so that neither can fill up and block the child. */
static void read_both(int out, int err, struct test_output *ret)
{
	struct pollfd fds[] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
	char *at[] = {ret->out, ret->err};
	size_t room[] = {sizeof ret->out - 1, sizeof ret->err - 1};

	while ((fds[0].fd >= 0 || fds[1].fd >= 0) && poll(fds, 2, -1) >= 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			n = read(fds[i].fd, at[i], room[i]);
			if (n <= 0) {
				fds[i].fd = -1;
				continue;
			}
			at[i] += n;
			room[i] -= (size_t)n;
		}
	*at[0] = *at[1] = '\0';
}

typedef void run_child(const struct test_daemon *daemon, const int *pipes, char *const *arguments);

static void run_program(const struct test_daemon *daemon,
			struct test_output *ret,
			run_child *child,
			const char *const *arguments)
{
	int pipes[4], status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0 || pipe2(pipes + 2, O_CLOEXEC) < 0)
		fail_test("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fail_test("fork: %s", strerror(errno));
	if (pid == 0)
		child(daemon, pipes, (char *const *)arguments);
	close(pipes[1]);
	close(pipes[3]);
	read_both(pipes[0], pipes[2], ret);
	close(pipes[0]);
	close(pipes[2]);
	if (waitpid(pid, &status, 0) < 0)
		fail_test("waitpid: %s", strerror(errno));
	ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void take_arguments(const char **arguments, size_t n, va_list more)
{
	while (n < ARGUMENTS_MAX - 1 && (arguments[n] = va_arg(more, const char *)))
		n++;
}

void test_watctl(const struct test_daemon *daemon, struct test_output *ret, ...)
{
	char socket[96];
	const char *arguments[ARGUMENTS_MAX] = {"watctl", "-s", socket};
	va_list more;

	/* By the door that is beside the admin socket, whatever the test's own clients use. */
	snprintf(socket, sizeof socket, "%s/run/watd.sock", daemon->dir);
	va_start(more, ret);
	take_arguments(arguments, 3, more);
	va_end(more);
	/* A place of the test's own. */
	if (arguments[3] && strcmp(arguments[3], "-H") == 0)
		memmove(arguments + 1, arguments + 3, sizeof arguments - 3 * sizeof *arguments);
	run_program(daemon, ret, run_watctl, arguments);
}

void test_watd(const struct test_daemon *daemon, struct test_output *ret, ...)
{
	const char *arguments[ARGUMENTS_MAX] = {"watd"};
	va_list more;

	va_start(more, ret);
	take_arguments(arguments, 1, more);
	va_end(more);
	run_program(daemon, ret, run_watd_to_end, arguments);
}
