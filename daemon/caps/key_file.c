/* key_file.c - a secret of 32 bytes in a file of its own. */
#include "daemon/caps/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

/* A credential is root's: the manager lets us read it by an access control list, whose mask shows
 * as the group's permission. */
static int check_file(int fd, bool credential)
{
	mode_t others = credential ? S_IWGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != KEY_FILE_SIZE)
		return -EBADMSG;
	if ((st.st_uid != geteuid() && !(credential && st.st_uid == 0)) || (st.st_mode & others))
		return -EPERM;
	return 0;
}

static int read_file(int dir, const char *name, bool credential, uint8_t *secret)
{
	_cleanup_(fd_closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	r = check_file(fd, credential);
	if (r < 0)
		return r;
	n = pread(fd, secret, KEY_FILE_SIZE, 0);
	if (n < 0)
		return -errno;
	return n == KEY_FILE_SIZE ? 0 : -EBADMSG;
}

static int write_aside(int dir, const char *name, const uint8_t *secret)
{
	_cleanup_(fd_closep) int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	n = write(fd, secret, KEY_FILE_SIZE);
	if (n != KEY_FILE_SIZE)
		return n < 0 ? -errno : -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Whole or not at all, and not over one that somebody else made meanwhile: -EEXIST. */
static int write_file(int dir, const char *name, const uint8_t *secret)
{
	char aside[64];
	int r;

	(void)snprintf(aside, sizeof aside, "%s.%d", name, (int)getpid());
	r = write_aside(dir, aside, secret);
	if (r == 0 && linkat(dir, aside, dir, name, 0) < 0)
		r = -errno;
	(void)unlinkat(dir, aside, 0);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	return r;
}

static int open_dir(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

/* -ENOENT: there is none. */
static int read_credential(const char *credentials_dir, const char *name, uint8_t *secret)
{
	_cleanup_(fd_closep) int dir = -1;

	if (!credentials_dir)
		return -ENOENT;
	dir = open_dir(credentials_dir);
	/* A directory that was promised and is not there is no directory without a key. */
	if (dir == -ENOENT)
		return -ENOTDIR;
	return dir < 0 ? dir : read_file(dir, name, true, secret);
}

static int read_or_make(const char *state_dir, const char *name, uint8_t *secret)
{
	_cleanup_(fd_closep) int dir = open_dir(state_dir);
	int r = dir < 0 ? dir : read_file(dir, name, false, secret);

	if (r != -ENOENT || dir < 0)
		return r;
	randombytes_buf(secret, KEY_FILE_SIZE);
	r = write_file(dir, name, secret);
	return r == -EEXIST ? read_file(dir, name, false, secret) : r;
}

int key_file_read(const char *name,
		  const char *state_dir,
		  const char *credentials_dir,
		  const char **ret_dir,
		  uint8_t ret_secret[static KEY_FILE_SIZE])
{
	int r = read_credential(credentials_dir, name, ret_secret);

	*ret_dir = r == -ENOENT ? state_dir : credentials_dir;
	return r == -ENOENT ? read_or_make(state_dir, name, ret_secret) : r;
}

int key_file_replace(const char *name,
		     const char *state_dir,
		     const uint8_t secret[static KEY_FILE_SIZE])
{
	_cleanup_(fd_closep) int dir = open_dir(state_dir);
	char aside[64];
	int r;

	if (dir < 0)
		return dir;
	(void)snprintf(aside, sizeof aside, "%s.%d", name, (int)getpid());
	r = write_aside(dir, aside, secret);
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, aside, 0);
	else if (fsync(dir) < 0)
		/* The name is there: it is only not known whether a loss of power leaves it. */
		r = 0;
	return r;
}

int key_file_make(const char *path)
{
	_cleanup_(fd_closep) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	uint8_t secret[KEY_FILE_SIZE];
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (sodium_init() < 0)
		return -ENOSYS;
	randombytes_buf(secret, sizeof secret);
	n = write(fd, secret, sizeof secret);
	sodium_memzero(secret, sizeof secret);
	if (n != KEY_FILE_SIZE)
		r = n < 0 ? -errno : -ENOSPC;
	else if (fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(path);
	return r;
}
