/* token.c - tokens by themselves. Pure but for libsodium; any thread. What held a seed is wiped. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/token.h>

#include "client/private.h"
#include "proto/support/cleanup.h"

_Static_assert(WAT_KEY_SIZE == crypto_sign_SEEDBYTES, "it is one key");

static void wipe(struct token *token)
{
	sodium_memzero(token, sizeof *token);
}

static int read_token(const char *text, struct token *ret)
{
	if (sodium_init() < 0)
		return failure_set_errno(-ENOSYS, "libsodium");
	if (!text || token_from_text(text, ret) != TOKEN_OK)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "this is no token; expected a text that begins with watc1_ or "
				   "wats1_");
	return 0;
}

int token_give(const struct token *token, char **ret)
{
	char *text = malloc(TOKEN_TEXT_MAX);

	if (!text)
		return failure_set_errno(-ENOMEM, "a token's text");
	token_to_text(token, text);
	*ret = text;
	return 0;
}

static void fill_info(const struct token *token, struct wat_token_info *info)
{
	struct token_terms terms = token_terms(token);

	info->role = token->role;
	info->epoch = token->epoch;
	info->n_blocks = 1u + token->n_attenuations;
	info->has_seed = token->has_seed;
	info->methods = terms.method_mask;
	info->not_before = terms.not_before;
	info->not_after = terms.not_after;
	info->interface_hash = token->interface_hash;
	memcpy(info->kid, token->kid, sizeof info->kid);
	memcpy(info->node_id, token->node_id, sizeof info->node_id);
	memcpy(info->instance_id, token->instance_id, sizeof info->instance_id);
	memcpy(info->grant_id, token->grant_id, sizeof info->grant_id);
	memcpy(info->holder_pk, terms.holder_pk, sizeof info->holder_pk);
}

int wat_token_inspect(const char *text, struct wat_token_info *ret)
{
	struct wat_token_info info = WAT_TOKEN_INFO_INIT;
	uint32_t size = ret->size;
	struct token token;
	int r;

	if (size < sizeof size || size > sizeof info)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "struct wat_token_info has the size %u; begin with its _INIT",
				   size);
	r = read_token(text, &token);
	if (r != 0)
		return r;
	fill_info(&token, &info);
	wipe(&token);
	memcpy(ret, &info, size);
	ret->size = size;
	return 0;
}

/* What is to be, after what there was. */
static int next_terms(const struct wat_attenuation *how,
		      const struct token_terms *before,
		      struct token_terms *ret)
{
	*ret = *before;
	if (how->methods)
		ret->method_mask = how->methods;
	if (how->not_before)
		ret->not_before = how->not_before;
	if (how->not_after)
		ret->not_after = how->not_after;
	if (ret->not_before >= ret->not_after)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "the token would be over before it begins");
	return 0;
}

static int refuse(enum token_error error)
{
	if (error == TOKEN_E_BLOCKS)
		return failure_set(
			WAT_INVALID_ARGUMENT, NULL,
			"the token was made narrower %u times already, which is as often "
			"as it goes",
			TOKEN_ATTENUATIONS_MAX);
	return failure_set(WAT_INVALID_ARGUMENT, NULL,
			   "a token can't be made to do more than the one it comes from");
}

/* The token becomes the narrower one. */
static int narrow(struct token *token, const struct wat_attenuation *how)
{
	struct token_terms before = token_terms(token), terms;
	uint8_t pk[32], sk[64], seed[32];
	enum token_error error;
	int r = next_terms(how, &before, &terms);

	if (r != 0)
		return r;
	randombytes_buf(seed, sizeof seed);
	crypto_sign_seed_keypair(terms.holder_pk, sk, seed);
	if (how->holder_pk)
		memcpy(terms.holder_pk, how->holder_pk, sizeof terms.holder_pk);
	crypto_sign_seed_keypair(pk, sk, token->seed);
	error = token_attenuate(token, &terms, sk);
	sodium_memzero(sk, sizeof sk);
	token->has_seed = !how->holder_pk;
	if (token->has_seed)
		memcpy(token->seed, seed, sizeof seed);
	sodium_memzero(seed, sizeof seed);
	return error == TOKEN_OK ? 0 : refuse(error);
}

int wat_token_attenuate(const char *text, const struct wat_attenuation *given, char **ret_token)
{
	struct wat_attenuation how;
	struct token token;
	int r = attenuation_take(given, &how);

	if (r == 0)
		r = read_token(text, &token);
	if (r != 0)
		return r;
	if (!token.has_seed)
		r = failure_set(WAT_INVALID_ARGUMENT, NULL, NO_SECRET);
	else
		r = narrow(&token, &how);
	if (r == 0)
		r = token_give(&token, ret_token);
	wipe(&token);
	return r;
}

int wat_token_public_key(const uint8_t seed[WAT_KEY_SIZE], uint8_t ret_pk[WAT_KEY_SIZE])
{
	uint8_t sk[64];

	if (sodium_init() < 0)
		return failure_set_errno(-ENOSYS, "libsodium");
	crypto_sign_seed_keypair(ret_pk, sk, seed);
	sodium_memzero(sk, sizeof sk);
	return 0;
}

int wat_token_newkey(uint8_t ret_seed[WAT_KEY_SIZE], uint8_t ret_pk[WAT_KEY_SIZE])
{
	if (sodium_init() < 0)
		return failure_set_errno(-ENOSYS, "libsodium");
	randombytes_buf(ret_seed, WAT_KEY_SIZE);
	return wat_token_public_key(ret_seed, ret_pk);
}

int wat_token_with_key(const char *text, const uint8_t seed[WAT_KEY_SIZE], char **ret_token)
{
	struct token_terms terms;
	struct token token;
	uint8_t pk[WAT_KEY_SIZE];
	int r = read_token(text, &token);

	if (r == 0)
		r = wat_token_public_key(seed, pk);
	if (r != 0)
		return r;
	terms = token_terms(&token);
	if (memcmp(pk, terms.holder_pk, sizeof pk) != 0) {
		wipe(&token);
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "the token is for another key than this one");
	}
	token.has_seed = true;
	memcpy(token.seed, seed, sizeof token.seed);
	r = token_give(&token, ret_token);
	wipe(&token);
	return r;
}

int wat_token_renewed(const char *held, const char *renewed, char **ret_token)
{
	struct token mine, next;
	int r = read_token(held, &mine);

	if (r != 0)
		return r;
	r = read_token(renewed, &next);
	if (r == 0 && !mine.has_seed)
		r = failure_set(WAT_INVALID_ARGUMENT, NULL, NO_SECRET);
	else if (r == 0 && memcmp(mine.grant_id, next.grant_id, sizeof mine.grant_id) != 0)
		r = failure_set(WAT_INVALID_ARGUMENT, NULL, "the tokens are of two grants");
	if (r == 0)
		r = wat_token_with_key(renewed, mine.seed, ret_token);
	wipe(&mine);
	return r;
}
