/* lock.c - one watd per state directory. Runs on the main thread at start. */
#include "daemon/supervisor/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

static int read_pid(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	return n > 0 ? (int)strtol(text, NULL, 10) : 0;
}

static int write_pid(int fd)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d\n", (int)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return errno ? -errno : -EIO;
	return 0;
}

int lock_state_dir(const char *state_dir, int *ret_fd, int *ret_pid)
{
	_cleanup_(fd_closep) int fd = -1;
	/* A process's own, not its descriptor's: a host between fork and exec has that too, and
	 * would hold the lock of a watd that was killed. */
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof path, "%s/lock", state_dir) >= (int)sizeof path)
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &whole) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		*ret_pid = read_pid(fd);
		return -EBUSY;
	}
	r = write_pid(fd);
	if (r < 0)
		return r;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* The mode is exact: the umask of whoever started us has no say. */
static int make_one(const char *path, unsigned mode)
{
	if (mkdir(path, (mode_t)mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, (mode_t)mode) < 0 ? -errno : 0;
}

int make_directory(const char *path, unsigned mode)
{
	_cleanup_(freep) char *copy = strdup(path);
	int r;

	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = make_one(copy, 0755);
		if (r < 0)
			return r;
		*slash = '/';
	}
	return make_one(copy, mode);
}
