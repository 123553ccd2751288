/* test_verify.c - the steps of verification, each with what it refuses; and the issuing key's file.
 */
#include "tests/unit/verify_world.h"

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
		CASE(test_genuine),       CASE(test_forged),    CASE(test_instance),
		CASE(test_times),         CASE(test_grant),     CASE(test_copied),
		CASE(test_key_file),      CASE(test_lengths),   CASE(test_renewed),
		CASE(test_keys),          CASE(test_many_keys), CASE(test_no_new_key),
		CASE(test_key_file_made),
	};

	return test_run_cases(tests, NULL, NULL);
}
