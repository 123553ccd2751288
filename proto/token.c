/* token.c - layout, hashes and signatures of capability tokens. Pure but for libsodium. */
#include "proto/token.h"

#include <sodium.h>
#include <string.h>

#include "proto/support/bytes.h"

#define BODY_SIZE (TOKEN_ROOT_SIZE - 64u)
#define VERSION 1u
#define FLAG_SEED 1u

/* Order of the root block after its first 8 bytes; PROTOCOL.md has the picture. */
enum {
	AT_NODE = 8,
	AT_INSTANCE = 24,
	AT_GRANT = 40,
	AT_MASK = 56,
	AT_INTERFACE = 64,
	AT_NOT_BEFORE = 72,
	AT_NOT_AFTER = 80,
	AT_HOLDER = 88,
	AT_SIG = 120
};

static void encode_body(const struct token *token, uint8_t body[static BODY_SIZE])
{
	memset(body, 0, BODY_SIZE);
	body[1] = token->role;
	bytes_put32(body + 4, token->epoch);
	memcpy(body + AT_NODE, token->node_id, 16);
	memcpy(body + AT_INSTANCE, token->instance_id, 16);
	memcpy(body + AT_GRANT, token->grant_id, 16);
	bytes_put64(body + AT_MASK, token->method_mask);
	bytes_put64(body + AT_INTERFACE, token->interface_hash);
	bytes_put64(body + AT_NOT_BEFORE, token->not_before);
	bytes_put64(body + AT_NOT_AFTER, token->not_after);
	memcpy(body + AT_HOLDER, token->holder_pk, 32);
}

static void encode_header(const struct token *token, uint8_t header[static TOKEN_HEADER_SIZE])
{
	memcpy(header, "WATC", 4);
	header[4] = VERSION;
	header[5] = token->has_seed ? FLAG_SEED : 0;
	header[6] = 1;
	header[7] = 0;
	memcpy(header + 8, token->kid, 8);
}

void token_encode(const struct token *token, uint8_t ret_bytes[static TOKEN_SIZE])
{
	struct token bare = *token;

	bare.has_seed = false;
	encode_header(&bare, ret_bytes);
	encode_body(token, ret_bytes + TOKEN_HEADER_SIZE);
	memcpy(ret_bytes + TOKEN_HEADER_SIZE + AT_SIG, token->sig, 64);
	sodium_memzero(&bare, sizeof bare);
}

static enum token_error check_header(const uint8_t *bytes, size_t n, size_t *ret_length)
{
	if (n < TOKEN_HEADER_SIZE)
		return TOKEN_E_LENGTH;
	if (memcmp(bytes, "WATC", 4) != 0 || bytes[4] != VERSION || (bytes[5] & ~FLAG_SEED) ||
	    bytes[7] != 0 || bytes[6] == 0 || bytes[6] > TOKEN_BLOCKS_MAX)
		return TOKEN_E_FORMAT;
	*ret_length = TOKEN_SIZE + (bytes[6] - 1u) * TOKEN_ATTENUATION_SIZE +
		      (bytes[5] & FLAG_SEED ? TOKEN_SEED_SIZE : 0);
	return TOKEN_OK;
}

static enum token_error check_root(const uint8_t *root)
{
	if (root[0] != 0 || root[1] > TOKEN_USER || root[2] != 0 || root[3] != 0)
		return TOKEN_E_FORMAT;
	return TOKEN_OK;
}

static void decode_root(const uint8_t *root, struct token *token)
{
	token->role = root[1];
	token->epoch = bytes_get32(root + 4);
	memcpy(token->node_id, root + AT_NODE, 16);
	memcpy(token->instance_id, root + AT_INSTANCE, 16);
	memcpy(token->grant_id, root + AT_GRANT, 16);
	token->method_mask = bytes_get64(root + AT_MASK);
	token->interface_hash = bytes_get64(root + AT_INTERFACE);
	token->not_before = bytes_get64(root + AT_NOT_BEFORE);
	token->not_after = bytes_get64(root + AT_NOT_AFTER);
	memcpy(token->holder_pk, root + AT_HOLDER, 32);
	memcpy(token->sig, root + AT_SIG, 64);
}

enum token_error token_decode(const uint8_t *bytes, size_t n, struct token *ret_token)
{
	struct token token = {0};
	size_t length;
	enum token_error error = check_header(bytes, n, &length);

	if (error != TOKEN_OK)
		return error;
	if (n != length)
		return TOKEN_E_LENGTH;
	if (bytes[6] != 1)
		return TOKEN_E_BLOCKS;
	error = check_root(bytes + TOKEN_HEADER_SIZE);
	if (error != TOKEN_OK)
		return error;
	memcpy(token.kid, bytes + 8, 8);
	decode_root(bytes + TOKEN_HEADER_SIZE, &token);
	token.has_seed = bytes[5] & FLAG_SEED;
	if (token.has_seed)
		memcpy(token.seed, bytes + TOKEN_SIZE, TOKEN_SEED_SIZE);
	*ret_token = token;
	sodium_memzero(&token, sizeof token);
	return TOKEN_OK;
}

