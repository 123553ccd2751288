/* test_token.c - tokens: layout, text, signatures, proofs; no bit of one can be changed. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sodium.h>

#include "proto/token.h"
#include "tests/lib/cases.h"

struct keys {
	uint8_t issuer_pk[32], issuer_sk[64], holder_pk[32], holder_sk[64], holder_seed[32];
};

static void make_keys(struct keys *keys)
{
	uint8_t seed[32];

	memset(seed, 1, sizeof seed);
	crypto_sign_seed_keypair(keys->issuer_pk, keys->issuer_sk, seed);
	memset(keys->holder_seed, 2, sizeof keys->holder_seed);
	crypto_sign_seed_keypair(keys->holder_pk, keys->holder_sk, keys->holder_seed);
}

static struct token make_token(const struct keys *keys, uint8_t fill)
{
	struct token token = {
		.role = TOKEN_USER,
		.epoch = 1,
		.method_mask = 7,
		.interface_hash = 0x1122334455667788,
		.not_before = 1000,
		.not_after = 2000,
		.has_seed = true,
	};

	memset(token.node_id, fill, 16);
	memset(token.instance_id, fill + 1, 16);
	memset(token.grant_id, fill + 2, 16);
	memcpy(token.holder_pk, keys->holder_pk, 32);
	memcpy(token.seed, keys->holder_seed, 32);
	token_kid(keys->issuer_pk, token.kid);
	token_sign(&token, keys->issuer_sk);
	return token;
}

/* Bytes and text give back what went in; the bytes never hold the seed. */
static void test_round_trip(void **state)
{
	struct keys keys;
	struct token token, again;
	uint8_t bytes[TOKEN_SIZE];
	char text[TOKEN_TEXT_MAX];

	(void)state;
	make_keys(&keys);
	token = make_token(&keys, 10);
	token_encode(&token, bytes);
	assert_int_equal(token_decode(bytes, sizeof bytes, &again), TOKEN_OK);
	assert_false(again.has_seed);
	assert_memory_equal(again.sig, token.sig, 64);
	token_to_text(&token, text);
	assert_memory_equal(text, "wats1_", 6);
	assert_int_equal(token_from_text(text, &again), TOKEN_OK);
	assert_true(again.has_seed);
	assert_memory_equal(again.seed, keys.holder_seed, 32);
	assert_int_equal(again.method_mask, 7);
	assert_int_equal(again.not_after, 2000);
	token.has_seed = false;
	token_to_text(&token, text);
	assert_memory_equal(text, "watc1_", 6);
}

/* Any single flipped bit, in each of 1,000 tokens one per bit position, is refused by form or by
 * signature (row 17). */
static void test_every_bit(void **state)
{
	struct keys keys;

	(void)state;
	make_keys(&keys);
	for (size_t bit = 0; bit < TOKEN_SIZE * 8; bit++) {
		struct token token = make_token(&keys, (uint8_t)bit), again;
		uint8_t bytes[TOKEN_SIZE], kid[8];

		token_encode(&token, bytes);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		token_kid(keys.issuer_pk, kid);
		if (token_decode(bytes, sizeof bytes, &again) == TOKEN_OK &&
		    memcmp(kid, again.kid, 8) == 0)
			assert_false(token_verify_signature(&again, keys.issuer_pk));
	}
}

/* A proof is good for its challenge, slot, node and channel only, and only by the holder. */
static void test_proof(void **state)
{
	uint8_t binding[32], challenge[32] = {3}, node[16] = {4}, proof[TOKEN_PROOF_SIZE];
	struct token_bind bind = {
		.chan_bind = binding, .challenge = challenge, .node_id = node, .slot = 5};
	struct keys keys;
	struct token token;

	(void)state;
	make_keys(&keys);
	token = make_token(&keys, 10);
	token_unix_binding(binding);
	token_prove(&token, &bind, keys.holder_sk, proof);
	assert_true(token_verify_proof(&token, &bind, proof));
	bind.slot = 6;
	assert_false(token_verify_proof(&token, &bind, proof));
	bind.slot = 5;
	challenge[0] ^= 1;
	assert_false(token_verify_proof(&token, &bind, proof));
	challenge[0] ^= 1;
	node[0] ^= 1;
	assert_false(token_verify_proof(&token, &bind, proof));
	node[0] ^= 1;
	binding[0] ^= 1;
	assert_false(token_verify_proof(&token, &bind, proof));
	binding[0] ^= 1;
	token_prove(&token, &bind, keys.issuer_sk, proof);
	assert_false(token_verify_proof(&token, &bind, proof));
}

