/* node_service_start.c - Start of wat.node.Node: from the last state, or from an earlier snapshot.
 * Loop thread. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/policy.h"
#include "proto/support/cleanup.h"

/* A stopped name: a new incarnation from its final state. */
static wat_status start_stopped(struct wat_call *call,
				struct operation *operation,
				const node_start_request *in,
				struct instance *previous)
{
	struct lifecycle_begin begin = {
		.name = previous->name,
		.tier = node_tier_of(in->tier, previous->tier),
		.durability = in->durability ? (int)in->durability : previous->durability,
		.restart = in->restart ? (enum restart_when)in->restart : previous->policy.when,
		.state = previous->committed,
		.state_len = previous->committed_len,
		.holder_pk = in->holder_pk.data,
		.previous = previous,
		.from = previous->snapshot,
	};
	wat_status status = node_find_service(call, previous->service, &begin.file, &begin.service);
	char text[256];

	if (status == WAT_OK && !previous->committed) {
		instance_damage(previous, text, sizeof text);
		status = call->api->fail(call, WAT_DATA_LOSS, "%s", text);
	}
	if (status != WAT_OK)
		operation_forget(operation);
	else
		lifecycle_begin(operation, &begin);
	return status;
}

static wat_status start_failed(struct wat_call *call,
			       struct operation *operation,
			       const node_start_request *in,
			       struct instance *instance)
{
	char text[256];

	if (!instance->committed) {
		operation_forget(operation);
		instance_damage(instance, text, sizeof text);
		return call->api->fail(call, WAT_DATA_LOSS, "%s", text);
	}
	if (in->durability && (int)in->durability != instance->durability) {
		operation_forget(operation);
		return call->api->fail(call, WAT_FAILED_PRECONDITION,
				       "\"%s\" goes on as it was; its durability can be changed "
				       "only when it begins anew, after a stop",
				       instance->name);
	}
	instance->tier = node_tier_of(in->tier, instance->tier);
	if (in->restart)
		instance->policy.when = (enum restart_when)in->restart;
	policy_take(instance);
	lifecycle_revive(operation, instance);
	return WAT_OK;
}

/* From a snapshot that was chosen: a new incarnation, so that nobody takes it for what was later.
 */
struct return_to {
	struct operation *operation;
	char name[64];
	Wat__Node__Tier tier;
	uint32_t durability;
	enum restart_when restart; /* 0: as it was */
	uint8_t holder_pk[32];
};

static bool can_begin(const struct instance *instance)
{
	return (instance->state == INSTANCE_STOPPED || instance_is_given_up(instance)) &&
	       !instance->operation;
}

/* NULL and a sentence: it can't be started. */
static const struct store_snapshot *look_at(const struct store_snapshot_found *found,
					    const char *name,
					    const struct plugin_file *file,
					    const Wat__Manifest__Service *service,
					    char *text,
					    size_t size)
{
	const struct store_snapshot *row = &found->row;
	uint8_t interface[INTERFACE_HASH_SIZE];
	char advice[160] = "no earlier one is intact";

	if (found->earlier)
		(void)snprintf(advice, sizeof advice, "watctl start %s --from %" PRIu64, name,
			       found->earlier);
	interface_hash(service->name, service->version, interface);
	if (!found->intact)
		(void)snprintf(text, size,
			       "snapshot %" PRIu64 " of %s is damaged (its digest is not that of "
			       "its bytes) and is not started; %s",
			       row->seq, name, advice);
	else if (strcmp(row->service, service->name) != 0)
		(void)snprintf(text, size,
			       "snapshot %" PRIu64 " is of the service %.100s, %s is of %.100s; %s",
			       row->seq, row->service, name, service->name, advice);
	else if (row->has_interface && memcmp(row->interface, interface, sizeof interface) != 0)
		(void)snprintf(text, size,
			       "snapshot %" PRIu64 " is of another interface of %.100s than %s has",
			       row->seq, row->service, file->path);
	else
		return row;
	return NULL;
}

