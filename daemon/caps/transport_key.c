/* transport_key.c - the key that TCP clients know watd by. */
#include "daemon/caps/transport_key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/secret.h"
#include "proto/support/cleanup.h"

#define FILE_NAME "transport.key"

struct transport_key {
	uint8_t pk[NOISE_KEY_SIZE];
	uint8_t *sk; /* locked memory */
};

/* A credential is root's: the manager lets us read it by an access control list, whose mask shows
 * as the group's permission. */
static int check_file(int fd, bool credential)
{
	mode_t others = credential ? S_IWGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != NOISE_KEY_SIZE)
		return -EBADMSG;
	if ((st.st_uid != geteuid() && !(credential && st.st_uid == 0)) || (st.st_mode & others))
		return -EPERM;
	return 0;
}

static int open_dir(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

static int read_file(const char *path, bool credential, uint8_t *sk)
{
	_cleanup_(fd_closep) int dir = open_dir(path);
	_cleanup_(fd_closep) int fd = -1;
	ssize_t n;
	int r;

	if (dir < 0)
		return credential && dir == -ENOENT ? -ENOTDIR : dir;
	fd = openat(dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = check_file(fd, credential);
	if (r < 0)
		return r;
	n = pread(fd, sk, NOISE_KEY_SIZE, 0);
	if (n < 0)
		return -errno;
	return n == NOISE_KEY_SIZE ? 0 : -EBADMSG;
}

static int write_aside(int dir, const char *name, const uint8_t *sk)
{
	_cleanup_(fd_closep) int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	n = write(fd, sk, NOISE_KEY_SIZE);
	if (n != NOISE_KEY_SIZE)
		return n < 0 ? -errno : -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Whole or not at all, and not over one that somebody else made meanwhile: -EEXIST. */
static int write_file(const char *path, const uint8_t *sk)
{
	_cleanup_(fd_closep) int dir = open_dir(path);
	char name[48];
	int r;

	if (dir < 0)
		return dir;
	(void)snprintf(name, sizeof name, FILE_NAME ".%d", (int)getpid());
	r = write_aside(dir, name, sk);
	if (r == 0 && linkat(dir, name, dir, FILE_NAME, 0) < 0)
		r = -errno;
	(void)unlinkat(dir, name, 0);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	return r;
}

static int read_or_make(const char *state_dir, uint8_t *sk)
{
	int r = read_file(state_dir, false, sk);

	if (r != -ENOENT)
		return r;
	randombytes_buf(sk, NOISE_KEY_SIZE);
	r = write_file(state_dir, sk);
	return r == -EEXIST ? read_file(state_dir, false, sk) : r;
}

static struct transport_key *key_alloc(void)
{
	struct transport_key *key = calloc(1, sizeof *key);
	void *secret;

	if (!key)
		return NULL;
	if (secret_alloc(NOISE_KEY_SIZE, &secret) < 0) {
		free(key);
		return NULL;
	}
	key->sk = secret;
	return key;
}

int transport_key_open(const char *state_dir,
		       const char *credentials_dir,
		       const char **ret_dir,
		       struct transport_key **ret)
{
	struct transport_key *key = key_alloc();
	int r;

	*ret_dir = credentials_dir ? credentials_dir : state_dir;
	if (!key)
		return -ENOMEM;
	r = credentials_dir ? read_file(credentials_dir, true, key->sk) : -ENOENT;
	if (r == -ENOENT) {
		*ret_dir = state_dir;
		r = read_or_make(state_dir, key->sk);
	}
	if (r < 0) {
		transport_key_free(key);
		return r;
	}
	noise_public_key(key->sk, key->pk);
	*ret = key;
	return 0;
}

struct transport_key *transport_key_free(struct transport_key *key)
{
	if (!key)
		return NULL;
	secret_free(key->sk);
	free(key);
	return NULL;
}

const uint8_t *transport_key_secret(const struct transport_key *key)
{
	return key->sk;
}

void transport_key_text(const struct transport_key *key, char ret[static 44])
{
	sodium_bin2base64(ret, 44, key->pk, sizeof key->pk,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
