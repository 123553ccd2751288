/* lifecycle_snapshot.c - a snapshot because somebody asks for it. Loop thread.
 * Snapshot by the host -> commit {snapshot, answer} -> answer. The instance serves meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/operation.h"
#include "proto/carried.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"
#include <wat/node.pb-c.h>

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

struct taking {
	struct node *node;
	struct operation *operation;
	uint8_t instance_id[16];
	uint64_t generation;
};

static void on_stored(struct instance *instance, struct operation *operation, int r)
{
	(void)instance;
	if (r == 0)
		operation_conclude(operation);
	else
		operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the snapshot could not be stored: %s", lifecycle_store_error(r));
}

static int add_all(struct instance *instance,
		   struct operation *operation,
		   const Wat__Host__Snapshot *snapshot,
		   struct store_txn *txn)
{
	Wat__Node__SnapshotReply reply = WAT__NODE__SNAPSHOT_REPLY__INIT;
	const struct audit made = {
		.kind = AUDIT_SNAPSHOT,
		.origin = &operation->origin,
		.instance = instance,
	};
	int r = lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_MANUAL, snapshot);

	reply.seq = instance->snapshot;
	reply.bytes = snapshot->state.len;
	reply.generation = instance->generation;
	if (r == 0)
		r = operation_decide(operation, &reply.base, txn);
	return r == 0 ? audit_add(txn, &made) : r;
}

static int store_taken(struct instance *instance,
		       struct operation *operation,
		       const struct host_answer *answer)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	struct lifecycle_stored what = {.then = on_stored, .operation = operation};
	ProtobufCMessage *message;
	int r = txn ? check_unpack(&wat__host__snapshot_reply__descriptor, NULL, answer->body,
				   answer->n, &message, NULL)
		    : -ENOMEM;

	if (r < 0)
		return r;
	r = carried_open(((const Wat__Host__SnapshotReply *)message)->snapshot, answer->fd,
			 &what.added);
	protobuf_c_message_free_unpacked(message, NULL);
	if (r < 0)
		return r;
	r = add_all(instance, operation, what.added, txn);
	if (r < 0) {
		wat__host__snapshot__free_unpacked(what.added, NULL);
		return r;
	}
	return lifecycle_store_then(instance, TAKE(txn), &what);
}

/* Who it was asked of; NULL: it ends, or has another host by now. */
static struct instance *still_there(const struct taking *taking)
{
	struct instance *instance =
		instance_table_by_id(&taking->node->instances, taking->instance_id);

	return instance && instance->state == INSTANCE_READY &&
			       instance->generation == taking->generation
		       ? instance
		       : NULL;
}

static void on_taken(void *arg, const struct host_answer *answer)
{
	_cleanup_(freep) struct taking *taking = arg;
	struct operation *operation = taking->operation;
	struct instance *instance = still_there(taking);
	int r;

	if (answer->died || !instance) {
		operation_fail(operation, WAT_UNAVAILABLE, NULL,
			       "the instance %s meanwhile; no snapshot was made",
			       answer->died ? "lost its process" : "was stopped");
	} else if (answer->status != WAT_OK) {
		operation_fail(operation, answer->status, answer->failure, "%s",
			       answer->failure ? answer->failure->text
					       : "the host made no snapshot");
	} else if ((r = store_taken(instance, operation, answer)) < 0) {
		operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the snapshot can't be stored: %s", strerror(-r));
	}
}

void lifecycle_snapshot(struct operation *operation, struct instance *instance)
{
	Wat__Host__SnapshotRequest request = WAT__HOST__SNAPSHOT_REQUEST__INIT;
	struct taking *taking = calloc(1, sizeof *taking);

	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	if (taking) {
		taking->node = instance->node;
		taking->operation = operation;
		taking->generation = instance->generation;
		memcpy(taking->instance_id, instance->id, sizeof taking->instance_id);
	}
	if (taking &&
	    host_request(instance->host, HOST_SNAPSHOT, &request.base, -1, on_taken, taking) == 0)
		return;
	free(taking);
	operation_fail(operation, WAT_OVERLOADED, NULL, "no memory; the instance goes on");
}
