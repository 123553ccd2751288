/* noise.c - the handshake and the ciphers. Pure but for libsodium. Names of the functions are those
 * of the specification, sections 4 to 7. */
#include "proto/noise.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "proto/support/bytes.h"

#define PROTOCOL_NAME "Noise_NK_25519_ChaChaPoly_BLAKE2b"
#define HASH_BLOCK 128u /* BLOCKLEN of BLAKE2b */

_Static_assert(sizeof PROTOCOL_NAME - 1 <= NOISE_HASH_SIZE, "else it would have to be hashed");

void noise_public_key(const uint8_t sk[static NOISE_KEY_SIZE],
		      uint8_t ret_pk[static NOISE_KEY_SIZE])
{
	(void)crypto_scalarmult_curve25519_base(ret_pk, sk);
}

/* HASH(a | b). */
static void hash2(const void *a, size_t n_a, const void *b, size_t n_b, uint8_t *ret)
{
	crypto_generichash_blake2b_state state;

	(void)crypto_generichash_blake2b_init(&state, NULL, 0, NOISE_HASH_SIZE);
	(void)crypto_generichash_blake2b_update(&state, a, n_a);
	(void)crypto_generichash_blake2b_update(&state, b, n_b);
	(void)crypto_generichash_blake2b_final(&state, ret, NOISE_HASH_SIZE);
	sodium_memzero(&state, sizeof state);
}

