/* token.h - tokens by themselves: looked into, made narrower, completed with a key. Nothing here
 * speaks with a watd; it decides what a token is worth when it is presented. Any thread. Return
 * values as in wat.h: 0, INVALID_ARGUMENT with its sentence in wat_failure(), or a negative errno.
 * Since 0.1. */
#ifndef WAT_TOKEN_H
#define WAT_TOKEN_H

#include <wat/wat.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WAT_KEY_SIZE 32 /* bytes of a public key, and of the seed that it comes from */

enum wat_token_role { WAT_TOKEN_NODE = 0, WAT_TOKEN_ADMIN = 1, WAT_TOKEN_USER = 2 };

/* What a token says of itself; whether it is genuine, and still good, only its watd knows. methods,
 * the times and holder_pk are those of its last block: what it is good for, and for whom. */
struct wat_token_info {
	uint32_t size;     /* of this struct; the caller sets it */
	int32_t role;      /* enum wat_token_role */
	uint32_t epoch;    /* of its instance when it was made */
	uint32_t n_blocks; /* 1, and one more for each attenuation */
	uint32_t has_seed; /* 1: whoever has this text can use it */
	uint32_t reserved; /* 0 */
	uint64_t methods; /* bit n: method n, of the service or, for an Admin, of wat.admin.Admin */
	uint64_t not_before, not_after; /* Unix seconds; good until before not_after */
	uint64_t interface_hash;
	uint8_t kid[8]; /* which key of the watd signed it */
	uint8_t node_id[16], instance_id[16], grant_id[16];
	uint8_t holder_pk[32]; /* Ed25519 */
};
#define WAT_TOKEN_INFO_INIT                                                                   \
	{                                                                                     \
		sizeof(struct wat_token_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, {0}, {0}, {0}, \
		{                                                                             \
			0                                                                     \
		}                                                                             \
	}

/* Fills as much of *ret as its size says. INVALID_ARGUMENT: the text is no token. */
WAT_API_CHECK int wat_token_inspect(const char *token, struct wat_token_info *ret);

/* How a token is made narrower. What is 0 stays as it is. */
struct wat_attenuation {
	uint32_t size;                  /* of this struct */
	uint32_t flags;                 /* 0 */
	uint64_t methods;               /* mask, as in struct wat_token_info */
	uint64_t not_before, not_after; /* Unix seconds */
	const uint8_t *holder_pk; /* NULL: a key is made, and the new token carries its seed. Else
				     32 bytes: only the holder of that key can use it */
};
#define WAT_ATTENUATION_INIT                                          \
	{                                                             \
		sizeof(struct wat_attenuation), 0, 0, 0, 0, (void *)0 \
	}

/* A token that can do less, made from one with its seed; both are good then, and both end with
 * their grant. NULL for the struct: as much as the first, for another holder. Free the text with
 * wat_memory_free, which does not wipe it. INVALID_ARGUMENT: no token, one without its seed, more
 * than it can do, a time that is over before it begins, or 8 blocks already. */
WAT_API_CHECK int wat_token_attenuate(const char *token,
				      const struct wat_attenuation *,
				      char **ret_token);

/* A key for a holder: the seed is secret, the public key is what a grant names. */
WAT_API_CHECK int wat_token_newkey(uint8_t ret_seed[WAT_KEY_SIZE], uint8_t ret_pk[WAT_KEY_SIZE]);
/* The public key of a seed. */
WAT_API_CHECK int wat_token_public_key(const uint8_t seed[WAT_KEY_SIZE],
				       uint8_t ret_pk[WAT_KEY_SIZE]);
/* A token that was given for a key, together with the seed of that key: what the functions that
 * take a token need. INVALID_ARGUMENT: no token, or it names another key. Free with
 * wat_memory_free. */
WAT_API_CHECK int wat_token_with_key(const char *token,
				     const uint8_t seed[WAT_KEY_SIZE],
				     char **ret_token);

/* The token that a grant was renewed with, together with the seed of the one that its holder has:
 * INVALID_ARGUMENT unless both are of one grant and key. Free with wat_memory_free. */
WAT_API_CHECK int wat_token_renewed(const char *held, const char *renewed, char **ret_token);

#ifdef __cplusplus
}
#endif

#endif
