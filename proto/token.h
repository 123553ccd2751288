/* token.h - capability tokens: layout, hashes, chains, text. Pure (libsodium's hashes and
 * signatures only); nothing here knows a grant. Layout and hashes: PROTOCOL.md, "Tokens". */
#ifndef WAT_PROTO_TOKEN_H
#define WAT_PROTO_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

#define TOKEN_HEADER_SIZE 16u
#define TOKEN_ROOT_SIZE 184u
#define TOKEN_ATTENUATION_SIZE 128u
#define TOKEN_SEED_SIZE 32u
#define TOKEN_BLOCKS_MAX 8u
#define TOKEN_SIZE (TOKEN_HEADER_SIZE + TOKEN_ROOT_SIZE) /* one block, without seed */
#define TOKEN_ATTENUATIONS_MAX (TOKEN_BLOCKS_MAX - 1u)
#define TOKEN_CHAIN_MAX (TOKEN_SIZE + TOKEN_ATTENUATIONS_MAX * TOKEN_ATTENUATION_SIZE)
#define TOKEN_SIZE_MAX (TOKEN_CHAIN_MAX + TOKEN_SEED_SIZE)
#define TOKEN_TEXT_MAX 2048u /* bytes of the text form, with NUL */
#define TOKEN_HASH_SIZE 32u
#define TOKEN_PROOF_SIZE 64u
#define TOKEN_CHALLENGE_SIZE 32u

enum token_role { TOKEN_NODE = 0, TOKEN_ADMIN = 1, TOKEN_USER = 2 };

/* What a block says. Of the last one it is what the token is good for. */
struct token_terms {
	uint64_t method_mask;
	uint64_t not_before, not_after; /* Unix seconds */
	uint8_t holder_pk[32];
};

/* A block behind the root: what is left of the one before it, signed by its holder. */
struct token_attenuation {
	struct token_terms terms;
	uint8_t sig[64];
};

/* Decoded: the fields of the root block, then what narrows it. */
struct token {
	uint8_t kid[8];
	uint8_t role;
	uint32_t epoch;
	uint8_t node_id[16], instance_id[16], grant_id[16];
	uint64_t method_mask;
	uint64_t interface_hash;
	uint64_t not_before, not_after; /* Unix seconds */
	uint8_t holder_pk[32];
	uint8_t sig[64];
	uint8_t n_attenuations;
	struct token_attenuation attenuations[TOKEN_ATTENUATIONS_MAX]; /* in order */
	bool has_seed;
	uint8_t seed[32]; /* secret: of the last holder */
};

enum token_error {
	TOKEN_OK = 0,
	TOKEN_E_LENGTH = 1, /* not exactly the length that the header says */
	TOKEN_E_FORMAT = 2, /* magic, version, a reserved byte, an unknown role or flag, bad text or
			       checksum */
	TOKEN_E_BLOCKS = 3, /* there is no room for one more block */
	TOKEN_E_WIDER = 4,  /* a block says more than the one before it */
	TOKEN_E_SIGNATURE = 5,
};

/* Bytes, and exactly those. No cryptography. */
enum token_error token_decode(const uint8_t *bytes, size_t n, struct token *ret_token)
	WAT_MUST_CHECK;
/* Bytes of a token without its seed: TOKEN_SIZE for one of the issuer's, at most TOKEN_CHAIN_MAX.
 */
size_t token_length(const struct token *token);
/* Without the seed: token_length() bytes. */
void token_encode(const struct token *token, uint8_t ret_bytes[static TOKEN_SIZE]);
/* Those of the last block. */
struct token_terms token_terms(const struct token *token);

/* th0: hash of the root block's body. */
void token_hash(const struct token *token, uint8_t ret_th0[static TOKEN_HASH_SIZE]);
/* ch of the last block: the hash of the whole chain. */
void token_chain_hash(const struct token *token, uint8_t ret_chain[static TOKEN_HASH_SIZE]);
/* Signs the root block with the issuer's secret key (64 bytes, libsodium's) and sets token->sig. */
void token_sign(struct token *token, const uint8_t issuer_sk[static 64]);
bool token_verify_signature(const struct token *token, const uint8_t issuer_pk[static 32])
	WAT_MUST_CHECK;

/* One more block, signed with the secret key (64 bytes, libsodium's) of the last holder. terms: all
 * of them; what the token had is not kept, the seed of the holder before neither. TOKEN_E_BLOCKS,
 * TOKEN_E_WIDER: the token is as it was. */
enum token_error token_attenuate(struct token *token,
				 const struct token_terms *terms,
				 const uint8_t holder_sk[static 64]) WAT_MUST_CHECK;
/* Is each attenuation narrower than, and signed by the holder of, the block before it? The root is
 * not looked at. TOKEN_E_WIDER comes before its signature; TOKEN_E_SIGNATURE. */
enum token_error token_verify_chain(const struct token *token) WAT_MUST_CHECK;
/* kid: first 8 bytes of BLAKE2b-256(issuer pk). */
void token_kid(const uint8_t issuer_pk[static 32], uint8_t ret_kid[static 8]);

/* chan_bind on a unix socket: B2b256("wat.cap.unix.v1", "watd"). */
void token_unix_binding(uint8_t ret_binding[static 32]);
/* The same on TCP: B2b256("wat.cap.noise.v1", handshake hash), and without encryption
 * B2b256("wat.cap.plain.v1", "watd"). */
void token_noise_binding(const uint8_t hash[static 64], uint8_t ret_binding[static 32]);
void token_plain_binding(uint8_t ret_binding[static 32]);

struct token_bind {
	const uint8_t *chan_bind; /* 32 */
	const uint8_t *challenge; /* 32, of WELCOME */
	const uint8_t *node_id;   /* 16 */
	uint64_t slot;            /* id of the BIND frame */
};
/* Proof of possession with the last holder's secret key (64 bytes), and its check. */
void token_prove(const struct token *token,
		 const struct token_bind *bind,
		 const uint8_t holder_sk[static 64],
		 uint8_t ret_proof[static TOKEN_PROOF_SIZE]);
bool token_verify_proof(const struct token *token,
			const struct token_bind *bind,
			const uint8_t proof[static TOKEN_PROOF_SIZE]) WAT_MUST_CHECK;

/* "watc1_..." or, when token->has_seed, "wats1_...". Buffer of TOKEN_TEXT_MAX. */
void token_to_text(const struct token *token, char ret_text[static TOKEN_TEXT_MAX]);
/* Leading and trailing white space is ignored. */
enum token_error token_from_text(const char *text, struct token *ret_token) WAT_MUST_CHECK;

#endif
