/* former_host.c - hosts of a watd of before. Main thread. */
#include "daemon/supervisor/former_host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "proto/support/cleanup.h"

static int read_text(const char *path, char *text, size_t size)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

/* Field 22 of proc(5)'s stat, counted after the name, which may hold anything. */
static int read_start(pid_t pid, uint64_t *ret)
{
	char path[32], text[1024];
	unsigned long long start;
	const char *end;
	int r;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	r = read_text(path, text, sizeof text);
	if (r < 0)
		return r;
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			   "%*d %*d %llu",
			   &start) != 1)
		return -EBADMSG;
	*ret = start;
	return 0;
}

int former_host_describe(pid_t pid, struct store_host *ret)
{
	struct store_host host = {.pid = (int)pid};
	int r = read_text("/proc/sys/kernel/random/boot_id", host.boot, sizeof host.boot);

	if (r == 0)
		r = read_start(pid, &host.start);
	if (r < 0)
		return r;
	host.boot[strcspn(host.boot, "\n")] = '\0';
	*ret = host;
	return 0;
}

void former_host_end(const struct store_host *host)
{
	_cleanup_(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, host->pid, 0);
	struct store_host now;
	char pid[16];

	/* The descriptor first: then the process that is described is the one that it names. */
	if (pidfd < 0 || former_host_describe((pid_t)host->pid, &now) < 0 ||
	    now.start != host->start || strcmp(now.boot, host->boot) != 0)
		return;
	(void)snprintf(pid, sizeof pid, "%d", host->pid);
	log_warning("a host of the watd before is still there and is killed", "host", pid);
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}
