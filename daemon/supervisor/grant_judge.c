/* grant_judge.c - a configured User, its row, its section and its file. Loop thread. */
#include "daemon/supervisor/grant_judge.h"

#include <sodium.h>
#include <string.h>

#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/token_out.h"
#include "proto/token.h"

uint64_t grant_due_at(const struct store_grant *row)
{
	uint64_t quarter = (row->not_after - row->not_before) / 4;

	return row->not_after - (quarter > 0 ? quarter : 1);
}

/* Is the token that of the grant, with the key that it names? */
static bool is_token_of(const struct instance *instance,
			const struct grant *grant,
			const struct token *token)
{
	uint8_t th0[TOKEN_HASH_SIZE], pk[32], sk[64];

	token_hash(token, th0);
	crypto_sign_seed_keypair(pk, sk, token->seed);
	sodium_memzero(sk, sizeof sk);
	return memcmp(token->grant_id, grant->row.id, 16) == 0 &&
	       memcmp(th0, grant->row.th0, sizeof th0) == 0 &&
	       memcmp(pk, token->holder_pk, sizeof pk) == 0 && token->epoch == instance->epoch;
}

/* The clock may tick between the two ends of a life. */
static bool is_as_wanted(const struct store_grant *row, const struct grant_wanted *wanted)
{
	uint64_t life_s = row->not_after - row->not_before;

	return row->method_mask == wanted->mask && life_s <= wanted->life_s &&
	       life_s + 2 > wanted->life_s;
}

static int write_anew(const struct grant_wanted *wanted, const struct token *token)
{
	_cleanup_(token_out_freep) struct token_out *out = NULL;
	int r = token_out_reserve(wanted->path, wanted->gid, &out);

	return r < 0 ? r : token_out_commit(out, token);
}

/* The file proves the grant, or it counts for nothing. */
enum grant_verdict grant_judge(const struct instance *instance,
			       const struct grant *grant,
			       const struct grant_wanted *wanted,
			       uint64_t now)
{
	struct token token = {0};
	enum grant_verdict verdict = GRANT_REPLACE;
	int r;

	if (!grant || !is_as_wanted(&grant->row, wanted))
		return GRANT_REPLACE;
	r = token_out_read(wanted->path, wanted->gid, &token);
	if (r >= 0 && is_token_of(instance, grant, &token))
		verdict = now >= grant_due_at(&grant->row) ? GRANT_MAKE_BESIDE : GRANT_LEAVE;
	/* Only owner, group or mode differ. */
	if (verdict == GRANT_LEAVE && r == TOKEN_OUT_MODE_OTHER && write_anew(wanted, &token) < 0)
		verdict = GRANT_REPLACE;
	sodium_memzero(&token, sizeof token);
	return verdict;
}