/* What a proof is bound to is another thing on each kind of connection. */
static void test_bindings(void **state)
{
	uint8_t hash[64] = {1}, unix_socket[32], plain[32], noise[32], other[32];

	(void)state;
	token_unix_binding(unix_socket);
	token_plain_binding(plain);
	token_noise_binding(hash, noise);
	hash[63] ^= 1;
	token_noise_binding(hash, other);
	assert_memory_not_equal(unix_socket, plain, 32);
	assert_memory_not_equal(plain, noise, 32);
	assert_memory_not_equal(noise, other, 32);
}

/* Lengths and texts that are not exactly right are refused before any cryptography. */
static void test_form(void **state)
{
	struct keys keys;
	struct token token, again;
	uint8_t bytes[TOKEN_SIZE + 1] = {0};
	char text[TOKEN_TEXT_MAX], longer[TOKEN_TEXT_MAX + 9];

	(void)state;
	make_keys(&keys);
	token = make_token(&keys, 10);
	token_encode(&token, bytes);
	for (size_t n = 0; n < TOKEN_SIZE; n++)
		assert_int_not_equal(token_decode(bytes, n, &again), TOKEN_OK);
	assert_int_equal(token_decode(bytes, TOKEN_SIZE + 1, &again), TOKEN_E_LENGTH);
	token_to_text(&token, text);
	text[20] = text[20] == 'A' ? 'B' : 'A';
	assert_int_equal(token_from_text(text, &again), TOKEN_E_FORMAT);
	assert_int_equal(token_from_text("", &again), TOKEN_E_FORMAT);
	assert_int_equal(token_from_text("wats1_", &again), TOKEN_E_LENGTH);
	assert_int_equal(token_from_text("wats2_AAAA", &again), TOKEN_E_FORMAT);
	/* The prefix says whether the secret is in it, and longer than any token is none. */
	token_to_text(&token, text);
	text[3] = 'c';
	assert_int_equal(token_from_text(text, &again), TOKEN_E_FORMAT);
	memset(text, 'A', sizeof text);
	memcpy(text, "wats1_", 6);
	text[sizeof text - 1] = '\0';
	assert_int_equal(token_from_text(text, &again), TOKEN_E_FORMAT);
	memset(longer, 'A', sizeof longer);
	memcpy(longer, "wats1_", 6);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(token_from_text(longer, &again), TOKEN_E_FORMAT);
}

/* A token has one text: each of its characters, replaced by any other byte, makes it none. */
static void test_every_character(void **state)
{
	struct keys keys;
	char text[TOKEN_TEXT_MAX];
	struct token token, again;

	(void)state;
	make_keys(&keys);
	token = make_token(&keys, 1);
	token_to_text(&token, text);
	for (size_t i = 0; text[i]; i++) {
		char good = text[i];

		for (int byte = 1; byte < 256; byte++) {
			/* White space around it is none of it. */
			if (byte == (uint8_t)good ||
			    (text[i + 1] == '\0' && strchr(" \t\r\n", byte)))
				continue;
			text[i] = (char)byte;
			if (token_from_text(text, &again) == TOKEN_OK)
				fail_msg("taken with byte %d at %zu", byte, i);
		}
		text[i] = good;
	}
	assert_int_equal(token_from_text(text, &again), TOKEN_OK);
}

