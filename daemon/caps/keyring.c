/* keyring.c - the issuing key: 32 bytes in a file, and the key pair in locked memory. */
#include "daemon/caps/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/secret.h"
#include "proto/support/cleanup.h"

#define FILE_NAME "node.key"

struct secret_key {
	uint8_t seed[crypto_sign_SEEDBYTES];
	uint8_t sk[crypto_sign_SECRETKEYBYTES];
};

struct keyring {
	uint8_t pk[crypto_sign_PUBLICKEYBYTES];
	uint8_t kid[8];
	struct secret_key *secret;
};

/* A credential is root's: the manager lets us read it by an access control list, whose mask shows
 * as the group's permission. */
static int check_file(int fd, bool credential)
{
	mode_t others = credential ? S_IWGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != crypto_sign_SEEDBYTES)
		return -EBADMSG;
	if ((st.st_uid != geteuid() && !(credential && st.st_uid == 0)) || (st.st_mode & others))
		return -EPERM;
	return 0;
}

static int read_seed(int dir, bool credential, uint8_t *seed)
{
	_cleanup_(fd_closep) int fd = openat(dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	r = check_file(fd, credential);
	if (r < 0)
		return r;
	n = pread(fd, seed, crypto_sign_SEEDBYTES, 0);
	if (n < 0)
		return -errno;
	return n == crypto_sign_SEEDBYTES ? 0 : -EBADMSG;
}

/* Whole or not at all: written aside, synced, then named. */
static int write_seed(int dir, const uint8_t *seed)
{
	_cleanup_(fd_closep) int fd = openat(
		dir, FILE_NAME ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	n = write(fd, seed, crypto_sign_SEEDBYTES);
	if (n != crypto_sign_SEEDBYTES)
		return n < 0 ? -errno : -ENOSPC;
	if (fsync(fd) < 0 || renameat(dir, FILE_NAME ".new", dir, FILE_NAME) < 0 || fsync(dir) < 0)
		return -errno;
	return 0;
}

static int open_dir(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

/* -ENOENT: there is none. */
static int read_credential(const char *credentials_dir, uint8_t *seed)
{
	_cleanup_(fd_closep) int dir = -1;

	if (!credentials_dir)
		return -ENOENT;
	dir = open_dir(credentials_dir);
	/* A directory that was promised and is not there is no directory without a key. */
	if (dir == -ENOENT)
		return -ENOTDIR;
	return dir < 0 ? dir : read_seed(dir, true, seed);
}

static int read_or_make(const char *state_dir, uint8_t *seed)
{
	_cleanup_(fd_closep) int dir = open_dir(state_dir);
	int r = dir < 0 ? dir : read_seed(dir, false, seed);

	if (r != -ENOENT || dir < 0)
		return r;
	randombytes_buf(seed, crypto_sign_SEEDBYTES);
	return write_seed(dir, seed);
}

static struct keyring *keyring_alloc(void)
{
	struct keyring *keyring = calloc(1, sizeof *keyring);
	void *secret;

	if (!keyring)
		return NULL;
	if (secret_alloc(sizeof *keyring->secret, &secret) < 0) {
		free(keyring);
		return NULL;
	}
	keyring->secret = secret;
	return keyring;
}

int keyring_open(const char *state_dir,
		 const char *credentials_dir,
		 const char **ret_dir,
		 struct keyring **ret)
{
	struct keyring *keyring = keyring_alloc();
	int r;

	*ret_dir = state_dir;
	if (!keyring)
		return -ENOMEM;
	r = read_credential(credentials_dir, keyring->secret->seed);
	if (r == -ENOENT)
		r = read_or_make(state_dir, keyring->secret->seed);
	else
		*ret_dir = credentials_dir;
	if (r < 0) {
		keyring_free(keyring);
		return r;
	}
	crypto_sign_seed_keypair(keyring->pk, keyring->secret->sk, keyring->secret->seed);
	token_kid(keyring->pk, keyring->kid);
	*ret = keyring;
	return 0;
}

struct keyring *keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return NULL;
	secret_free(keyring->secret);
	free(keyring);
	return NULL;
}

const uint8_t *keyring_public(const struct keyring *keyring)
{
	return keyring->pk;
}

void keyring_sign(const struct keyring *keyring, struct token *token)
{
	memcpy(token->kid, keyring->kid, sizeof token->kid);
	token_sign(token, keyring->secret->sk);
}
