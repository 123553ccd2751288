/* layer.c - a library that stands between a program and the disk (LD_PRELOAD): it notes each call
 * that changes a file or a directory of $WAT_POWER_LOG's device, and lets those fail that a test
 * wants to fail. The programs under it are those that are released, with the database and all.
 *
 * Any thread. In a host it works on after both stages of the sandbox: all that it opens is opened
 * before main. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/power/power_log.h"

#define EXPORT __attribute__((visibility("default")))

static struct power_log *power_log;
static uint32_t in_host;

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("WAT_POWER_LOG");

	in_host = getenv("WAT_POWER_HOST") != NULL;
	if (path && power_log_map(path, &power_log) < 0)
		_exit(125);
}

/* The inode number; 0: it does not count. */
static uint64_t number_of(int fd)
{
	struct stat st;

	/* The sandbox knows fstat and not the call that the library makes of it. */
	if (!power_log || syscall(SYS_fstat, fd, &st) < 0 || st.st_dev != power_log->device)
		return 0;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? (uint64_t)st.st_ino : 0;
}

/* A path's directory and its last part. */
struct place {
	uint64_t dir; /* 0: it does not count */
	const char *name;
};

static struct place place_of(int dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct place place = {.name = slash ? slash + 1 : path};
	char parent[4096] = ".";
	struct stat st;

	if (!power_log)
		return place;
	if (slash)
		(void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path + 1), path);
	if (syscall(SYS_newfstatat, dir, parent, &st, 0) == 0 && st.st_dev == power_log->device)
		place.dir = (uint64_t)st.st_ino;
	return place;
}

static void lock(void)
{
	if (power_log)
		power_log_lock(power_log);
}

static void unlock(void)
{
	int saved = errno;

	if (power_log)
		power_log_unlock(power_log);
	errno = saved;
}

static void note(enum power_kind kind, uint64_t file, uint64_t at, const void *bytes, size_t n)
{
	if (file != 0)
		power_log_add(power_log,
			      &(struct power_entry){.kind = kind, .file = file, .at = at}, bytes, n,
			      NULL, 0);
}

static void note_names(enum power_kind kind,
		       const struct place *place,
		       uint64_t other,
		       const char *second)
{
	if (place->dir != 0)
		power_log_add(
			power_log,
			&(struct power_entry){.kind = kind, .file = place->dir, .other = other},
			place->name, strlen(place->name) + 1, second,
			second ? strlen(second) + 1 : 0);
}

/* With the lock: is it this one's turn? */
static bool fails(enum power_call call, uint64_t file)
{
	struct power_fault *fault;

	if (!power_log || file == 0)
		return false;
	fault = &power_log->fault;
	if (!(fault->calls & call) || fault->in_host != in_host || fault->times == 0)
		return false;
	if (fault->after > 0) {
		fault->after--;
		return false;
	}
	fault->times--;
	fault->n_done++;
	return true;
}

/* What this thread wrote to last, and before that. */
static __thread uint64_t written[2];

static void note_written(uint64_t file)
{
	if (written[0] == file)
		return;
	written[1] = written[0];
	written[0] = file;
}

/* How many of n bytes, or -1 with errno. */
static ssize_t allowed(uint64_t file, size_t n)
{
	if (!fails(POWER_CALL_WRITE, file))
		return (ssize_t)n;
	if (power_log->fault.error == 0)
		return (ssize_t)(n > 1 ? n / 2 : n);
	errno = power_log->fault.error;
	return -1;
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	uint64_t file = number_of(fd);
	ssize_t r;

	if (file == 0)
		return syscall(SYS_pwrite64, fd, bytes, n, at);
	lock();
	r = allowed(file, n);
	if (r >= 0)
		r = syscall(SYS_pwrite64, fd, bytes, (size_t)r, at);
	if (r > 0)
		note(POWER_WRITE, file, (uint64_t)at, bytes, (size_t)r);
	note_written(file);
	unlock();
	return r;
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite64(fd, bytes, n, at);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t n)
{
	uint64_t file = fd > STDERR_FILENO ? number_of(fd) : 0;
	off_t at;
	ssize_t r;

	if (file == 0)
		return syscall(SYS_write, fd, bytes, n);
	lock();
	at = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
	r = allowed(file, n);
	if (r >= 0)
		r = syscall(SYS_write, fd, bytes, (size_t)r);
	if (r > 0)
		note(POWER_WRITE, file, (uint64_t)at, bytes, (size_t)r);
	unlock();
	return r;
}

