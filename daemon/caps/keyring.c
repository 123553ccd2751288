/* keyring.c - the issuing key: 32 bytes in a file, and the key pair in locked memory. */
#include "daemon/caps/keyring.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/secret.h"
#include "daemon/caps/key_file.h"

_Static_assert(crypto_sign_SEEDBYTES == KEY_FILE_SIZE, "it is one key");

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
	r = key_file_read(FILE_NAME, state_dir, credentials_dir, ret_dir, keyring->secret->seed);
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
