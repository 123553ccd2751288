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

/* Order of an attenuation. */
enum { ATT_MASK = 8, ATT_NOT_BEFORE = 16, ATT_NOT_AFTER = 24, ATT_HOLDER = 32, ATT_SIG = 64 };

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
	header[5] = 0;
	header[6] = (uint8_t)(1 + token->n_attenuations);
	header[7] = 0;
	memcpy(header + 8, token->kid, 8);
}

/* Without its signature. */
static void encode_attenuation(const struct token *token, size_t i, uint8_t body[static ATT_SIG])
{
	const struct token_terms *terms = &token->attenuations[i].terms;

	memset(body, 0, ATT_SIG);
	body[0] = 1;
	body[1] = (uint8_t)(i + 1);
	bytes_put64(body + ATT_MASK, terms->method_mask);
	bytes_put64(body + ATT_NOT_BEFORE, terms->not_before);
	bytes_put64(body + ATT_NOT_AFTER, terms->not_after);
	memcpy(body + ATT_HOLDER, terms->holder_pk, 32);
}

size_t token_length(const struct token *token)
{
	return TOKEN_SIZE + token->n_attenuations * TOKEN_ATTENUATION_SIZE;
}

void token_encode(const struct token *token, uint8_t ret_bytes[static TOKEN_SIZE])
{
	uint8_t *block = ret_bytes + TOKEN_SIZE;

	encode_header(token, ret_bytes);
	encode_body(token, ret_bytes + TOKEN_HEADER_SIZE);
	memcpy(ret_bytes + TOKEN_HEADER_SIZE + AT_SIG, token->sig, 64);
	for (size_t i = 0; i < token->n_attenuations; i++, block += TOKEN_ATTENUATION_SIZE) {
		encode_attenuation(token, i, block);
		memcpy(block + ATT_SIG, token->attenuations[i].sig, 64);
	}
}

struct token_terms token_terms(const struct token *token)
{
	struct token_terms terms = {.method_mask = token->method_mask,
				    .not_before = token->not_before,
				    .not_after = token->not_after};

	if (token->n_attenuations > 0)
		return token->attenuations[token->n_attenuations - 1].terms;
	memcpy(terms.holder_pk, token->holder_pk, 32);
	return terms;
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

static enum token_error check_attenuation(const uint8_t *block, size_t i)
{
	static const uint8_t zeros[6];

	if (block[0] != 1 || block[1] != i + 1 || memcmp(block + 2, zeros, sizeof zeros) != 0)
		return TOKEN_E_FORMAT;
	return TOKEN_OK;
}

static void decode_attenuation(const uint8_t *block, struct token_attenuation *attenuation)
{
	struct token_terms *terms = &attenuation->terms;

	terms->method_mask = bytes_get64(block + ATT_MASK);
	terms->not_before = bytes_get64(block + ATT_NOT_BEFORE);
	terms->not_after = bytes_get64(block + ATT_NOT_AFTER);
	memcpy(terms->holder_pk, block + ATT_HOLDER, 32);
	memcpy(attenuation->sig, block + ATT_SIG, 64);
}

static enum token_error decode_blocks(const uint8_t *bytes, struct token *token)
{
	const uint8_t *block = bytes + TOKEN_SIZE;
	enum token_error error = check_root(bytes + TOKEN_HEADER_SIZE);

