/* keyring.c - the issuing key: 32 bytes in a file, and the key pair in locked memory. */
#include "daemon/caps/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
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

static int check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != crypto_sign_SEEDBYTES)
		return -EBADMSG;
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

static int read_seed(int dir, uint8_t *seed)
{
	_cleanup_(fd_closep) int fd = openat(dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	r = check_file(fd);
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

int keyring_open(const char *state_dir, struct keyring **ret)
{
	_cleanup_(fd_closep) int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct keyring *keyring;
	void *secret;
	int r;

	if (dir < 0)
		return -errno;
	r = secret_alloc(sizeof *keyring->secret, &secret);
	if (r < 0)
		return r;
	keyring = calloc(1, sizeof *keyring);
	if (!keyring) {
		secret_free(secret);
		return -ENOMEM;
	}
	keyring->secret = secret;
	r = read_seed(dir, keyring->secret->seed);
	if (r == -ENOENT) {
		randombytes_buf(keyring->secret->seed, sizeof keyring->secret->seed);
		r = write_seed(dir, keyring->secret->seed);
	}
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
