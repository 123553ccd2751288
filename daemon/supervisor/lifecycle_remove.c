/* lifecycle_remove.c - a stopped or failed instance is forgotten. Loop thread.
 * Commit {row, states and grants gone, answer} -> out of the table -> answer. */
#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/node_service.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"
#include <wat/node.pb-c.h>

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

static void drop_grants(struct instance *instance)
{
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		list_remove(i);
		grant_table_remove(instance->node->grants, grant);
	}
}

static void on_removed(void *arg, int r)
{
	struct instance *instance = arg;
	struct operation *operation = TAKE(instance->operation);
	struct node *node = instance->node;

	if (r < 0) {
		instance_move(instance, instance->before_removal);
		operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the removal could not be stored, the instance stays: %s",
			       lifecycle_store_error(r));
	} else {
		drop_grants(instance);
		lifecycle_drop_segments(instance, SEGMENTS_ALL);
		instance_table_remove(&node->instances, instance);
		instance_wake(instance);
		instance_free(instance);
		node_wait_notice(node);
		operation_conclude(operation);
	}
	node_check_progress(node);
}

static int commit_removal(struct operation *operation, struct instance *instance)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	Wat__Node__RemoveReply reply = WAT__NODE__REMOVE_REPLY__INIT;
	const struct audit removed = {
		.kind = AUDIT_REMOVE,
		.origin = &operation->origin,
		.instance = instance,
		.detail = instance->service,
	};
	int r;

	if (!txn)
		return -ENOMEM;
	reply.incarnation = (ProtobufCBinaryData){16, instance->id};
	reply.generation = instance->generation;
	reply.users = node_count_users(instance);
	if ((r = store_txn_remove_instance(txn, instance->name, instance->id)) < 0 ||
	    (r = operation_decide(operation, &reply.base, txn)) < 0 ||
	    (r = audit_add(txn, &removed)) < 0)
		return r;
	store_submit(instance->node->store, TAKE(txn), on_removed, instance);
	return 0;
}

void lifecycle_remove(struct operation *operation)
{
	struct instance *instance = operation->instance;
	int r;

	if (instance->state == INSTANCE_REMOVING) {
		operation_fail(operation, WAT_NOT_FOUND, NULL, "\"%s\" is being removed already",
			       instance->name);
		return;
	}
	instance->operation = operation;
	instance->origin = operation->origin;
	instance->before_removal = instance->state;
	instance_move(instance, INSTANCE_REMOVING);
	r = commit_removal(operation, instance);
	if (r < 0)
		on_removed(instance, r);
}
