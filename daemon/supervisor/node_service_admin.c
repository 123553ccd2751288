/* node_service_admin.c - OpenAdmin of wat.node.Node: one more Admin of an instance. Loop thread.
 * Commit {the grant, the ends of others, answer, event} -> answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

#define ADMINS_MAX 16u /* of an incarnation */

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* Under way. The instance is found by its id: it may end meanwhile. */
struct opening {
	struct node *node;
	struct operation *operation;
	uint8_t instance_id[16], grant_id[16];
	bool only;
	uint32_t n_ended;
};

static struct instance *instance_of(const struct opening *opening)
{
	return instance_table_by_id(&opening->node->instances, opening->instance_id);
}

static void remove_grant(struct node *node, struct grant *grant)
{
	list_remove(&grant->of_instance);
	grant_table_remove(node->grants, grant);
}

/* Those that were to end have ended, or stay. */
static void settle_others(const struct opening *opening, bool ended)
{
	struct instance *instance = instance_of(opening);

	if (!instance)
		return;
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role != TOKEN_ADMIN || grant->row.state != 3)
			continue;
		grant->row.state = 2;
		if (ended)
			remove_grant(opening->node, grant);
	}
}

static void fail(struct opening *opening, wat_status status, const char *text)
{
	struct grant *grant = grant_table_find(opening->node->grants, opening->grant_id);

	settle_others(opening, false);
	if (grant)
		remove_grant(opening->node, grant);
	operation_fail(opening->operation, status, NULL, "%s", text);
	free(opening);
}

static void on_stored(void *arg, int r)
{
	struct opening *opening = arg;
	struct grant *grant = grant_table_find(opening->node->grants, opening->grant_id);

	if (r < 0) {
		log_error("an Admin was not stored", "error", lifecycle_store_error(r));
		fail(opening, WAT_RESOURCE_EXHAUSTED,
		     "the Admin could not be stored, none was made; see the log of watd");
		return;
	}
	settle_others(opening, true);
	if (grant)
		grant->row.state = 2;
	operation_conclude(opening->operation);
	free(opening);
}

/* From here on no call of it runs. */
static int end_other(struct opening *opening, struct store_txn *txn, struct grant *grant)
{
	struct store_grant row = grant->row;
	const struct audit ended = {
		.kind = AUDIT_REVOKE,
		.origin = &opening->operation->origin,
		.instance = grant->instance,
		.grant = &row,
		.detail = opening->only ? "Admin; another one is the only one now"
					: "Admin; its time was over",
	};
	int r;

	row.state = 4;
	if ((r = store_txn_put_grant(txn, &row)) < 0 || (r = audit_add(txn, &ended)) < 0)
		return r;
	grant->row.state = 3;
	opening->n_ended++;
	return 0;
}

/* All others, or those whose time is over. */
static int end_others(struct opening *opening, struct store_txn *txn, struct instance *instance)
{
	uint64_t now = node_time(opening->node);

	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);
		bool ends = opening->only || grant->row.not_after <= now;
		int r = 0;

		if (grant->row.role == TOKEN_ADMIN && grant->row.state == 2 && ends)
			r = end_other(opening, txn, grant);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_admin(struct opening *opening,
		     struct store_txn *txn,
		     struct instance *instance,
		     const uint8_t holder_pk[32],
		     uint8_t token[TOKEN_SIZE])
{
	struct store_grant row;
	const struct audit granted = {
		.kind = AUDIT_GRANT,
		.origin = &opening->operation->origin,
		.instance = instance,
		.grant = &row,
		.detail = "Admin, for whoever manages the node",
	};
	struct grant *grant;
	int r = node_mint(opening->node, instance, TOKEN_ADMIN, "", holder_pk, UINT64_MAX, 0, &row,
			  token);

	if (r < 0)
		return r;
	row.state = 2;
	if ((r = store_txn_put_grant(txn, &row)) < 0 || (r = audit_add(txn, &granted)) < 0)
		return r;
	row.state = 1;
	r = grant_table_add(opening->node->grants, &row, &grant);
	if (r < 0)
		return r;
	grant->instance = instance;
	list_append(&instance->grants, &grant->of_instance);
	memcpy(opening->grant_id, row.id, 16);
	return 0;
}

