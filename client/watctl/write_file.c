/* write_file.c - whole files or none. */
#include "client/watctl/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

struct written {
	char *path, *temporary, *directory;
	int fd;
};

struct written *written_free(struct written *file)
{
	if (!file)
		return NULL;
	if (file->fd >= 0)
		(void)unlink(file->temporary);
	(void)fd_close(file->fd);
	free(file->path);
	free(file->temporary);
	free(file->directory);
	free(file);
	return NULL;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int open_temporary(struct written *file)
{
	file->fd = mkostemp(file->temporary, O_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	return fchmod(file->fd, 0600) < 0 ? -errno : 0;
}

int written_new(const char *path, struct written **ret)
{
	struct written *file = calloc(1, sizeof *file);
	int r;

	if (!file)
		return -ENOMEM;
	file->fd = -1;
	file->path = strdup(path);
	file->directory = directory_of(path);
	if (!file->path || !file->directory || asprintf(&file->temporary, "%s.XXXXXX", path) < 0) {
		written_free(file);
		return -ENOMEM;
	}
	r = open_temporary(file);
	if (r < 0) {
		written_free(file);
		return r;
	}
	*ret = file;
	return 0;
}

int written_add(struct written *file, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t done = write(file->fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The new name survives a power loss only once the directory is synced. */
static int sync_directory(const char *path)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int written_commit(struct written *file)
{
	if (fsync(file->fd) < 0 || rename(file->temporary, file->path) < 0)
		return -errno;
	file->fd = fd_close(file->fd);
	return sync_directory(file->directory);
}
