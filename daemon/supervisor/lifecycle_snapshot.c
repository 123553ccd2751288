/* lifecycle_snapshot.c - a snapshot because somebody asks for it. Loop thread.
 * Snapshot by the host -> commit {snapshot, answer} -> answer. The instance serves meanwhile. */
#include <errno.h>
#include <stdio.h>
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
	struct lifecycle_take take;
	uint8_t instance_id[16];
	uint64_t generation;
};

/* Frees. */
static void tell(struct taking *taking,
		 wat_status status,
		 const Wat__Envelope__Failure *failure,
		 const char *text)
{
	taking->take.done(taking->take.arg, status, failure, text);
	free(taking);
}

static void on_stored(struct instance *instance, void *arg, int r)
{
	char text[128];

	(void)instance;
	(void)snprintf(text, sizeof text, "the snapshot could not be stored: %s",
		       lifecycle_store_error(r));
	tell(arg, r == 0 ? WAT_OK : WAT_RESOURCE_EXHAUSTED, NULL, r == 0 ? "" : text);
}

static int store_taken(struct instance *instance,
		       struct taking *taking,
		       const struct host_answer *answer)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	struct lifecycle_stored what = {.then = on_stored, .arg = taking};
	const struct lifecycle_take *take = &taking->take;
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
	r = lifecycle_txn_add_snapshot(txn, instance, take->kind, what.added);
	if (r == 0 && take->add)
		r = take->add(take->arg, instance, what.added, txn);
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
	struct taking *taking = arg;
	struct instance *instance = still_there(taking);
	char text[128];
	int r;

	if (answer->died || !instance) {
		tell(taking, WAT_UNAVAILABLE, NULL,
		     answer->died ? "the instance lost its process meanwhile; no snapshot was made"
				  : "the instance was stopped meanwhile; no snapshot was made");
	} else if (answer->status != WAT_OK) {
		tell(taking, answer->status, answer->failure,
		     answer->failure ? answer->failure->text : "the host made no snapshot");
	} else if ((r = store_taken(instance, taking, answer)) < 0) {
		(void)snprintf(text, sizeof text, "the snapshot can't be stored: %s", strerror(-r));
		tell(taking, WAT_RESOURCE_EXHAUSTED, NULL, text);
	}
}

int lifecycle_take(struct instance *instance, const struct lifecycle_take *take)
{
	Wat__Host__SnapshotRequest request = WAT__HOST__SNAPSHOT_REQUEST__INIT;
	_cleanup_(freep) struct taking *taking = calloc(1, sizeof *taking);
	int r;

	if (!taking)
		return -ENOMEM;
	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	taking->node = instance->node;
	taking->take = *take;
	taking->generation = instance->generation;
	memcpy(taking->instance_id, instance->id, sizeof taking->instance_id);
	r = host_request(instance->host, HOST_SNAPSHOT, &request.base, -1, on_taken, taking);
	if (r == 0)
		(void)TAKE(taking);
	return r;
}

static int add_answer(void *arg,
		      struct instance *instance,
		      const Wat__Host__Snapshot *snapshot,
		      struct store_txn *txn)
{
	struct operation *operation = arg;
	Wat__Node__SnapshotReply reply = WAT__NODE__SNAPSHOT_REPLY__INIT;
	const struct audit made = {
		.kind = AUDIT_SNAPSHOT,
		.origin = &operation->origin,
		.instance = instance,
	};
	int r;

	reply.seq = instance->snapshot;
	reply.bytes = snapshot->state.len;
	reply.generation = instance->generation;
	r = operation_decide(operation, &reply.base, txn);
	return r == 0 ? audit_add(txn, &made) : r;
}

static void on_done(void *arg,
		    wat_status status,
		    const Wat__Envelope__Failure *failure,
		    const char *text)
{
	if (status == WAT_OK)
		operation_conclude(arg);
	else
		operation_fail(arg, status, failure, "%s", text);
}

void lifecycle_snapshot(struct operation *operation, struct instance *instance)
{
	const struct lifecycle_take take = {.kind = STORE_SNAPSHOT_MANUAL,
					    .add = add_answer,
					    .done = on_done,
					    .arg = operation};

	if (lifecycle_take(instance, &take) < 0)
		operation_fail(operation, WAT_OVERLOADED, NULL, "no memory; the instance goes on");
}
