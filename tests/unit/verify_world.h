/* verify_world.h - a keyring, a grant and its token, for the tests of verification. */
#ifndef WAT_UNIT_VERIFY_WORLD_H
#define WAT_UNIT_VERIFY_WORLD_H

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

static inline enum verify_instance find_instance(void *arg,
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

static inline void sign(struct world *w)
{
	keyring_sign(w->keyring, &w->token);
	token_hash(&w->token, w->grant->row.th0);
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline wat_status verify_as(struct world *w, int role)
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

static inline wat_status verify(struct world *w)
{
	return verify_as(w, TOKEN_USER);
}

static inline void refused(struct world *w, const char *why)
{
	assert_int_equal(verify(w), WAT_ACCESS_DENIED);
	if (!strstr(w->why, why))
		fail_msg("%s", w->why);
}

#endif
