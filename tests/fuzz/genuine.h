/* genuine.h - one token with fixed keys, and the proof for a fixed challenge: the one that watd has
 * to take. */
#ifndef WAT_FUZZ_GENUINE_H
#define WAT_FUZZ_GENUINE_H

#include <sodium.h>
#include <string.h>

#include "proto/token.h"

struct genuine {
	uint8_t issuer_seed[32], holder_seed[32], challenge[32], binding[32];
	uint64_t slot;
	struct token token;
	uint8_t bytes[TOKEN_SIZE], proof[TOKEN_PROOF_SIZE];
};

static inline void genuine_make(struct genuine *g)
{
	uint8_t issuer_pk[32], issuer_sk[64], holder_sk[64];
	struct token_bind bind = {.chan_bind = g->binding, .challenge = g->challenge, .slot = 7};

	memset(g, 0, sizeof *g);
	g->slot = bind.slot;
	memset(g->issuer_seed, 1, 32);
	memset(g->holder_seed, 2, 32);
	memset(g->challenge, 3, 32);
	g->token = (struct token){.role = TOKEN_USER,
				  .epoch = 1,
				  .method_mask = 7,
				  .interface_hash = 0x1122334455667788u,
				  .not_before = 1700000000u,
				  .not_after = 1800000000u};
	memset(g->token.node_id, 4, 16);
	memset(g->token.instance_id, 5, 16);
	memset(g->token.grant_id, 6, 16);
	(void)crypto_sign_seed_keypair(issuer_pk, issuer_sk, g->issuer_seed);
	(void)crypto_sign_seed_keypair(g->token.holder_pk, holder_sk, g->holder_seed);
	token_kid(issuer_pk, g->token.kid);
	token_sign(&g->token, issuer_sk);
	token_encode(&g->token, g->bytes);
	token_unix_binding(g->binding);
	bind.node_id = g->token.node_id;
	token_prove(&g->token, &bind, holder_sk, g->proof);
}

#endif
