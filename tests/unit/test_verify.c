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

#include "daemon/caps/verify.h"
#include "tests/lib/cases.h"

struct world {
	char dir[32];
	struct keyring *keyring;
	struct grant_table *grants;
	struct grant *grant;
	uint8_t node_id[16], challenge[32], binding[32], sk[64];
	struct token token;
	enum verify_instance instance;
	uint32_t epoch;
	uint64_t interface_hash, now;
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
	w->grants = grant_table_new();
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
	uint8_t bytes[TOKEN_SIZE], proof[TOKEN_PROOF_SIZE];
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
					 .token_len = sizeof bytes,
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
	status = verify_bind(&verify, &request, &token, &grant, &why);
	/* Whoever is refused is told a sentence; whoever is not gets the grant. */
	if (status == WAT_OK)
		assert_ptr_equal(grant, w->grant);
	else
		assert_true(why && strlen(why) > 10);
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
}

/* A copied token without its key is useless (row 24). */
static void test_copied(void **state)
{
	struct world *w = *state;
	uint8_t pk[32];

	crypto_sign_keypair(pk, w->sk);
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
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
		CASE(test_genuine), CASE(test_forged), CASE(test_instance), CASE(test_times),
		CASE(test_grant),   CASE(test_copied), CASE(test_key_file),
	};

	return test_run_cases(tests, NULL, NULL);
}
