/* verify.c - is a presented token good? The steps, in their order. */
#include "daemon/caps/verify.h"

#include <sodium.h>
#include <string.h>

struct check {
	const struct verify *verify;
	const struct verify_request *request;
	struct token token;
	struct token_terms terms;
	struct grant *grant;
	const char *why;
};

static wat_status refuse(struct check *check, wat_status status, const char *why)
{
	check->why = why;
	return status;
}

static wat_status check_format(struct check *check)
{
	const struct verify_request *request = check->request;

	if (request->proof_len != TOKEN_PROOF_SIZE ||
	    token_decode(request->token, request->token_len, &check->token) != TOKEN_OK)
		return refuse(check, WAT_ACCESS_DENIED, "this is no token of this watd");
	if (check->token.has_seed)
		return refuse(check, WAT_ACCESS_DENIED,
			      "a token's secret must stay with its holder; present it without");
	if (check->token.role != request->role)
		return refuse(check, WAT_ACCESS_DENIED,
			      "the token is of another role than the one asked for");
	return WAT_OK;
}

static wat_status check_issuer(struct check *check)
{
	const struct verify *verify = check->verify;
	const uint8_t *issuer = keyring_find(verify->keyring, check->token.kid, verify->now);

	if (!issuer || !token_verify_signature(&check->token, issuer))
		return refuse(
			check, WAT_ACCESS_DENIED,
			"the token was not issued by this watd, or with a key that is good no "
			"more");
	if (memcmp(check->verify->node_id, check->token.node_id, 16) != 0)
		return refuse(check, WAT_ACCESS_DENIED, "the token belongs to another node");
	return WAT_OK;
}

static wat_status check_instance(struct check *check)
{
	uint64_t interface_hash = 0;
	uint32_t epoch = 0;

	switch (check->verify->find_instance(check->verify->arg, check->token.instance_id, &epoch,
					     &interface_hash)) {
	case VERIFY_INSTANCE_EARLIER:
		return refuse(
			check, WAT_STALE,
			"the token belongs to an earlier incarnation; ask the Admin for a new one");
	case VERIFY_INSTANCE_UNKNOWN:
		return refuse(check, WAT_NOT_FOUND,
			      "the instance of this token does not exist any more");
	case VERIFY_INSTANCE_FOUND:
	default:
		break;
	}
	if (interface_hash != check->token.interface_hash)
		return refuse(check, WAT_ACCESS_DENIED, "the token is for another interface");
	if (epoch != check->token.epoch)
		return refuse(check, WAT_ACCESS_DENIED,
			      "the token was taken back with all others of its time");
	return WAT_OK;
}

static wat_status check_time(struct check *check, uint64_t not_before, uint64_t not_after)
{
	if (check->verify->now < not_before)
		return refuse(check, WAT_ACCESS_DENIED, "the token is not valid yet");
	if (check->verify->now >= not_after)
		return refuse(check, WAT_ACCESS_DENIED,
			      "the token has expired; ask for a new one whoever gave it to you");
	return WAT_OK;
}

static wat_status check_times(struct check *check)
{
	return check_time(check, check->token.not_before, check->token.not_after);
}

/* The one that was given, or that it was renewed from, which is good for its own time. */
static bool is_its_token(const struct store_grant *row, const uint8_t th0[static TOKEN_HASH_SIZE])
{
	return sodium_memcmp(row->th0, th0, TOKEN_HASH_SIZE) == 0 ||
	       (row->has_before && sodium_memcmp(row->th0_before, th0, TOKEN_HASH_SIZE) == 0);
}

/* A leaked issuing key mints nothing: the row must be there. */
static wat_status check_grant(struct check *check)
{
	struct grant *grant = grant_table_find(check->verify->grants, check->token.grant_id);
	uint8_t th0[TOKEN_HASH_SIZE];

	token_hash(&check->token, th0);
	if (!grant || grant->row.state != 2 ||
	    memcmp(grant->row.instance_id, check->token.instance_id, 16) != 0)
		return refuse(check, WAT_ACCESS_DENIED, "the grant was taken back");
	if (grant->row.role != check->token.role || !is_its_token(&grant->row, th0) ||
	    (check->token.method_mask & ~grant->row.method_mask))
		return refuse(check, WAT_ACCESS_DENIED,
			      "the token is not the one that was granted");
	check->grant = grant;
	return WAT_OK;
}

/* What the chain says from here on counts: the last block's terms are the token's. */
static wat_status check_chain(struct check *check)
{
	enum token_error error = token_verify_chain(&check->token);

	check->terms = token_terms(&check->token);
	if (error == TOKEN_E_WIDER)
		return refuse(check, WAT_ACCESS_DENIED,
			      "an attenuation of the token allows more than what it was made from");
	if (error != TOKEN_OK)
		return refuse(check, WAT_ACCESS_DENIED,
			      "an attenuation of the token was not signed by the holder before it");
	return check_time(check, check->terms.not_before, check->terms.not_after);
}

static wat_status check_proof(struct check *check)
{
	struct token_bind bind = {
		.chan_bind = check->request->chan_bind,
		.challenge = check->request->challenge,
		.node_id = check->verify->node_id,
		.slot = check->request->slot,
	};

	if (!token_verify_proof(&check->token, &bind, check->request->proof))
		return refuse(check, WAT_ACCESS_DENIED,
			      "the proof that the token's holder presents it is wrong");
	return WAT_OK;
}

wat_status verify_bind(const struct verify *verify,
		       const struct verify_request *request,
		       struct token *ret_token,
		       struct token_terms *ret_terms,
		       struct grant **ret_grant,
		       const char **ret_why)
{
	static wat_status (*const steps[])(struct check *) = {
		check_format, check_issuer, check_instance, check_times,
		check_grant,  check_chain,  check_proof};
	struct check check = {.verify = verify, .request = request};
	wat_status status = WAT_OK;

	for (size_t i = 0; status == WAT_OK && i < sizeof steps / sizeof *steps; i++)
		status = steps[i](&check);
	if (status == WAT_OK) {
		*ret_token = check.token;
		*ret_terms = check.terms;
		*ret_grant = check.grant;
	} else {
		*ret_why = check.why;
	}
	return status;
}