static int decide(const struct opening *opening,
		  struct store_txn *txn,
		  struct instance *instance,
		  uint8_t token[TOKEN_SIZE])
{
	Wat__Node__OpenAdminReply reply = WAT__NODE__OPEN_ADMIN_REPLY__INIT;

	reply.token = (ProtobufCBinaryData){TOKEN_SIZE, token};
	reply.incarnation = (ProtobufCBinaryData){16, instance->id};
	reply.service = instance->service;
	reply.ended = opening->n_ended;
	return operation_decide(opening->operation, &reply.base, txn);
}

static int submit(struct opening *opening,
		  struct instance *instance,
		  const node_open_admin_request *in)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	uint8_t token[TOKEN_SIZE];
	int r;

	if (!txn)
		return -ENOMEM;
	if ((r = end_others(opening, txn, instance)) < 0 ||
	    (r = add_admin(opening, txn, instance, in->holder_pk.data, token)) < 0 ||
	    (r = decide(opening, txn, instance, token)) < 0)
		return r;
	store_submit(opening->node->store, TAKE(txn), on_stored, opening);
	return 0;
}

/* Active ones, and whether one is being made or ended. */
static unsigned count_admins(const struct instance *instance, uint64_t now, bool *ret_busy)
{
	unsigned n = 0;

	*ret_busy = false;
	list_for_each (i, &instance->grants) {
		const struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role != TOKEN_ADMIN)
			continue;
		*ret_busy = *ret_busy || grant->row.state != 2;
		n += grant->row.not_after > now;
	}
	return n;
}

static wat_status check(struct wat_call *call,
			const struct instance *instance,
			const node_open_admin_request *in)
{
	const struct node *node = instance->node;
	bool busy;
	unsigned n = count_admins(instance, node->last_time, &busy);

	if (in->holder_pk.len != 32)
		return call->api->fail(call, WAT_INVALID_ARGUMENT,
				       "holder_pk: expected 32 bytes, got %zu", in->holder_pk.len);
	if (instance_is_over(instance))
		return call->api->fail(call, WAT_STOPPED,
				       "\"%s\" was stopped; starting it gives an Admin (watctl "
				       "start %s)",
				       instance->name, instance->name);
	if (node->suspending || instance->beginning || busy)
		return call->api->fail(call, WAT_UNAVAILABLE, "%s; try again",
				       node->suspending      ? "watd is going down"
				       : instance->beginning ? "the instance is being begun"
							     : "another Admin of it is being made");
	if (n >= ADMINS_MAX && !in->only)
		return call->api->fail(call, WAT_RESOURCE_EXHAUSTED,
				       "\"%s\" has %u Admins, as many as it may have; watctl "
				       "admin %s --only ends them",
				       instance->name, n, instance->name);
	return WAT_OK;
}

static struct opening *opening_new(struct operation *operation,
				   const struct instance *instance,
				   bool only)
{
	struct opening *opening = calloc(1, sizeof *opening);

	if (!opening)
		return NULL;
	opening->node = operation->node;
	opening->operation = operation;
	opening->only = only;
	memcpy(opening->instance_id, instance->id, 16);
	return opening;
}

wat_status node_on_open_admin(struct node_open_admin_call *c,
			      wat_empty *state,
			      const node_open_admin_request *in)
{
	struct instance *instance = NULL;
	struct operation *operation;
	struct opening *opening;
	wat_status status = WAT_OK;

	(void)state;
	operation = operation_begin(&c->base, ANSWER_OF_NODE(NODE_OPEN_ADMIN), &in->request_id,
				    &status);
	if (!operation)
		return status;
	status = node_find_instance(&c->base, in->name, &instance);
	if (status == WAT_OK)
		status = check(&c->base, instance, in);
	if (status != WAT_OK) {
		operation_forget(operation);
		return status;
	}
	opening = opening_new(operation, instance, in->only);
	if (!opening)
		operation_fail(operation, WAT_OVERLOADED, NULL, "no memory");
	else if (submit(opening, instance, in) < 0)
		fail(opening, WAT_OVERLOADED, "no memory; no Admin was made");
	return WAT_OK;
}
