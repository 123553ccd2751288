/* ballast.c - room on the disk for when there is none. The store's thread and the loop's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/private.h"
#include "proto/support/cleanup.h"

static int allocate(const char *path, uint64_t size)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* One that is larger than it is to be now gives back the rest. */
	if ((uint64_t)st.st_size > size && ftruncate(fd, (off_t)size) < 0)
		return -errno;
	do
		r = posix_fallocate(fd, 0, (off_t)size);
	while (r == EINTR);
	return -r;
}

static void set(struct store *store, bool there)
{
	(void)pthread_mutex_lock(&store->lock);
	store->ballast = there;
	(void)pthread_mutex_unlock(&store->lock);
}

int store_keep_ballast(struct store *store, const char *state_dir, uint64_t size)
{
	int r;

	if (snprintf(store->ballast_path, sizeof store->ballast_path, "%s/ballast", state_dir) >=
	    (int)sizeof store->ballast_path)
		return -ENAMETOOLONG;
	r = allocate(store->ballast_path, size);
	if (r < 0)
		(void)unlink(store->ballast_path);
	set(store, r == 0);
	return r;
}

/* Freed blocks may be to be had only once the file system has written that down. */
static void sync_disk(const char *path)
{
	char dir[PATH_MAX];
	int fd;

	(void)snprintf(dir, sizeof dir, "%s/..", path);
	(void)snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fsync(fd) < 0)
		log_warning("the room that was kept may come late", "path", dir);
	(void)fd_close(fd);
}

bool store_drop_ballast(struct store *store)
{
	bool was;

	(void)pthread_mutex_lock(&store->lock);
	was = store->ballast;
	store->ballast = false;
	(void)pthread_mutex_unlock(&store->lock);
	if (was && unlink(store->ballast_path) < 0 && errno != ENOENT)
		return false;
	if (was)
		sync_disk(store->ballast_path);
	return was;
}
