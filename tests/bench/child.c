/* child.c - programs that the benchmark starts. */
#include "tests/bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/bench/bench.h"

#define READY_WITHIN_S 20.0

static void __attribute__((noreturn)) become(char *const *arguments, pid_t parent, int out)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	(void)execvp(arguments[0], arguments);
	_exit(127);
}

pid_t child_start(char *const *arguments, const char *log, int *ret_out)
{
	int ends[2] = {-1, -1};
	pid_t parent = getpid(), pid;

	if (log)
		ends[1] = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	else if (pipe2(ends, O_CLOEXEC) < 0)
		fatal("pipe: %s", strerror(errno));
	if (ends[1] < 0)
		fatal("%s: %s", log, strerror(errno));
	pid = fork();
	if (pid < 0)
		fatal("fork: %s", strerror(errno));
	if (pid == 0)
		become(arguments, parent, ends[1]);
	(void)close(ends[1]);
	if (ret_out)
		*ret_out = ends[0];
	return pid;
}

static int try_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	return fd_take(&fd);
}

int socket_connect(const char *path)
{
	int fd = try_connect(path);

	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	return fd;
}

static struct sockaddr_in at_port(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int try_port(unsigned port)
{
	struct sockaddr_in address = at_port(port);
	_cleanup_(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd_take(&fd);
}

int port_connect(unsigned port)
{
	int fd = try_port(port);

	if (fd < 0)
		fatal("port %u: %s", port, strerror(errno));
	return fd;
}

/* Not one that the kernel gives to whoever connects, before our server has it. */
unsigned port_free(void)
{
	_cleanup_(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address;
	uint16_t chance;

	do {
		if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
			fatal("no randomness: %s", strerror(errno));
		address = at_port(10000u + chance % 22000u);
	} while (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno == EADDRINUSE);
	return ntohs(address.sin_port);
}

/* path, or, if that is NULL, the port. */
static void wait_for(pid_t pid, const char *path, unsigned port)
{
	double until = now_s() + READY_WITHIN_S;
	int fd;

	while ((fd = path ? try_connect(path) : try_port(port)) < 0) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			fatal("the process that was to listen at %s (%u) has ended",
			      path ? path : "a port", port);
		if (now_s() > until)
			fatal("nobody listens at %s (%u)", path ? path : "a port", port);
		(void)poll(NULL, 0, 2);
	}
	(void)close(fd);
}

void child_wait_socket(pid_t pid, const char *path)
{
	wait_for(pid, path, 0);
}

void child_wait_port(pid_t pid, unsigned port)
{
	wait_for(pid, NULL, port);
}

double child_wait(pid_t pid)
{
	struct rusage usage;
	int status;

	if (wait4(pid, &status, 0, &usage) < 0)
		fatal("wait4: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fatal("a program of the benchmark failed: status %#x", (unsigned)status);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void child_end(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGTERM);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

bool program_exists(const char *name)
{
	_cleanup_(freep) char *copy = strdup(getenv("PATH") ? getenv("PATH") : "");
	char path[512], *rest = copy, *dir;

	while (copy && (dir = strsep(&rest, ":"))) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}