EXPORT int ftruncate64(int fd, off64_t length)
{
	uint64_t file = number_of(fd);
	int r = -1;

	if (file == 0)
		return (int)syscall(SYS_ftruncate, fd, length);
	lock();
	if (fails(POWER_CALL_TRUNCATE, file))
		errno = power_log->fault.error;
	else
		r = (int)syscall(SYS_ftruncate, fd, length);
	if (r == 0)
		note(POWER_TRUNCATE, file, (uint64_t)length, NULL, 0);
	unlock();
	return r;
}

EXPORT int ftruncate(int fd, off_t length)
{
	return ftruncate64(fd, length);
}

EXPORT int posix_fallocate64(int fd, off64_t at, off64_t n)
{
	uint64_t file = number_of(fd);
	int r;

	lock();
	r = syscall(SYS_fallocate, fd, 0, at, n) < 0 ? errno : 0;
	if (r == 0)
		note(POWER_EXTEND, file, (uint64_t)(at + n), NULL, 0);
	unlock();
	return r;
}

EXPORT int posix_fallocate(int fd, off_t at, off_t n)
{
	return posix_fallocate64(fd, at, n);
}

/* Others go on writing meanwhile: what came before it began is durable. */
static int sync_file(long call, int fd)
{
	uint64_t file = number_of(fd), began;
	bool failing, by_writer = in_host && (written[0] == file || written[1] == file);
	int r;

	if (file == 0)
		return (int)syscall(call, fd);
	lock();
	failing = fails(POWER_CALL_SYNC, file);
	began = power_log->end;
	unlock();
	if (failing) {
		errno = power_log->fault.error;
		return -1;
	}
	r = (int)syscall(call, fd);
	lock();
	if (r == 0)
		power_log_add(
			power_log,
			&(struct power_entry){
				.kind = POWER_SYNC, .file = file, .other = by_writer, .at = began},
			NULL, 0, NULL, 0);
	unlock();
	return r;
}

EXPORT int fsync(int fd)
{
	return sync_file(SYS_fsync, fd);
}

EXPORT int fdatasync(int fd)
{
	return sync_file(SYS_fdatasync, fd);
}

static int open_file(int dir, const char *path, int flags, mode_t mode)
{
	struct place place;
	struct stat st;
	bool was_there;
	int fd;

	if (!power_log || !(flags & (O_CREAT | O_TRUNC)))
		return (int)syscall(SYS_openat, dir, path, flags, mode);
	lock();
	place = place_of(dir, path);
	was_there = syscall(SYS_newfstatat, dir, path, &st, 0) == 0;
	fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	if (fd >= 0 && !was_there)
		note_names(POWER_CREATE, &place, number_of(fd), NULL);
	else if (fd >= 0 && (flags & O_TRUNC))
		note(POWER_TRUNCATE, number_of(fd), 0, NULL, 0);
	unlock();
	return fd;
}

static mode_t mode_of(int flags, va_list more)
{
	return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(more, int) : 0;
}

EXPORT int open64(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_file(AT_FDCWD, path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_file(AT_FDCWD, path, flags, mode);
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_file(dir, path, flags, mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_file(dir, path, flags, mode);
}

EXPORT int mkdirat(int dir, const char *path, mode_t mode)
{
	struct place place;
	struct stat st;
	int r;

	lock();
	place = place_of(dir, path);
	r = (int)syscall(SYS_mkdirat, dir, path, mode);
	if (r == 0 && syscall(SYS_newfstatat, dir, path, &st, 0) == 0)
		note_names(POWER_MKDIR, &place, (uint64_t)st.st_ino, NULL);
	unlock();
	return r;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
	struct place place;
	int r;

	lock();
	place = place_of(dir, path);
	r = (int)syscall(SYS_unlinkat, dir, path, flags);
	if (r == 0)
		note_names(POWER_UNLINK, &place, 0, NULL);
	unlock();
	return r;
}

EXPORT int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	struct place place;
	struct stat st;
	int r;

	lock();
	place = place_of(to_dir, to);
	r = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	if (r == 0 && syscall(SYS_newfstatat, to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		note_names(POWER_LINK, &place, (uint64_t)st.st_ino, NULL);
	unlock();
	return r;
}

EXPORT int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	struct place old, new;
	int r;

	lock();
	old = place_of(from_dir, from);
	new = place_of(to_dir, to);
	r = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
	if (r == 0 && new.dir != 0)
		note_names(POWER_RENAME, &old, new.dir, new.name);
	unlock();
	return r;
}

EXPORT int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
