/* admin_service_renew.c - Renew of wat.admin.Admin: a User's grant goes on for longer, under the
 * same id and key. Loop thread. Commit {row, answer, event} -> memory -> answer. The token of
 * before stays good for its own time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/admin.service.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/user_end.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* Under way. The grant may end meanwhile, and then it stays ended. */
struct renewal {
	struct node *node;
	struct operation *operation;
	struct store_grant row;
};

static void on_stored(void *arg, int r)
{
	_cleanup_(freep) struct renewal *renewal = arg;
	struct grant *grant = grant_table_find(renewal->node->grants, renewal->row.id);

	if (r < 0) {
		operation_fail(renewal->operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the renewal could not be stored, the User is as it was: %s",
			       lifecycle_store_error(r));
		return;
	}
	if (grant && grant->row.state == 2) {
		grant->row = renewal->row;
		grant_times_note(renewal->node, &grant->row);
	}
	operation_conclude(renewal->operation);
}

/* The row as it will be, and its token. */
static void mint(struct node *node,
		 const struct grant *grant,
		 uint64_t not_after,
		 struct store_grant *row,
		 uint8_t token_bytes[TOKEN_SIZE])
{
	const struct instance *instance = grant->instance;
	struct token token = {
		.role = TOKEN_USER,
		.epoch = instance->epoch,
		.method_mask = grant->row.method_mask,
		.interface_hash = instance->interface_hash,
		.not_before = grant->row.not_before,
		.not_after = not_after,
	};

	memcpy(token.node_id, node_id(node), 16);
	memcpy(token.instance_id, instance->id, 16);
	memcpy(token.grant_id, grant->row.id, 16);
	memcpy(token.holder_pk, grant->row.holder_pk, 32);
	keyring_sign(node->keyring, &token);
	*row = grant->row;
	row->not_after = not_after;
	row->warned = false;
	row->has_before = row->has_kid = true;
	memcpy(row->th0_before, grant->row.th0, sizeof row->th0_before);
	token_hash(&token, row->th0);
	memcpy(row->kid, token.kid, sizeof row->kid);
	token_encode(&token, token_bytes);
}

static int submit(struct renewal *renewal, const struct grant *grant, uint64_t not_after)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	Wat__Admin__ProvisionReply reply = WAT__ADMIN__PROVISION_REPLY__INIT;
	uint8_t token[TOKEN_SIZE];
	const struct audit renewed = {
		.kind = AUDIT_RENEW,
		.origin = &renewal->operation->origin,
		.instance = grant->instance,
		.grant = &renewal->row,
		.detail = "User",
	};
	int r;

	if (!txn)
		return -ENOMEM;
	mint(renewal->node, grant, not_after, &renewal->row, token);
	reply.token = (ProtobufCBinaryData){sizeof token, token};
	reply.grant_id = (ProtobufCBinaryData){16, renewal->row.id};
	if ((r = store_txn_put_grant(txn, &renewal->row)) < 0 ||
	    (r = operation_decide(renewal->operation, &reply.base, txn)) < 0 ||
	    (r = audit_add(txn, &renewed)) < 0)
		return r;
	store_submit(renewal->node->store, TAKE(txn), on_stored, renewal);
	return 0;
}

static void begin(struct operation *operation, const struct grant *grant, uint64_t not_after)
{
	struct renewal *renewal = calloc(1, sizeof *renewal);

	if (renewal) {
		renewal->node = operation->node;
		renewal->operation = operation;
		if (submit(renewal, grant, not_after) == 0)
			return;
	}
	free(renewal);
	operation_fail(operation, WAT_OVERLOADED, NULL, "no memory; the User is as it was");
}

static wat_status check(struct admin_renew_call *c,
			const struct instance *instance,
			const char *user,
			const struct grant *grant,
			uint64_t not_after)
{
	if (instance_is_over(instance))
		return wat_fail(c, WAT_STOPPED, "\"%s\" was stopped, its users with it",
				instance->name);
	if (!grant || grant->row.state != 2)
		return wat_fail(c, WAT_NOT_FOUND, "\"%s\" has no user \"%.80s\" (watctl users %s)",
				instance->name, user, instance->name);
	if (grant->row.configured)
		return wat_fail(c, WAT_FAILED_PRECONDITION,
				"\"%.80s\" is of the configuration, which renews it by itself",
				user);
	if (!grant->row.has_holder)
		return wat_fail(c, WAT_FAILED_PRECONDITION,
				"\"%.80s\" was made by an older watd, which did not note its key; "
				"deprovision and provision it",
				user);
	if (not_after <= grant->row.not_after)
		return wat_fail(c, WAT_INVALID_ARGUMENT,
				"not_after: expected a later time than the User has");
	return WAT_OK;
}

wat_status admin_on_renew(struct admin_renew_call *c,
			  wat_empty *state,
			  const admin_renew_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct operation *operation;
	struct instance *instance;
	struct grant *grant;
	uint64_t not_after;
	wat_status status = WAT_OK;

	(void)state;
	instance = control_call_instance(call, &status);
	if (!instance)
		return status;
	operation =
		operation_begin(&c->base, ANSWER_OF_ADMIN(ADMIN_RENEW), &in->request_id, &status);
	if (!operation)
		return status;
	grant = admin_find_user(instance, in->user);
	not_after = in->not_after ? in->not_after
				  : node_time(instance->node) +
					    instance->node->options->limits.grant_life_s;
	status = check(c, instance, in->user, grant, not_after);
	if (status != WAT_OK)
		operation_forget(operation);
	else
		begin(operation, grant, not_after);
	return status;
}