static wat_status begin_from(const struct return_to *to,
			     struct instance *previous,
			     const struct store_snapshot_found *found,
			     char *text,
			     size_t size)
{
	struct node *node = to->operation->node;
	char note[48];
	struct lifecycle_begin begin = {
		.name = previous->name,
		.tier = node_tier_of(to->tier, previous->tier),
		.durability = to->durability ? (int)to->durability : previous->durability,
		.restart = to->restart ? to->restart : previous->policy.when,
		.holder_pk = to->holder_pk,
		.previous = previous,
		.from = found->row.seq,
		.back = true,
		.earlier = found->earlier,
		.note = note,
	};

	if (catalog_find(&node->catalog, previous->service, &begin.file, &begin.service) !=
	    CATALOG_FOUND) {
		(void)snprintf(text, size, "no plugin provides %.100s", previous->service);
		return WAT_FAILED_PRECONDITION;
	}
	if (!look_at(found, previous->name, begin.file, begin.service, text, size))
		return found->intact ? WAT_FAILED_PRECONDITION : WAT_DATA_LOSS;
	(void)snprintf(note, sizeof note, "from snapshot %" PRIu64, found->row.seq);
	begin.state = found->row.state;
	begin.state_len = found->row.state_len;
	lifecycle_begin(to->operation, &begin);
	return WAT_OK;
}

static void on_found(void *arg, int r, const struct store_snapshot_found *found)
{
	_cleanup_(freep) struct return_to *to = arg;
	struct operation *operation = to->operation;
	struct instance *previous = instance_table_by_name(&operation->node->instances, to->name);
	char text[768];
	wat_status status;

	if (r == -ENOENT) {
		operation_fail(
			operation, WAT_NOT_FOUND, NULL,
			"there is no such snapshot of \"%s\" (watctl snapshots %s lists them)",
			to->name, to->name);
	} else if (r < 0) {
		operation_fail(operation, WAT_UNAVAILABLE, NULL,
			       "the database can't be read; see the log of watd");
	} else if (!previous || !can_begin(previous) || operation->node->suspending) {
		operation_fail(operation, WAT_UNAVAILABLE, NULL,
			       "\"%s\" has changed meanwhile; look again (watctl show %s)",
			       to->name, to->name);
	} else {
		status = begin_from(to, previous, found, text, sizeof text);
		if (status != WAT_OK)
			operation_fail(operation, status, NULL, "%s", text);
	}
}

static wat_status start_from(struct wat_call *call,
			     struct operation *operation,
			     const node_start_request *in,
			     const struct instance *instance)
{
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;
	struct return_to *to;
	wat_status status = node_find_service(call, instance->service, &file, &service);

	if (status == WAT_OK && !can_begin(instance))
		status = call->api->fail(call, WAT_UNAVAILABLE,
					 "\"%s\" is about to change; try again", instance->name);
	to = status == WAT_OK ? calloc(1, sizeof *to) : NULL;
	if (status == WAT_OK && !to)
		status = call->api->fail(call, WAT_OVERLOADED, "no memory");
	if (!to) {
		operation_forget(operation);
		return status;
	}
	to->operation = operation;
	to->tier = in->tier;
	to->durability = in->durability;
	to->restart = (enum restart_when)in->restart;
	memcpy(to->holder_pk, in->holder_pk.data, sizeof to->holder_pk);
	(void)snprintf(to->name, sizeof to->name, "%s", instance->name);
	if (store_find_snapshot(operation->node->store, to->name, in->from, on_found, to) == 0)
		return WAT_OK;
	free(to);
	operation_forget(operation);
	return call->api->fail(call, WAT_OVERLOADED, "no memory");
}

static wat_status start(struct wat_call *call,
			struct operation *operation,
			const node_start_request *in,
			struct instance *instance)
{
	if (instance->state != INSTANCE_STOPPED && !instance_is_given_up(instance)) {
		operation_forget(operation);
		return call->api->fail(
			call, WAT_FAILED_PRECONDITION,
			"\"%s\" is %s; only a stopped or failed instance can be started",
			instance->name, instance_state_name(instance->state));
	}
	if (in->from)
		return start_from(call, operation, in, instance);
	return instance->state == INSTANCE_STOPPED ? start_stopped(call, operation, in, instance)
						   : start_failed(call, operation, in, instance);
}

wat_status node_on_start(struct node_start_call *c, wat_empty *state, const node_start_request *in)
{
	struct wat_call *call = &c->base;
	struct instance *instance = NULL;
	struct operation *operation;
	wat_status status = node_check_begin(call, &in->holder_pk, in->tier, in->durability);

	(void)state;
	if (status == WAT_OK)
		status = node_check_restart(call, in->restart);
	if (status != WAT_OK)
		return status;
	operation = operation_begin(call, ANSWER_OF_NODE(NODE_START), &in->request_id, &status);
	if (!operation)
		return status;
	status = node_find_instance(call, in->name, &instance);
	if (status == WAT_OK)
		return start(call, operation, in, instance);
	operation_forget(operation);
	return status;
}