/* BLAKE2b-256 with the purpose as personalization. */
static void hash_init(crypto_generichash_blake2b_state *state, const char *purpose)
{
	uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = {0};

	memcpy(personal, purpose, strnlen(purpose, sizeof personal));
	crypto_generichash_blake2b_init_salt_personal(state, NULL, 0, TOKEN_HASH_SIZE, NULL,
						      personal);
}

void token_hash(const struct token *token, uint8_t ret_th0[static TOKEN_HASH_SIZE])
{
	crypto_generichash_blake2b_state state;
	uint8_t head[5] = "WATC", body[BODY_SIZE];

	head[4] = VERSION;
	encode_body(token, body);
	hash_init(&state, "wat.cap.root.v1");
	crypto_generichash_blake2b_update(&state, head, sizeof head);
	crypto_generichash_blake2b_update(&state, token->kid, 8);
	crypto_generichash_blake2b_update(&state, body, sizeof body);
	crypto_generichash_blake2b_final(&state, ret_th0, TOKEN_HASH_SIZE);
}

void token_chain_hash(const struct token *token, uint8_t ret_ch0[static TOKEN_HASH_SIZE])
{
	crypto_generichash_blake2b_state state;
	uint8_t th0[TOKEN_HASH_SIZE];

	token_hash(token, th0);
	hash_init(&state, "wat.cap.chain.v1");
	crypto_generichash_blake2b_update(&state, th0, sizeof th0);
	crypto_generichash_blake2b_update(&state, token->sig, 64);
	crypto_generichash_blake2b_final(&state, ret_ch0, TOKEN_HASH_SIZE);
}

static void block_message(const struct token *token, uint8_t message[static 48])
{
	memcpy(message, "wat-cap-block-v1", 16);
	token_hash(token, message + 16);
}

void token_sign(struct token *token, const uint8_t issuer_sk[static 64])
{
	uint8_t message[48];

	block_message(token, message);
	crypto_sign_detached(token->sig, NULL, message, sizeof message, issuer_sk);
}

bool token_verify_signature(const struct token *token, const uint8_t issuer_pk[static 32])
{
	uint8_t message[48];

	block_message(token, message);
	return crypto_sign_verify_detached(token->sig, message, sizeof message, issuer_pk) == 0;
}

void token_kid(const uint8_t issuer_pk[static 32], uint8_t ret_kid[static 8])
{
	uint8_t hash[32];

	crypto_generichash(hash, sizeof hash, issuer_pk, 32, NULL, 0);
	memcpy(ret_kid, hash, 8);
}

static void hash_purpose(const char *purpose, const void *bytes, size_t n, uint8_t ret[static 32])
{
	crypto_generichash_blake2b_state state;

	hash_init(&state, purpose);
	crypto_generichash_blake2b_update(&state, bytes, n);
	crypto_generichash_blake2b_final(&state, ret, 32);
}

void token_unix_binding(uint8_t ret_binding[static 32])
{
	hash_purpose("wat.cap.unix.v1", "watd", 4, ret_binding);
}

void token_noise_binding(const uint8_t hash[static 64], uint8_t ret_binding[static 32])
{
	hash_purpose("wat.cap.noise.v1", hash, 64, ret_binding);
}

void token_plain_binding(uint8_t ret_binding[static 32])
{
	hash_purpose("wat.cap.plain.v1", "watd", 4, ret_binding);
}

static void bind_message(const struct token *token,
			 const struct token_bind *bind,
			 uint8_t message[static 48])
{
	crypto_generichash_blake2b_state state;
	uint8_t chain[TOKEN_HASH_SIZE], slot[8];

	token_chain_hash(token, chain);
	bytes_put64(slot, bind->slot);
	memcpy(message, "wat-cap-bind--v1", 16);
	hash_init(&state, "wat.cap.bind.v1");
	crypto_generichash_blake2b_update(&state, bind->chan_bind, 32);
	crypto_generichash_blake2b_update(&state, bind->challenge, TOKEN_CHALLENGE_SIZE);
	crypto_generichash_blake2b_update(&state, chain, sizeof chain);
	crypto_generichash_blake2b_update(&state, bind->node_id, 16);
	crypto_generichash_blake2b_update(&state, slot, sizeof slot);
	crypto_generichash_blake2b_final(&state, message + 16, 32);
}

void token_prove(const struct token *token,
		 const struct token_bind *bind,
		 const uint8_t holder_sk[static 64],
		 uint8_t ret_proof[static TOKEN_PROOF_SIZE])
{
	uint8_t message[48];

	bind_message(token, bind, message);
	crypto_sign_detached(ret_proof, NULL, message, sizeof message, holder_sk);
}

bool token_verify_proof(const struct token *token,
			const struct token_bind *bind,
			const uint8_t proof[static TOKEN_PROOF_SIZE])
{
	uint8_t message[48];

	bind_message(token, bind, message);
	return crypto_sign_verify_detached(proof, message, sizeof message, token->holder_pk) == 0;
}
