/* node_service_snapshots.c - Snapshots and Snapshot of wat.node.Node. Loop thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/parked_call.h"
#include "proto/support/cleanup.h"

/* A call that waits for the store. */
struct question {
	struct parked_call parked; /* in node->asking */
	struct node *node;
	char name[64];
	bool gone; /* nobody waits; freed when the store has answered */
};

static const char *kind_name(enum store_snapshot_kind kind)
{
	static const char *const names[] = {
		[STORE_SNAPSHOT_START] = "start",     [STORE_SNAPSHOT_CHECKPOINT] = "checkpoint",
		[STORE_SNAPSHOT_SUSPEND] = "suspend", [STORE_SNAPSHOT_FINAL] = "final",
		[STORE_SNAPSHOT_MANUAL] = "manual",
	};

	return kind >= STORE_SNAPSHOT_START && kind <= STORE_SNAPSHOT_MANUAL ? names[kind]
									     : "unknown";
}

static void to_message(const struct store_snapshot_info *info, node_snapshot *out)
{
	wat__node__snapshot__init(out);
	out->seq = info->seq;
	out->time_ms = info->at_ms;
	out->generation = info->generation;
	out->kind = (char *)(uintptr_t)kind_name(info->kind);
	out->bytes = info->state_len;
	out->lane_bytes = info->lanes_len;
	out->service = (char *)(uintptr_t)info->service;
	out->intact = info->intact;
	out->incarnation =
		(ProtobufCBinaryData){sizeof info->instance_id, (uint8_t *)info->instance_id};
	out->schema = (ProtobufCBinaryData){sizeof info->schema, (uint8_t *)info->schema};
	if (info->has_interface)
		out->interface =
			(ProtobufCBinaryData){sizeof info->interface, (uint8_t *)info->interface};
}

/* The newest of the incarnation that there is now. */
static void mark_current(const struct question *question, node_snapshot **list, size_t n)
{
	const struct instance *instance =
		instance_table_by_name(&question->node->instances, question->name);

	for (size_t i = n; instance && i > 0; i--) {
		if (memcmp(list[i - 1]->incarnation.data, instance->id, 16) != 0)
			continue;
		list[i - 1]->current = true;
		return;
	}
}

static void reply(struct question *question, const struct store_snapshot_info *infos, size_t n)
{
	_cleanup_(freep) node_snapshot *snapshots = calloc(n + 1, sizeof *snapshots);
	_cleanup_(freep) node_snapshot **list = calloc(n + 1, sizeof *list);
	node_snapshot_list out = WAT__NODE__SNAPSHOT_LIST__INIT;

	if (!snapshots || !list) {
		parked_call_fail_with(&question->parked, WAT_OVERLOADED, NULL, "no memory");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		to_message(&infos[i], &snapshots[i]);
		list[i] = &snapshots[i];
	}
	mark_current(question, list, n);
	out.snapshots = list;
	out.n_snapshots = n;
	parked_call_reply(&question->parked, &out.base);
}

static void on_listed(void *arg, int r, const struct store_snapshot_info *infos, size_t n)
{
	struct question *question = arg;

	if (!question->gone && r < 0)
		parked_call_fail_with(&question->parked, WAT_UNAVAILABLE, NULL,
				      "the database can't be read; see the log of watd");
	else if (!question->gone)
		reply(question, infos, n);
	free(question);
}

static void on_overdue(struct parked_call *parked)
{
	parked_call_fail_with(parked, WAT_DEADLINE_EXCEEDED, NULL,
			      "the database did not answer within the time of the call");
	container_of(parked, struct question, parked)->gone = true;
}

static void on_gone(struct parked_call *parked)
{
	parked_call_drop(parked);
	container_of(parked, struct question, parked)->gone = true;
}

wat_status node_on_snapshots(struct node_snapshots_call *c,
			     wat_empty *state,
			     const node_name_request *in)
{
	struct node *node = control_call_of(&c->base)->node;
	_cleanup_(freep) struct question *question = calloc(1, sizeof *question);
	struct instance *instance = NULL;
	wat_status status = node_find_instance(&c->base, in->name, &instance);

	(void)state;
	if (status != WAT_OK)
		return status;
	if (!question)
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	question->node = node;
	question->parked.overdue = on_overdue;
	question->parked.gone = on_gone;
	(void)snprintf(question->name, sizeof question->name, "%s", in->name);
	if (parked_call_init(&question->parked, &c->base, &node->asking) < 0)
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	if (store_list_snapshots(node->store, question->name, on_listed, question) == 0)
		(void)TAKE(question);
	else
		parked_call_fail_with(&question->parked, WAT_OVERLOADED, NULL, "no memory");
	return WAT_OK;
}

static wat_status check_running(struct wat_call *call, const struct instance *instance)
{
	if (instance->state == INSTANCE_READY)
		return WAT_OK;
	return call->api->fail(call, WAT_FAILED_PRECONDITION,
			       "\"%s\" is %s; a snapshot can be made of an instance that is ready "
			       "(watctl snapshots %s shows what there is)",
			       instance->name, instance_state_name(instance->state),
			       instance->name);
}

wat_status node_on_snapshot(struct node_snapshot_call *c,
			    wat_empty *state,
			    const node_snapshot_request *in)
{
	struct instance *instance = NULL;
	struct operation *operation;
	wat_status status = WAT_OK;

	(void)state;
	operation =
		operation_begin(&c->base, ANSWER_OF_NODE(NODE_SNAPSHOT), &in->request_id, &status);
	if (!operation)
		return status;
	status = node_find_instance(&c->base, in->name, &instance);
	if (status == WAT_OK)
		status = check_running(&c->base, instance);
	if (status == WAT_OK)
		lifecycle_snapshot(operation, instance);
	else
		operation_forget(operation);
	return status;
}
