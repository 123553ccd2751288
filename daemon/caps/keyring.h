/* keyring.h - the issuing key. Loop thread; the secret lives in pages of its own. */
#ifndef WAT_CAPS_KEYRING_H
#define WAT_CAPS_KEYRING_H

#include <stdint.h>

#include "proto/support/must_check.h"
#include "proto/token.h"

struct keyring;

/* Reads node.key (32-byte Ed25519 seed): credentials_dir's, if it has one (NULL: no directory);
 * else state_dir's, which is made if it is not there. *ret_dir is the directory in question, also
 * on failure. -EPERM: it belongs to another, or others may read it; -EBADMSG: not a key. */
int keyring_open(const char *state_dir,
		 const char *credentials_dir,
		 const char **ret_dir,
		 struct keyring **ret) WAT_MUST_CHECK;
struct keyring *keyring_free(struct keyring *keyring);
const uint8_t *keyring_public(const struct keyring *keyring);
/* Sets kid and sig. */
void keyring_sign(const struct keyring *keyring, struct token *token);

#endif
