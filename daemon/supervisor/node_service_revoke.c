/* node_service_revoke.c - RevokeAll of wat.node.Node: every token of an instance is good for
 * nothing any more. Loop thread. Commit {epoch, the ends of all its grants, answer, event} -> no
 * call of any of them can run -> answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/user_end.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* Under way. The instance is found by its id: it may be stopped meanwhile. */
struct revocation {
	struct node *node;
	struct operation *operation;
	uint8_t instance_id[16];
	Wat__Node__RevokeAllReply reply;
};

static void remove_admins(struct node *node, struct instance *instance)
{
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role != TOKEN_ADMIN || grant->row.state != 4)
			continue;
		list_remove(&grant->of_instance);
		grant_table_remove(node->grants, grant);
	}
}

/* As they were. */
static void give_back(struct instance *instance)
{
	instance->epoch--;
	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->taken_with_all)
			grant->row.state = 2;
		grant->taken_with_all = false;
	}
}

static void on_stored(void *arg, int r)
{
	_cleanup_(freep) struct revocation *revocation = arg;
	struct instance *instance =
		instance_table_by_id(&revocation->node->instances, revocation->instance_id);

	if (r < 0) {
		if (instance)
			give_back(instance);
		operation_fail(revocation->operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the revocation could not be stored, all capabilities stay: %s",
			       lifecycle_store_error(r));
		return;
	}
	CRASH_HERE(revoking_stored);
	if (!instance) {
		operation_conclude(revocation->operation);
		return;
	}
	remove_admins(revocation->node, instance);
	user_end_all(instance, revocation->operation);
}

static int take_grant(struct revocation *revocation, struct store_txn *txn, struct grant *grant)
{
	struct store_grant row = grant->row;
	bool admin = row.role == TOKEN_ADMIN;
	int r;

	row.state = admin ? 4 : 3;
	r = store_txn_put_grant(txn, &row);
	if (r < 0)
		return r;
	revocation->reply.admins += admin;
	revocation->reply.users += !admin;
	return 0;
}

static int take_grants(struct revocation *revocation,
		       struct store_txn *txn,
		       const struct instance *instance)
{
	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);
		int r = grant->row.state == 2 ? take_grant(revocation, txn, grant) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* From here on nobody binds them. */
static void mark_grants(struct instance *instance)
{
	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		grant->taken_with_all = grant->row.state == 2;
		if (grant->taken_with_all)
			grant->row.state = grant->row.role == TOKEN_ADMIN ? 4 : 3;
	}
}

static enum store_instance_state stored_state(const struct instance *instance)
{
	if (instance->state == INSTANCE_FAILED)
		return STORE_FAILED;
	return instance->state == INSTANCE_QUARANTINED ? STORE_QUARANTINED : STORE_RUNNING;
}

/* Its token would be of the epoch before. */
static bool is_making_admin(const struct instance *instance)
{
	list_for_each (i, &instance->grants) {
		const struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role == TOKEN_ADMIN && grant->row.state == 1)
			return true;
	}
	return false;
}

static int submit(struct revocation *revocation, struct instance *instance)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = NULL;
	const struct audit revoked = {
		.kind = AUDIT_REVOKE,
		.origin = &revocation->operation->origin,
		.instance = instance,
		.detail = "all capabilities of the instance",
	};
	int r;

	instance->epoch++;
	revocation->reply.epoch = instance->epoch;
	txn = lifecycle_txn(instance, stored_state(instance));
	if ((r = txn ? 0 : -ENOMEM) < 0 || (r = take_grants(revocation, txn, instance)) < 0 ||
	    (r = operation_decide(revocation->operation, &revocation->reply.base, txn)) < 0 ||
	    (r = audit_add(txn, &revoked)) < 0) {
		instance->epoch--;
		return r;
	}
	mark_grants(instance);
	store_submit(revocation->node->store, TAKE(txn), on_stored, revocation);
	return 0;
}

static void begin(struct operation *operation, struct instance *instance)
{
	struct revocation *revocation = calloc(1, sizeof *revocation);

	if (revocation) {
		wat__node__revoke_all_reply__init(&revocation->reply);
		revocation->node = operation->node;
		revocation->operation = operation;
		memcpy(revocation->instance_id, instance->id, 16);
		if (submit(revocation, instance) == 0)
			return;
	}
	free(revocation);
	operation_fail(operation, WAT_OVERLOADED, NULL, "no memory; nothing was revoked");
}

wat_status node_on_revoke_all(struct node_revoke_all_call *c,
			      wat_empty *state,
			      const node_restart_request *in)
{
	struct instance *instance = NULL;
	struct operation *operation;
	wat_status status = WAT_OK;

	(void)state;
	operation = operation_begin(&c->base, ANSWER_OF_NODE(NODE_REVOKE_ALL), &in->request_id,
				    &status);
	if (!operation)
		return status;
	status = node_find_instance(&c->base, in->name, &instance);
	if (status == WAT_OK && instance_is_over(instance))
		status = wat_fail(c, WAT_STOPPED, "\"%s\" was stopped, all capabilities with it",
				  instance->name);
	else if (status == WAT_OK && (instance->beginning || is_making_admin(instance)))
		status = wat_fail(c, WAT_UNAVAILABLE,
				  "the instance is being begun, or an Admin of it made; try again");
	if (status != WAT_OK)
		operation_forget(operation);
	else
		begin(operation, instance);
	return status;
}
