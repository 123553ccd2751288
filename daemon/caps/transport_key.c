/* transport_key.c - the key that TCP clients know watd by. */
#include "daemon/caps/transport_key.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "daemon/base/secret.h"
#include "daemon/caps/key_file.h"

_Static_assert(NOISE_KEY_SIZE == KEY_FILE_SIZE, "it is one key");

#define FILE_NAME "transport.key"

struct transport_key {
	uint8_t pk[NOISE_KEY_SIZE];
	uint8_t *sk; /* locked memory */
};

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

	*ret_dir = state_dir;
	if (!key)
		return -ENOMEM;
	r = key_file_read(FILE_NAME, state_dir, credentials_dir, ret_dir, key->sk);
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