/* HMAC as RFC 2104 has it, with a key of HASHLEN. BLAKE2b's own keyed mode is something else. */
static void hmac(const uint8_t key[static NOISE_HASH_SIZE],
		 const void *data,
		 size_t n,
		 uint8_t ret[static NOISE_HASH_SIZE])
{
	uint8_t inner[HASH_BLOCK], outer[HASH_BLOCK], digest[NOISE_HASH_SIZE];

	memset(inner, 0x36, sizeof inner);
	memset(outer, 0x5c, sizeof outer);
	for (size_t i = 0; i < NOISE_HASH_SIZE; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	hash2(inner, sizeof inner, data, n, digest);
	hash2(outer, sizeof outer, digest, sizeof digest, ret);
	sodium_memzero(inner, sizeof inner);
	sodium_memzero(outer, sizeof outer);
	sodium_memzero(digest, sizeof digest);
}

/* HKDF with two outputs. Each may be the chaining key. */
static void hkdf2(const uint8_t ck[static NOISE_HASH_SIZE],
		  const void *material,
		  size_t n,
		  uint8_t ret1[static NOISE_HASH_SIZE],
		  uint8_t ret2[static NOISE_HASH_SIZE])
{
	uint8_t temp[NOISE_HASH_SIZE], next[NOISE_HASH_SIZE + 1];
	static const uint8_t first = 1;

	hmac(ck, material, n, temp);
	hmac(temp, &first, 1, next);
	next[NOISE_HASH_SIZE] = 2;
	memcpy(ret1, next, NOISE_HASH_SIZE);
	hmac(temp, next, sizeof next, ret2);
	sodium_memzero(temp, sizeof temp);
	sodium_memzero(next, sizeof next);
}

static void initialize_key(struct noise_cipher *cipher, const uint8_t key[static NOISE_HASH_SIZE])
{
	memcpy(cipher->key, key, NOISE_KEY_SIZE);
	cipher->nonce = 0;
}

static void mix_hash(struct noise_handshake *handshake, const void *data, size_t n)
{
	hash2(handshake->h, NOISE_HASH_SIZE, data, n, handshake->h);
}

static void mix_key(struct noise_handshake *handshake, const uint8_t shared[static NOISE_KEY_SIZE])
{
	uint8_t key[NOISE_HASH_SIZE];

	hkdf2(handshake->ck, shared, NOISE_KEY_SIZE, handshake->ck, key);
	initialize_key(&handshake->cipher, key);
	sodium_memzero(key, sizeof key);
}

/* DH and MixKey. libsodium refuses the results that everyone can compute. */
static enum noise_error mix_dh(struct noise_handshake *handshake,
			       const uint8_t sk[static NOISE_KEY_SIZE],
			       const uint8_t pk[static NOISE_KEY_SIZE])
{
	uint8_t shared[NOISE_KEY_SIZE];
	enum noise_error error = NOISE_E_KEY;

	if (crypto_scalarmult_curve25519(shared, sk, pk) == 0 &&
	    !sodium_is_zero(shared, sizeof shared)) {
		mix_key(handshake, shared);
		error = NOISE_OK;
	}
	sodium_memzero(shared, sizeof shared);
	return error;
}

static void make_nonce(uint64_t n, uint8_t ret[static crypto_aead_chacha20poly1305_ietf_NPUBBYTES])
{
	memset(ret, 0, 4);
	bytes_put64(ret + 4, n);
}

static void encrypt(const struct noise_cipher *cipher,
		    uint64_t nonce,
		    const uint8_t *ad,
		    size_t n_ad,
		    const void *plain,
		    size_t n,
		    uint8_t *ret)
{
	uint8_t bytes[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	make_nonce(nonce, bytes);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(ret, NULL, plain, n, ad, n_ad, NULL, bytes,
							cipher->key);
}

static enum noise_error encrypt_with_ad(struct noise_cipher *cipher,
					const uint8_t *ad,
					size_t n_ad,
					const void *plain,
					size_t n,
					uint8_t *ret)
{
	if (cipher->nonce == UINT64_MAX)
		return NOISE_E_EXHAUSTED;
	encrypt(cipher, cipher->nonce, ad, n_ad, plain, n, ret);
	cipher->nonce++;
	return NOISE_OK;
}

static enum noise_error decrypt_with_ad(struct noise_cipher *cipher,
					const uint8_t *ad,
					size_t n_ad,
					const void *sealed,
					size_t n,
					uint8_t *ret)
{
	uint8_t bytes[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	if (cipher->nonce == UINT64_MAX)
		return NOISE_E_EXHAUSTED;
	make_nonce(cipher->nonce, bytes);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(ret, NULL, NULL, sealed, n, ad, n_ad, bytes,
						      cipher->key) != 0)
		return NOISE_E_TAG;
	cipher->nonce++;
	return NOISE_OK;
}

static void handshake_init(struct noise_handshake *handshake,
			   const void *prologue,
			   size_t n_prologue,
			   const uint8_t ephemeral_sk[static NOISE_KEY_SIZE])
{
	memcpy(handshake->h, PROTOCOL_NAME, sizeof PROTOCOL_NAME - 1);
	memcpy(handshake->ck, handshake->h, NOISE_HASH_SIZE);
	memcpy(handshake->e_sk, ephemeral_sk, NOISE_KEY_SIZE);
	noise_public_key(handshake->e_sk, handshake->e_pk);
	mix_hash(handshake, prologue, n_prologue);
	/* NK's pre-message: <- s */
	mix_hash(handshake, handshake->s_pk, NOISE_KEY_SIZE);
}

void noise_initiator_init(struct noise_handshake *handshake,
			  const void *prologue,
			  size_t n_prologue,
			  const uint8_t server_pk[static NOISE_KEY_SIZE],
			  const uint8_t ephemeral_sk[static NOISE_KEY_SIZE])
{
	*handshake = (struct noise_handshake){.initiator = true};
	memcpy(handshake->s_pk, server_pk, NOISE_KEY_SIZE);
	handshake_init(handshake, prologue, n_prologue, ephemeral_sk);
}

void noise_responder_init(struct noise_handshake *handshake,
			  const void *prologue,
			  size_t n_prologue,
			  const uint8_t server_sk[static NOISE_KEY_SIZE],
			  const uint8_t ephemeral_sk[static NOISE_KEY_SIZE])
{
	*handshake = (struct noise_handshake){.initiator = false};
	memcpy(handshake->s_sk, server_sk, NOISE_KEY_SIZE);
	noise_public_key(server_sk, handshake->s_pk);
	handshake_init(handshake, prologue, n_prologue, ephemeral_sk);
}

void noise_handshake_wipe(struct noise_handshake *handshake)
{
	sodium_memzero(handshake, sizeof *handshake);
	handshake->failed = true;
}

/* The first message is the initiator's, the second the responder's. */
static bool is_turn_of(const struct noise_handshake *handshake, bool initiator)
{
	return !handshake->failed && handshake->n_messages < 2 &&
	       initiator == (handshake->n_messages == 0);
}

/* The second half of both messages: "es" in the first, "ee" in the second. */
static enum noise_error mix_token(struct noise_handshake *handshake)
{
	if (handshake->n_messages == 1)
		return mix_dh(handshake, handshake->e_sk, handshake->re_pk);
	if (handshake->initiator)
		return mix_dh(handshake, handshake->e_sk, handshake->s_pk);
	return mix_dh(handshake, handshake->s_sk, handshake->re_pk);
}

/* Counts a message, or ends the handshake. */
static enum noise_error settle(struct noise_handshake *handshake, enum noise_error error)
{
	if (error != NOISE_OK)
		noise_handshake_wipe(handshake);
	else
		handshake->n_messages++;
	handshake->done = error == NOISE_OK && handshake->n_messages == 2;
	return error;
}

static enum noise_error write_message(struct noise_handshake *handshake,
				      const void *payload,
				      size_t n,
				      uint8_t *ret)
{
	enum noise_error error;

	if (n > NOISE_MESSAGE_MAX - NOISE_HANDSHAKE_OVERHEAD)
		return NOISE_E_LENGTH;
	memcpy(ret, handshake->e_pk, NOISE_KEY_SIZE);
	mix_hash(handshake, handshake->e_pk, NOISE_KEY_SIZE);
	error = mix_token(handshake);
	if (error != NOISE_OK)
		return error;
	ret += NOISE_KEY_SIZE;
	error = encrypt_with_ad(&handshake->cipher, handshake->h, NOISE_HASH_SIZE, payload, n, ret);
	if (error == NOISE_OK)
		mix_hash(handshake, ret, n + NOISE_TAG_SIZE);
	return error;
}

enum noise_error noise_handshake_write(struct noise_handshake *handshake,
				       const void *payload,
				       size_t n,
				       uint8_t *ret_message)
{
	assert(is_turn_of(handshake, handshake->initiator));
	return settle(handshake, write_message(handshake, payload, n, ret_message));
}

static enum noise_error read_message(struct noise_handshake *handshake,
				     const uint8_t *message,
				     size_t n,
				     uint8_t *ret)
{
	enum noise_error error;

	if (n < NOISE_HANDSHAKE_OVERHEAD || n > NOISE_MESSAGE_MAX)
		return NOISE_E_LENGTH;
	memcpy(handshake->re_pk, message, NOISE_KEY_SIZE);
	mix_hash(handshake, handshake->re_pk, NOISE_KEY_SIZE);
	error = mix_token(handshake);
	if (error != NOISE_OK)
		return error;
	message += NOISE_KEY_SIZE;
	n -= NOISE_KEY_SIZE;
	error = decrypt_with_ad(&handshake->cipher, handshake->h, NOISE_HASH_SIZE, message, n, ret);
	if (error == NOISE_OK)
		mix_hash(handshake, message, n);
	return error;
}

enum noise_error noise_handshake_read(struct noise_handshake *handshake,
				      const void *message,
				      size_t n,
				      uint8_t *ret_payload)
{
	assert(is_turn_of(handshake, !handshake->initiator));
	return settle(handshake, read_message(handshake, message, n, ret_payload));
}

void noise_handshake_split(struct noise_handshake *handshake,
			   struct noise_cipher *ret_send,
			   struct noise_cipher *ret_receive,
			   uint8_t ret_hash[static NOISE_HASH_SIZE])
{
	uint8_t of_initiator[NOISE_HASH_SIZE], of_responder[NOISE_HASH_SIZE];

	assert(handshake->done);
	hkdf2(handshake->ck, NULL, 0, of_initiator, of_responder);
	initialize_key(handshake->initiator ? ret_send : ret_receive, of_initiator);
	initialize_key(handshake->initiator ? ret_receive : ret_send, of_responder);
	memcpy(ret_hash, handshake->h, NOISE_HASH_SIZE);
	sodium_memzero(of_initiator, sizeof of_initiator);
	sodium_memzero(of_responder, sizeof of_responder);
	noise_handshake_wipe(handshake);
}

enum noise_error noise_seal(struct noise_cipher *cipher, const void *plain, size_t n, uint8_t *ret)
{
	if (n > NOISE_MESSAGE_MAX - NOISE_TAG_SIZE)
		return NOISE_E_LENGTH;
	return encrypt_with_ad(cipher, NULL, 0, plain, n, ret);
}

enum noise_error noise_open(struct noise_cipher *cipher, const void *sealed, size_t n, uint8_t *ret)
{
	if (n < NOISE_TAG_SIZE || n > NOISE_MESSAGE_MAX)
		return NOISE_E_LENGTH;
	return decrypt_with_ad(cipher, NULL, 0, sealed, n, ret);
}

void noise_rekey(struct noise_cipher *cipher)
{
	static const uint8_t zeros[NOISE_KEY_SIZE];
	uint8_t next[NOISE_KEY_SIZE + NOISE_TAG_SIZE];

	encrypt(cipher, UINT64_MAX, NULL, 0, zeros, sizeof zeros, next);
	memcpy(cipher->key, next, NOISE_KEY_SIZE);
	sodium_memzero(next, sizeof next);
}

void noise_cipher_wipe(struct noise_cipher *cipher)
{
	sodium_memzero(cipher, sizeof *cipher);
	cipher->nonce = UINT64_MAX;
}
