/* test_verify_chain.c - tokens that their holders made narrower: what is taken, and what each of
 * the ways to get more out of them is refused with. rows 17, 19, 26 */
#include "tests/unit/verify_world.h"

/* One more block, of the present holder, for a new key. */
static void narrow(struct world *w, uint64_t mask, uint64_t not_before, uint64_t not_after)
{
	struct token_terms terms = {
		.method_mask = mask, .not_before = not_before, .not_after = not_after};
	uint8_t next[64];

	crypto_sign_keypair(terms.holder_pk, next);
	assert_int_equal(token_attenuate(&w->token, &terms, w->sk), TOKEN_OK);
	memcpy(w->sk, next, sizeof next);
}

/* A chain of as many blocks as there may be is taken, each is good for what its last block says,
 * and only the last holder can present it (row 26). */
static void test_chain(void **state)
{
	struct world *w = *state;
	uint8_t before[64];

	for (unsigned i = 1; i < TOKEN_BLOCKS_MAX; i++) {
		memcpy(before, w->sk, sizeof before);
		narrow(w, i < 4 ? 3 : 1, 1000 + i, 2000 - i);
		assert_int_equal(verify(w), WAT_OK);
		assert_int_equal(w->terms.method_mask, i < 4 ? 3 : 1);
		assert_int_equal(w->terms.not_after, 2000 - i);
	}
	memcpy(w->sk, before, sizeof before);
	refused(w, "the proof");
}

/* The terms of the last block are those that hold, to the second. */
static void test_chain_times(void **state)
{
	struct world *w = *state;

	narrow(w, 3, 1200, 1800);
	w->now = 1199;
	refused(w, "not valid yet");
	w->now = 1200;
	assert_int_equal(verify(w), WAT_OK);
	w->now = 1799;
	assert_int_equal(verify(w), WAT_OK);
	w->now = 1800;
	refused(w, "has expired");
	w->now = 1500;
	narrow(w, 3, 1300, 1700);
	w->now = 1700;
	refused(w, "has expired");
}

/* Signed as it should be, by the right holder, and still: what is wider is refused by name, in any
 * place of the chain, never cut down to what would be allowed (row 26). */
static void test_wider(void **state)
{
	static const struct token_terms wider[] = {
		{.method_mask = 3, .not_before = 1200, .not_after = 1800},
		{.method_mask = 1, .not_before = 1199, .not_after = 1800},
		{.method_mask = 1, .not_before = 1200, .not_after = 1801},
		{.method_mask = 8, .not_before = 1200, .not_after = 1800},
	};
	struct world *w = *state;
	struct token narrowed;
	uint8_t sk[64], last[64];

	narrow(w, 1, 1200, 1800);
	narrowed = w->token;
	memcpy(sk, w->sk, sizeof sk);
	for (size_t i = 0; i < sizeof wider / sizeof *wider; i++) {
		struct token_terms terms = wider[i], real = token_terms(&narrowed);

		w->token = narrowed;
		crypto_sign_keypair(terms.holder_pk, last);
		assert_int_equal(token_attenuate(&w->token, &terms, sk), TOKEN_E_WIDER);
		assert_int_equal(w->token.n_attenuations, 1);
		/* A client that does not keep to it. */
		w->token.attenuations[0].terms = terms;
		memcpy(w->token.attenuations[0].terms.holder_pk, real.holder_pk, 32);
		assert_int_equal(token_attenuate(&w->token, &terms, sk), TOKEN_OK);
		w->token.attenuations[0] = narrowed.attenuations[0];
		memcpy(w->sk, last, sizeof last);
		refused(w, "allows more");
	}
	/* What the root does not say can't be added by its own holder either. */
	w->token = narrowed;
	memcpy(w->sk, sk, sizeof sk);
	assert_int_equal(verify(w), WAT_OK);
}

/* A block that is left out, put elsewhere, doubled, of another chain or of another signer. */
static void test_spliced(void **state)
{
	struct world *w = *state;
	struct token whole, other;
	uint8_t root_sk[64], sk[64];
	struct token_attenuation block;

	memcpy(root_sk, w->sk, sizeof root_sk);
	whole = w->token;
	narrow(w, 3, 1000, 1900);
	other = w->token;
	w->token = whole;
	memcpy(w->sk, root_sk, sizeof root_sk);
	narrow(w, 3, 1000, 1900);
	narrow(w, 1, 1000, 1900);
	narrow(w, 1, 1000, 1900);
	whole = w->token;
	memcpy(sk, w->sk, sizeof sk);
	/* The first is of another chain of the same root. */
	w->token.attenuations[0] = other.attenuations[0];
	refused(w, "not signed by the holder");
	/* The middle one is left out. */
	w->token = whole;
	w->token.attenuations[1] = whole.attenuations[2];
	w->token.n_attenuations = 2;
	refused(w, "not signed by the holder");
	/* Two change their places. */
	w->token = whole;
	block = whole.attenuations[1];
	w->token.attenuations[1] = whole.attenuations[2];
	w->token.attenuations[2] = block;
	refused(w, "not signed by the holder");
	/* One is there twice. */
	w->token = whole;
	w->token.attenuations[3] = whole.attenuations[2];
	w->token.n_attenuations = 4;
	refused(w, "not signed by the holder");
	/* The last one is cut off: its holder is not that of what is left. */
	w->token = whole;
	w->token.n_attenuations = 2;
	refused(w, "the proof");
	/* All are left out. */
	w->token.n_attenuations = 0;
	refused(w, "the proof");
	w->token = whole;
	assert_int_equal(verify(w), WAT_OK);
}

/* The issuer can't narrow a token in its holder's place, and the holder can't sign a root. */
static void test_signed_by_another(void **state)
{
	struct world *w = *state;
	uint8_t pk[32], sk[64];

	crypto_sign_keypair(pk, sk);
	memcpy(w->sk, sk, sizeof sk);
	narrow(w, 1, 1000, 2000);
	refused(w, "not signed by the holder");
}

static unsigned spoilt;

static void flip(uint8_t *bytes, uint8_t *proof)
{
	(void)proof;
	bytes[spoilt / 8] ^= (uint8_t)(1u << spoilt % 8);
}

/* No bit of a chain of three can be changed (rows 17 and 19). */
static void test_every_bit_of_a_chain(void **state)
{
	struct world *w = *state;

	narrow(w, 3, 1000, 1900);
	narrow(w, 1, 1100, 1800);
	w->spoil = flip;
	for (spoilt = 0; spoilt < 8 * token_length(&w->token); spoilt++)
		assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->spoil = NULL;
	assert_int_equal(verify(w), WAT_OK);
}

/* The grant's row limits what comes of it: taken back, it takes all that was made from it. */
static void test_grant_of_chain(void **state)
{
	struct world *w = *state;

	narrow(w, 1, 1000, 2000);
	w->grant->row.state = 3;
	refused(w, "taken back");
	w->grant->row.state = 2;
	w->grant->row.method_mask = 1;
	refused(w, "not the one that was granted");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_chain),
		CASE(test_chain_times),
		CASE(test_wider),
		CASE(test_spliced),
		CASE(test_signed_by_another),
		CASE(test_every_bit_of_a_chain),
		CASE(test_grant_of_chain),
	};

	return test_run_cases(tests, NULL, NULL);
}
