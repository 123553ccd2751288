/* keyring.h - the keys of tokens: the one that signs, whose secret lives in pages of its own, and
 * the public halves of those that signed before and are still good. Loop thread. */
#ifndef WAT_CAPS_KEYRING_H
#define WAT_CAPS_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"
#include "proto/token.h"

#define KEYRING_OLD_MAX 15u /* keys of before */

struct keyring;

/* until: Unix second from which it is good for nothing; 0: it signs. */
struct keyring_key {
	uint8_t kid[8], pk[32];
	uint64_t until;
};

/* Reads node.key (32-byte Ed25519 seed): credentials_dir's, if it has one (NULL: no directory);
 * else state_dir's, which is made if it is not there. *ret_dir is the directory in question, also
 * on failure. -EPERM: it belongs to another, or others may read it; -EBADMSG: not a key. */
int keyring_open(const char *state_dir,
		 const char *credentials_dir,
		 const char **ret_dir,
		 struct keyring **ret) WAT_MUST_CHECK;
struct keyring *keyring_free(struct keyring *keyring);
/* The one that signs. */
const uint8_t *keyring_public(const struct keyring *keyring);
const uint8_t *keyring_kid(const struct keyring *keyring);
/* Sets kid and sig. */
void keyring_sign(const struct keyring *keyring, struct token *token);

/* The public half of a key that is good now; NULL: there is none of that kid. */
const uint8_t *keyring_find(const struct keyring *keyring, const uint8_t kid[8], uint64_t now);
/* One of before, until then. -ENOSPC: there are too many. */
int keyring_add_old(struct keyring *keyring, const uint8_t pk[32], uint64_t until) WAT_MUST_CHECK;
/* Forgets one of before; false: there is none of that kid. */
bool keyring_drop_old(struct keyring *keyring, const uint8_t kid[8]);
/* All, from the one that signs to the oldest, i from 0; false: there are no more. */
bool keyring_at(const struct keyring *keyring, size_t i, struct keyring_key *ret);

/* A new key that does not sign yet: keyring_next_public is its public half. -EROFS: the key is a
 * credential, which whoever manages the service replaces. A second call takes the place of the
 * first. */
int keyring_next(struct keyring *keyring) WAT_MUST_CHECK;
const uint8_t *keyring_next_public(const struct keyring *keyring);
/* It is in the file, and signs from here on. The one of before is not among those of before yet. On
 * failure everything is as it was. */
int keyring_switch(struct keyring *keyring) WAT_MUST_CHECK;

#endif
