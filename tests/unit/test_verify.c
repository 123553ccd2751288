/* test_verify.c - the steps of verification, each with what it refuses; and the issuing key's file.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>

#include "daemon/caps/key_file.h"
#include "daemon/caps/verify.h"
#include "tests/lib/cases.h"

struct world {
	char dir[32];
	struct keyring *keyring;
	struct grant_table *grants;
	struct grant *grant;
	uint8_t node_id[16], challenge[32], binding[32], sk[64]; /* sk: of the last holder */
	struct token token;
	struct token_terms terms; /* that the last good verification gave */
	enum verify_instance instance;
	uint32_t epoch;
	uint64_t interface_hash, now;
	void (*spoil)(uint8_t *bytes, uint8_t *proof); /* before they are presented; NULL: not */
	const char *why;
	size_t cut_proof; /* so many bytes of it are missing */
	bool add_seed;
};

static enum verify_instance find_instance(void *arg,
					  const uint8_t id[16],
					  uint32_t *ret_epoch,
					  uint64_t *ret_hash)
{
	struct world *w = arg;

	(void)id;
	*ret_epoch = w->epoch;
	*ret_hash = w->interface_hash;
	return w->instance;
}

static void sign(struct world *w)
{
	keyring_sign(w->keyring, &w->token);
	token_hash(&w->token, w->grant->row.th0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct store_grant row = {.role = TOKEN_USER, .state = 2, .method_mask = 3};
	const char *key_dir;

	test_make_dir(w->dir, sizeof w->dir);
	if (sodium_init() < 0 || keyring_open(w->dir, NULL, &key_dir, &w->keyring) < 0)
		return -1;
	w->grants = grant_table_new(NULL);
	w->instance = VERIFY_INSTANCE_FOUND;
	w->epoch = 1;
	w->interface_hash = 77;
	w->now = 1500;
	w->token = (struct token){.role = TOKEN_USER,
				  .epoch = 1,
				  .method_mask = 3,
				  .interface_hash = 77,
				  .not_before = 1000,
				  .not_after = 2000};
	randombytes_buf(w->token.grant_id, 16);
	memcpy(row.id, w->token.grant_id, 16);
	crypto_sign_keypair(w->token.holder_pk, w->sk);
	token_unix_binding(w->binding);
	*state = w;
	if (grant_table_add(w->grants, &row, &w->grant) < 0)
		return -1;
	sign(w);
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char path[64];

	snprintf(path, sizeof path, "%s/node.key", w->dir);
	unlink(path);
	rmdir(w->dir);
	grant_table_free(w->grants);
	keyring_free(w->keyring);
	free(w);
	return 0;
}

static wat_status verify_as(struct world *w, int role)
{
	uint8_t bytes[TOKEN_SIZE_MAX] = {0}, proof[TOKEN_PROOF_SIZE];
	struct token_bind bind = {.chan_bind = w->binding,
				  .challenge = w->challenge,
				  .node_id = w->node_id,
				  .slot = 9};
	struct verify verify = {.keyring = w->keyring,
				.grants = w->grants,
				.node_id = w->node_id,
				.now = w->now,
				.find_instance = find_instance,
				.arg = w};
	struct verify_request request = {.token = bytes,
					 .token_len = token_length(&w->token),
					 .proof = proof,
					 .proof_len = sizeof proof,
					 .role = role,
					 .chan_bind = w->binding,
					 .challenge = w->challenge,
					 .slot = 9};
	struct grant *grant = NULL;
	struct token token;
	const char *why = NULL;
	wat_status status;

	token_encode(&w->token, bytes);
	token_prove(&w->token, &bind, w->sk, proof);
	if (w->spoil)
		w->spoil(bytes, proof);
	request.proof_len -= w->cut_proof;
	if (w->add_seed) {
		bytes[5] |= 1;
		request.token_len += TOKEN_SEED_SIZE;
	}
	status = verify_bind(&verify, &request, &token, &w->terms, &grant, &why);
	/* Whoever is refused is told a sentence; whoever is not gets the grant. */
	if (status == WAT_OK)
		assert_ptr_equal(grant, w->grant);
	else
		assert_true(why && strlen(why) > 10);
	w->why = why;
	return status;
}

static wat_status verify(struct world *w)
{
	return verify_as(w, TOKEN_USER);
}

/* The genuine token passes; as another role it does not (row 16). */
static void test_genuine(void **state)
{
	assert_int_equal(verify(*state), WAT_OK);
	assert_int_equal(verify_as(*state, TOKEN_ADMIN), WAT_ACCESS_DENIED);
	assert_int_equal(verify_as(*state, TOKEN_NODE), WAT_ACCESS_DENIED);
}

/* Forged: one's own issuer, another node, a field changed after the signature (row 19). */
static void test_forged(void **state)
{
	struct world *w = *state;
	uint8_t pk[32], sk[64];

	crypto_sign_keypair(pk, sk);
	token_sign(&w->token, sk);
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	token_kid(pk, w->token.kid);
	token_sign(&w->token, sk);
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->token.node_id[0] ^= 1;
	sign(w);
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->token.node_id[0] ^= 1;
	sign(w);
	assert_int_equal(verify(w), WAT_OK);
	w->token.instance_id[0] ^= 1;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
}

/* Instances: gone, earlier, of another interface, of another epoch. */
static void test_instance(void **state)
{
	struct world *w = *state;

	w->instance = VERIFY_INSTANCE_UNKNOWN;
	assert_int_equal(verify(w), WAT_NOT_FOUND);
	w->instance = VERIFY_INSTANCE_EARLIER;
	assert_int_equal(verify(w), WAT_STALE);
	w->instance = VERIFY_INSTANCE_FOUND;
	w->interface_hash = 78;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->interface_hash = 77;
	w->epoch = 2;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
}

/* Too early and too late are refused, to the second. */
static void test_times(void **state)
{
	struct world *w = *state;

	w->now = 999;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->now = 1000;
	assert_int_equal(verify(w), WAT_OK);
	w->now = 1999;
	assert_int_equal(verify(w), WAT_OK);
	w->now = 2000;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
}

/* A validly signed token without its row is worth nothing; nor is one that says more than its row.
 */
static void test_grant(void **state)
{
	struct world *w = *state;

	w->grant->row.state = 3;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->grant->row.state = 2;
	w->grant->row.method_mask = 1;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->grant->row.method_mask = 3;
	w->grant->row.th0[0] ^= 1;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->grant->row.th0[0] ^= 1;
	w->grant->row.instance_id[0] ^= 1;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->grant->row.instance_id[0] ^= 1;
	w->grant->row.role = TOKEN_ADMIN;
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	w->grant->row.role = TOKEN_USER;
	assert_int_equal(verify(w), WAT_OK);
	w->token.grant_id[15] ^= 1;
	sign(w);
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
}

/* A copied token without its key is useless (row 24). */
static void test_copied(void **state)
{
	struct world *w = *state;
	uint8_t pk[32];

	crypto_sign_keypair(pk, w->sk);
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
}

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

static void refused(struct world *w, const char *why)
{
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	if (!strstr(w->why, why))
		fail_msg("%s", w->why);
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

/* A renewed grant takes the token of before for the time that it has, and no third one. */
static void test_renewed(void **state)
{
	struct world *w = *state;
	uint8_t none[32] = {0};
	struct token before = w->token;

	w->token.not_after = 3000;
	memcpy(w->grant->row.th0_before, w->grant->row.th0, 32);
	w->grant->row.has_before = true;
	sign(w);
	assert_int_equal(verify(w), WAT_OK);
	w->now = 2500;
	assert_int_equal(verify(w), WAT_OK);
	w->token = before;
	refused(w, "has expired");
	w->now = 1500;
	assert_int_equal(verify(w), WAT_OK);
	w->grant->row.has_before = false;
	refused(w, "not the one that was granted");
	memcpy(w->grant->row.th0_before, none, 32);
	w->grant->row.has_before = true;
	refused(w, "not the one that was granted");
}

/* Before any cryptography: a proof or a token of another length, and a seed that came along. */
static void test_lengths(void **state)
{
	struct world *w = *state;

	narrow(w, 1, 1000, 2000);
	w->cut_proof = 1;
	refused(w, "no token of this watd");
	w->cut_proof = 0;
	w->add_seed = true;
	refused(w, "must stay with its holder");
	w->add_seed = false;
	assert_int_equal(verify(w), WAT_OK);
}

/* A key of before verifies until its time, and not a second longer; a kid alone opens nothing; and
 * the key that signs is none of before (row 29). */
static void test_keys(void **state)
{
	struct world *w = *state;
	uint8_t before[32], kid[8], none[8] = {0};
	struct keyring_key key;
	struct stat st;
	char path[64];

	memcpy(before, keyring_public(w->keyring), 32);
	memcpy(kid, keyring_kid(w->keyring), 8);
	assert_int_equal(keyring_next(w->keyring), 0);
	assert_memory_not_equal(keyring_next_public(w->keyring), before, 32);
	assert_int_equal(keyring_switch(w->keyring), 0);
	refused(w, "good no more");
	assert_int_equal(keyring_add_old(w->keyring, before, 1600), 0);
	assert_int_equal(verify(w), WAT_OK);
	w->now = 1599;
	assert_int_equal(verify(w), WAT_OK);
	w->now = 1600;
	refused(w, "good no more");
	w->now = 1500;
	memcpy(w->token.kid, keyring_kid(w->keyring), 8);
	refused(w, "good no more");
	sign(w);
	assert_int_equal(verify(w), WAT_OK);
	assert_true(keyring_at(w->keyring, 1, &key));
	assert_memory_equal(key.kid, kid, 8);
	assert_false(keyring_at(w->keyring, 2, &key));
	assert_false(keyring_drop_old(w->keyring, none));
	assert_true(keyring_drop_old(w->keyring, kid));
	assert_null(keyring_find(w->keyring, kid, 0));
	snprintf(path, sizeof path, "%s/node.key", w->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* As many as there is room for; one more is refused, the same one again takes its own place. */
static void test_many_keys(void **state)
{
	struct world *w = *state;
	uint8_t pk[32] = {0};
	struct keyring_key key;

	for (uint8_t i = 0; i < KEYRING_OLD_MAX; i++) {
		pk[0] = i;
		assert_int_equal(keyring_add_old(w->keyring, pk, 1000u + i), 0);
	}
	pk[0] = 0;
	assert_int_equal(keyring_add_old(w->keyring, pk, 5000), 0);
	assert_true(keyring_at(w->keyring, 1, &key));
	assert_int_equal(key.until, 5000);
	pk[0] = 200;
	assert_int_equal(keyring_add_old(w->keyring, pk, 1), -ENOSPC);
}

/* Where the file can't be written the key stays what it is; a credential is not ours to replace. */
static void test_no_new_key(void **state)
{
	struct world *w = *state;
	struct keyring *of_credential;
	char path[64], aside[64];
	const char *dir;

	snprintf(path, sizeof path, "%s/node.key", w->dir);
	snprintf(aside, sizeof aside, "%s/node.key.%d", w->dir, (int)getpid());
	assert_int_equal(keyring_next(w->keyring), 0);
	assert_int_equal(mkdir(aside, 0700), 0);
	assert_int_equal(keyring_switch(w->keyring), -EISDIR);
	assert_int_equal(rmdir(aside), 0);
	assert_int_equal(verify(w), WAT_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(keyring_switch(w->keyring), -EISDIR);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(verify(w), WAT_OK);
	assert_int_equal(keyring_switch(w->keyring), 0);
	assert_int_equal(keyring_open("/nonexistent", w->dir, &dir, &of_credential), 0);
	assert_int_equal(keyring_next(of_credential), -EROFS);
	keyring_free(of_credential);
	assert_int_equal(keyring_open("/nonexistent", NULL, &dir, &of_credential), -ENOENT);
	assert_null(keyring_free(NULL));
}

/* What watd keygen makes: 0600, not over anything. */
static void test_key_file_made(void **state)
{
	struct world *w = *state;
	struct stat st;
	char path[64];

	snprintf(path, sizeof path, "%s/made", w->dir);
	assert_int_equal(key_file_make(path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, KEY_FILE_SIZE);
	assert_int_equal(key_file_make(path), -EEXIST);
	unlink(path);
	assert_int_equal(key_file_make("/nonexistent/x"), -ENOENT);
}

/* The key's file is ours alone: made 0600, and refused when others may read it. */
static void test_key_file(void **state)
{
	struct world *w = *state;
	struct keyring *again;
	const char *key_dir;
	struct stat st;
	char path[64];

	snprintf(path, sizeof path, "%s/node.key", w->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(keyring_open(w->dir, NULL, &key_dir, &again), 0);
	assert_memory_equal(keyring_public(again), keyring_public(w->keyring), 32);
	keyring_free(again);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keyring_open(w->dir, NULL, &key_dir, &again), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(keyring_open(w->dir, NULL, &key_dir, &again), -EBADMSG);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_genuine),
		CASE(test_forged),
		CASE(test_instance),
		CASE(test_times),
		CASE(test_grant),
		CASE(test_copied),
		CASE(test_key_file),
		CASE(test_chain),
		CASE(test_chain_times),
		CASE(test_wider),
		CASE(test_spliced),
		CASE(test_signed_by_another),
		CASE(test_every_bit_of_a_chain),
		CASE(test_grant_of_chain),
		CASE(test_lengths),
		CASE(test_renewed),
		CASE(test_keys),
		CASE(test_many_keys),
		CASE(test_no_new_key),
		CASE(test_key_file_made),
	};

	return test_run_cases(tests, NULL, NULL);
}
