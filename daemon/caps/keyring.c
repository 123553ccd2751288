/* keyring.c - the issuing key: 32 bytes in a file, and the key pair in locked memory; beside it
 * what is left of those before. */
#include "daemon/caps/keyring.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/secret.h"
#include "daemon/caps/key_file.h"

_Static_assert(crypto_sign_SEEDBYTES == KEY_FILE_SIZE, "it is one key");

#define FILE_NAME "node.key"

struct pair {
	uint8_t seed[crypto_sign_SEEDBYTES];
	uint8_t sk[crypto_sign_SECRETKEYBYTES];
};

/* Locked. */
struct secrets {
	struct pair now, next;
};

struct keyring {
	struct keyring_key key, next;
	struct keyring_key old[KEYRING_OLD_MAX]; /* newest first */
	size_t n_old;
	char *dir; /* where the file is; NULL: it is a credential */
	struct secrets *secrets;
};

static struct keyring *keyring_alloc(void)
{
	struct keyring *keyring = calloc(1, sizeof *keyring);
	void *secrets;

	if (!keyring)
		return NULL;
	if (secret_alloc(sizeof *keyring->secrets, &secrets) < 0) {
		free(keyring);
		return NULL;
	}
	keyring->secrets = secrets;
	return keyring;
}

static void expand(struct pair *pair, struct keyring_key *key)
{
	crypto_sign_seed_keypair(key->pk, pair->sk, pair->seed);
	token_kid(key->pk, key->kid);
	key->until = 0;
}

static int open_key(struct keyring *keyring,
		    const char *state_dir,
		    const char *credentials_dir,
		    const char **ret_dir)
{
	int r = key_file_read(FILE_NAME, state_dir, credentials_dir, ret_dir,
			      keyring->secrets->now.seed);

	if (r < 0)
		return r;
	expand(&keyring->secrets->now, &keyring->key);
	if (*ret_dir != state_dir)
		return 0;
	keyring->dir = strdup(state_dir);
	return keyring->dir ? 0 : -ENOMEM;
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
	r = open_key(keyring, state_dir, credentials_dir, ret_dir);
	if (r < 0) {
		keyring_free(keyring);
		return r;
	}
	*ret = keyring;
	return 0;
}

struct keyring *keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return NULL;
	secret_free(keyring->secrets);
	free(keyring->dir);
	free(keyring);
	return NULL;
}

const uint8_t *keyring_public(const struct keyring *keyring)
{
	return keyring->key.pk;
}

const uint8_t *keyring_kid(const struct keyring *keyring)
{
	return keyring->key.kid;
}

void keyring_sign(const struct keyring *keyring, struct token *token)
{
	memcpy(token->kid, keyring->key.kid, sizeof token->kid);
	token_sign(token, keyring->secrets->now.sk);
}

bool keyring_at(const struct keyring *keyring, size_t i, struct keyring_key *ret)
{
	if (i > keyring->n_old)
		return false;
	*ret = i == 0 ? keyring->key : keyring->old[i - 1];
	return true;
}

/* The place of one of before; n_old: there is none. */
static size_t place_of(const struct keyring *keyring, const uint8_t kid[8])
{
	size_t i = 0;

	while (i < keyring->n_old && memcmp(keyring->old[i].kid, kid, 8) != 0)
		i++;
	return i;
}

const uint8_t *keyring_find(const struct keyring *keyring, const uint8_t kid[8], uint64_t now)
{
	size_t i = place_of(keyring, kid);

	if (memcmp(keyring->key.kid, kid, 8) == 0)
		return keyring->key.pk;
	return i < keyring->n_old && now < keyring->old[i].until ? keyring->old[i].pk : NULL;
}

bool keyring_drop_old(struct keyring *keyring, const uint8_t kid[8])
{
	size_t i = place_of(keyring, kid);

	if (i == keyring->n_old)
		return false;
	keyring->n_old--;
	memmove(keyring->old + i, keyring->old + i + 1,
		(keyring->n_old - i) * sizeof keyring->old[0]);
	return true;
}

int keyring_add_old(struct keyring *keyring, const uint8_t pk[32], uint64_t until)
{
	struct keyring_key key = {.until = until};

	memcpy(key.pk, pk, sizeof key.pk);
	token_kid(pk, key.kid);
	(void)keyring_drop_old(keyring, key.kid);
	if (keyring->n_old == KEYRING_OLD_MAX)
		return -ENOSPC;
	memmove(keyring->old + 1, keyring->old, keyring->n_old * sizeof keyring->old[0]);
	keyring->old[0] = key;
	keyring->n_old++;
	return 0;
}

int keyring_next(struct keyring *keyring)
{
	if (!keyring->dir)
		return -EROFS;
	randombytes_buf(keyring->secrets->next.seed, sizeof keyring->secrets->next.seed);
	expand(&keyring->secrets->next, &keyring->next);
	return 0;
}

const uint8_t *keyring_next_public(const struct keyring *keyring)
{
	return keyring->next.pk;
}

int keyring_switch(struct keyring *keyring)
{
	struct secrets *secrets = keyring->secrets;
	int r = key_file_replace(FILE_NAME, keyring->dir, secrets->next.seed);

	if (r < 0)
		return r;
	secrets->now = secrets->next;
	keyring->key = keyring->next;
	sodium_memzero(&secrets->next, sizeof secrets->next);
	return 0;
}
