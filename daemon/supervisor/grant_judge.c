/* grant_judge.c - a configured User, its row, its section and its file. Loop thread. */
#include "daemon/supervisor/grant_judge.h"

#include <sodium.h>
#include <string.h>

#include "daemon/supervisor/configured_users.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/token_out.h"
#include "proto/token.h"

uint64_t grant_due_at(const struct store_grant *row)
{
	uint64_t quarter = (row->not_after - row->not_before) / 4;

	return row->not_after - (quarter > 0 ? quarter : 1);
}

/* The User of this name whose token it is, with the key that it names. */
static struct grant *find_grant(const struct instance *instance,
				const char *user,
				const struct token *token)
{
	uint8_t th0[TOKEN_HASH_SIZE], pk[32], sk[64];

	token_hash(token, th0);
	crypto_sign_seed_keypair(pk, sk, token->seed);
	sodium_memzero(sk, sizeof sk);
	if (memcmp(pk, token->holder_pk, sizeof pk) != 0 || token->epoch != instance->epoch)
		return NULL;
	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (configured_user(grant) && strcmp(grant->row.user, user) == 0 &&
		    memcmp(grant->row.id, token->grant_id, 16) == 0 &&
		    memcmp(grant->row.th0, th0, sizeof th0) == 0)
			return grant;
	}
	return NULL;
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

/* What the token proves, or nothing. mode: what token_out_read said of the file. */
static enum grant_verdict judge_token(const struct instance *instance,
				      const char *user,
				      const struct grant_wanted *wanted,
				      uint64_t now,
				      const struct token *token,
				      int mode,
				      struct grant **ret)
{
	struct grant *grant = find_grant(instance, user, token);

	if (!grant || !is_as_wanted(&grant->row, wanted))
		return GRANT_REPLACE;
	if (now < grant_due_at(&grant->row) && mode == TOKEN_OUT_MODE_OTHER &&
	    write_anew(wanted, token) < 0)
		return GRANT_REPLACE;
	*ret = grant;
	return now < grant_due_at(&grant->row) ? GRANT_LEAVE : GRANT_MAKE_BESIDE;
}

enum grant_verdict grant_judge(const struct instance *instance,
			       const char *user,
			       const struct grant_wanted *wanted,
			       uint64_t now,
			       struct grant **ret)
{
	struct token token = {0};
	enum grant_verdict verdict = GRANT_REPLACE;
	int r = token_out_read(wanted->path, wanted->gid, &token);

	*ret = NULL;
	if (r >= 0)
		verdict = judge_token(instance, user, wanted, now, &token, r, ret);
	sodium_memzero(&token, sizeof token);
	return verdict;
}