	if (error != TOKEN_OK)
		return error;
	decode_root(bytes + TOKEN_HEADER_SIZE, token);
	token->n_attenuations = (uint8_t)(bytes[6] - 1);
	for (size_t i = 0; i < token->n_attenuations; i++, block += TOKEN_ATTENUATION_SIZE) {
		error = check_attenuation(block, i);
		if (error != TOKEN_OK)
			return error;
		decode_attenuation(block, &token->attenuations[i]);
	}
	return TOKEN_OK;
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
	error = decode_blocks(bytes, &token);
	if (error != TOKEN_OK)
		return error;
	memcpy(token.kid, bytes + 8, 8);
	token.has_seed = bytes[5] & FLAG_SEED;
	if (token.has_seed)
		memcpy(token.seed, bytes + n - TOKEN_SEED_SIZE, TOKEN_SEED_SIZE);
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

/* ch = B2b256("wat.cap.chain.v1", th|sig) */
static void link_hash(const uint8_t th[static TOKEN_HASH_SIZE],
		      const uint8_t sig[static 64],
		      uint8_t ret_ch[static TOKEN_HASH_SIZE])
{
	crypto_generichash_blake2b_state state;

	hash_init(&state, "wat.cap.chain.v1");
	crypto_generichash_blake2b_update(&state, th, TOKEN_HASH_SIZE);
	crypto_generichash_blake2b_update(&state, sig, 64);
	crypto_generichash_blake2b_final(&state, ret_ch, TOKEN_HASH_SIZE);
}

/* th of attenuation i, from ch of what stands before it. */
static void attenuation_hash(const struct token *token,
			     size_t i,
			     const uint8_t ch[static TOKEN_HASH_SIZE],
			     uint8_t ret_th[static TOKEN_HASH_SIZE])
{
	crypto_generichash_blake2b_state state;
	uint8_t body[ATT_SIG];

	encode_attenuation(token, i, body);
	hash_init(&state, "wat.cap.att.v1");
	crypto_generichash_blake2b_update(&state, ch, TOKEN_HASH_SIZE);
	crypto_generichash_blake2b_update(&state, body, sizeof body);
	crypto_generichash_blake2b_final(&state, ret_th, TOKEN_HASH_SIZE);
}

void token_chain_hash(const struct token *token, uint8_t ret_chain[static TOKEN_HASH_SIZE])
{
	uint8_t th[TOKEN_HASH_SIZE];

	token_hash(token, th);
	link_hash(th, token->sig, ret_chain);
	for (size_t i = 0; i < token->n_attenuations; i++) {
		attenuation_hash(token, i, ret_chain, th);
		link_hash(th, token->attenuations[i].sig, ret_chain);
	}
}

static void block_message(const uint8_t th[static TOKEN_HASH_SIZE], uint8_t message[static 48])
{
	memcpy(message, "wat-cap-block-v1", 16);
	memcpy(message + 16, th, TOKEN_HASH_SIZE);
}

void token_sign(struct token *token, const uint8_t issuer_sk[static 64])
{
	uint8_t th[TOKEN_HASH_SIZE], message[48];

	token_hash(token, th);
	block_message(th, message);
	crypto_sign_detached(token->sig, NULL, message, sizeof message, issuer_sk);
}

bool token_verify_signature(const struct token *token, const uint8_t issuer_pk[static 32])
{
	uint8_t th[TOKEN_HASH_SIZE], message[48];

	token_hash(token, th);
	block_message(th, message);
	return crypto_sign_verify_detached(token->sig, message, sizeof message, issuer_pk) == 0;
}

static bool is_wider(const struct token_terms *terms, const struct token_terms *before)
{
	return (terms->method_mask & ~before->method_mask) ||
	       terms->not_before < before->not_before || terms->not_after > before->not_after;
}

enum token_error token_attenuate(struct token *token,
				 const struct token_terms *terms,
				 const uint8_t holder_sk[static 64])
{
	struct token_terms before = token_terms(token);
	uint8_t ch[TOKEN_HASH_SIZE], th[TOKEN_HASH_SIZE], message[48];
	size_t i = token->n_attenuations;

	if (i == TOKEN_ATTENUATIONS_MAX)
		return TOKEN_E_BLOCKS;
	if (is_wider(terms, &before))
		return TOKEN_E_WIDER;
	token_chain_hash(token, ch);
	token->attenuations[i].terms = *terms;
	attenuation_hash(token, i, ch, th);
	block_message(th, message);
	crypto_sign_detached(token->attenuations[i].sig, NULL, message, sizeof message, holder_sk);
	token->n_attenuations++;
	token->has_seed = false;
	sodium_memzero(token->seed, sizeof token->seed);
	return TOKEN_OK;
}

/* *ch goes on by a block. */
static enum token_error verify_attenuation(const struct token *token,
					   size_t i,
					   const struct token_terms *before,
					   uint8_t ch[static TOKEN_HASH_SIZE])
{
	const struct token_attenuation *attenuation = &token->attenuations[i];
	uint8_t th[TOKEN_HASH_SIZE], message[48];

	if (is_wider(&attenuation->terms, before))
		return TOKEN_E_WIDER;
	attenuation_hash(token, i, ch, th);
	block_message(th, message);
	if (crypto_sign_verify_detached(attenuation->sig, message, sizeof message,
					before->holder_pk) != 0)
		return TOKEN_E_SIGNATURE;
	link_hash(th, attenuation->sig, ch);
	return TOKEN_OK;
}

enum token_error token_verify_chain(const struct token *token)
{
	struct token root = *token;
	struct token_terms before;
	enum token_error error = TOKEN_OK;
	uint8_t ch[TOKEN_HASH_SIZE];

	root.n_attenuations = 0;
	before = token_terms(&root);
	token_chain_hash(&root, ch);
	for (size_t i = 0; error == TOKEN_OK && i < token->n_attenuations; i++) {
		error = verify_attenuation(token, i, &before, ch);
		before = token->attenuations[i].terms;
	}
	sodium_memzero(&root, sizeof root);
	return error;
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
	struct token_terms last = token_terms(token);
	uint8_t message[48];

	bind_message(token, bind, message);
	return crypto_sign_verify_detached(proof, message, sizeof message, last.holder_pk) == 0;
}
