/* genuine.h - one token with fixed keys, a chain made from it, and their proofs for a fixed
 * challenge: the two that watd has to take. */
#ifndef WAT_FUZZ_GENUINE_H
#define WAT_FUZZ_GENUINE_H

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/token.h"

#define GENUINE_CHAIN_SIZE (TOKEN_SIZE + 2u * TOKEN_ATTENUATION_SIZE)

struct genuine {
	uint8_t issuer_seed[32], holder_seed[32], challenge[32], binding[32];
	uint64_t slot;
	struct token token;
	uint8_t bytes[TOKEN_SIZE], proof[TOKEN_PROOF_SIZE];
	uint8_t chain[GENUINE_CHAIN_SIZE], chain_proof[TOKEN_PROOF_SIZE]; /* narrowed twice */
};

static inline void genuine_narrow(struct genuine *g, const struct token_bind *bind)
{
	uint8_t sk[64], next[64], seed[32];
	struct token token = g->token;

	(void)crypto_sign_seed_keypair(seed, sk, g->holder_seed);
	for (uint8_t i = 1; i <= 2; i++) {
		struct token_terms terms = token_terms(&token);

		terms.method_mask &= ~(uint64_t)i;
		terms.not_after -= i;
		memset(seed, 10 + i, sizeof seed);
		(void)crypto_sign_seed_keypair(terms.holder_pk, next, seed);
		if (token_attenuate(&token, &terms, sk) != TOKEN_OK)
			abort();
		memcpy(sk, next, sizeof sk);
	}
	token_encode(&token, g->chain);
	token_prove(&token, bind, sk, g->chain_proof);
}

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
	genuine_narrow(g, &bind);
}

#endif