/* A token with all blocks that it may have. */
static struct token make_chain(const struct keys *keys)
{
	struct token token = make_token(keys, 10);

	for (unsigned i = 0; i < TOKEN_ATTENUATIONS_MAX; i++) {
		struct token_terms terms = token_terms(&token);

		terms.not_after--;
		assert_int_equal(token_attenuate(&token, &terms, keys->holder_sk), TOKEN_OK);
	}
	return token;
}

/* A chain has one encoding, one text, no ninth block, and keeps no seed of a holder before. */
static void test_chain(void **state)
{
	uint8_t bytes[TOKEN_SIZE_MAX] = {0}, twice[TOKEN_SIZE_MAX] = {0};
	struct keys keys;
	struct token token, again;
	struct token_terms terms;
	char text[TOKEN_TEXT_MAX], retold[TOKEN_TEXT_MAX];

	(void)state;
	make_keys(&keys);
	token = make_chain(&keys);
	assert_false(token.has_seed);
	terms = token_terms(&token);
	assert_int_equal(terms.not_after, 2000 - TOKEN_ATTENUATIONS_MAX);
	assert_int_equal(token_attenuate(&token, &terms, keys.holder_sk), TOKEN_E_BLOCKS);
	assert_int_equal(token_length(&token), TOKEN_CHAIN_MAX);
	token_encode(&token, bytes);
	assert_int_equal(token_decode(bytes, TOKEN_CHAIN_MAX, &again), TOKEN_OK);
	token_encode(&again, twice);
	assert_memory_equal(bytes, twice, TOKEN_CHAIN_MAX);
	assert_int_equal(token_verify_chain(&again), TOKEN_OK);
	token.has_seed = true;
	memcpy(token.seed, keys.holder_seed, 32);
	token_to_text(&token, text);
	assert_int_equal(token_from_text(text, &again), TOKEN_OK);
	assert_memory_equal(again.seed, keys.holder_seed, 32);
	token_to_text(&again, retold);
	assert_string_equal(text, retold);
	bytes[6] = TOKEN_BLOCKS_MAX + 1;
	assert_int_equal(token_decode(bytes, sizeof bytes, &again), TOKEN_E_FORMAT);
}

/* In each attenuation, kind, index and reserved bytes have one value. */
static void test_chain_form(void **state)
{
	uint8_t bytes[TOKEN_SIZE_MAX];
	struct keys keys;
	struct token token, again;

	(void)state;
	make_keys(&keys);
	token = make_chain(&keys);
	token_encode(&token, bytes);
	for (size_t i = 0; i < TOKEN_ATTENUATIONS_MAX; i++)
		for (size_t at = 0; at < 8; at++) {
			uint8_t *byte = &bytes[TOKEN_SIZE + i * TOKEN_ATTENUATION_SIZE + at];

			*byte ^= 2;
			assert_int_equal(token_decode(bytes, TOKEN_CHAIN_MAX, &again),
					 TOKEN_E_FORMAT);
			*byte ^= 2;
		}
	for (size_t at = 0; at < 4; at++) {
		bytes[TOKEN_HEADER_SIZE + at] ^= 4;
		assert_int_equal(token_decode(bytes, TOKEN_CHAIN_MAX, &again), TOKEN_E_FORMAT);
		bytes[TOKEN_HEADER_SIZE + at] ^= 4;
	}
	assert_int_equal(token_decode(bytes, TOKEN_CHAIN_MAX - TOKEN_ATTENUATION_SIZE, &again),
			 TOKEN_E_LENGTH);
	assert_int_equal(token_decode(bytes, TOKEN_CHAIN_MAX, &again), TOKEN_OK);
}

static int set_up(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_proof),           cmocka_unit_test(test_form),
		cmocka_unit_test(test_every_character), cmocka_unit_test(test_chain),
		cmocka_unit_test(test_chain_form),      cmocka_unit_test(test_bindings),
	};

	return test_run_cases(tests, set_up, NULL);
}
