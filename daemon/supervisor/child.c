/* child.c - starting a program of watd's. Loop thread. */
#include "daemon/supervisor/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/title.h"

struct start {
	const char *program, *name;
	const int *fds;
	size_t n_fds;
	char **environment;
	pid_t parent;
};

/* Between fork and exec: async-signal-safe calls only. The descriptors move above the named ones
 * first, so that none is overwritten before it is duplicated. */
static void __attribute__((noreturn)) run(const struct start *start)
{
	char *arguments[1 + TITLE_ROOM + 1] = {(char *)start->name};
	int n = (int)start->n_fds, high[CHILD_FDS_MAX];
	sigset_t none;

	for (int i = 1; i <= TITLE_ROOM; i++)
		arguments[i] = (char *)"";
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* The parent may have died before the kernel was asked to tell. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != start->parent)
		_exit(127);
	for (int i = 0; i < n; i++)
		if ((high[i] = fcntl(start->fds[i], F_DUPFD, n)) < 0)
			_exit(127);
	for (int i = 0; i < n; i++)
		if (dup2(high[i], i) < 0)
			_exit(127);
	if (syscall(SYS_close_range, (unsigned)n, ~0u, 0u) < 0)
		_exit(127);
	execve(start->program, arguments, start->environment);
	dprintf(STDERR_FILENO, "<3>%s can't be executed: errno %d\n", start->program, errno);
	_exit(127);
}

static void make_environment(char **environment, size_t size)
{
	static const char *const names[] = {
		"ASAN_OPTIONS=", "UBSAN_OPTIONS=",  "LSAN_OPTIONS=", "TSAN_OPTIONS=",
#ifdef WAT_DEBUG
		"WAT_CRASH_AT=", "WAT_CRASH_FLAG=",
#endif
	};
	size_t n = 0;

	for (char **e = environ; *e && n + 1 < size; e++)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (strncmp(*e, names[i], strlen(names[i])) == 0)
				environment[n++] = *e;
	environment[n < size ? n : size - 1] = NULL;
}

int child_start(const char *program,
		const char *name,
		const int *fds,
		size_t n_fds,
		pid_t *ret_pid,
		int *ret_pidfd)
{
	char *environment[8];
	struct start start = {.program = program,
			      .name = name,
			      .fds = fds,
			      .n_fds = n_fds,
			      .environment = environment,
			      .parent = getpid()};
	pid_t pid;
	int pidfd;

	assert(n_fds <= CHILD_FDS_MAX);
	make_environment(environment, sizeof environment / sizeof *environment);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run(&start);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		int error = -errno;

		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return error;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}
