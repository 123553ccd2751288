/* node_service_spawn.c - Spawn of wat.node.Node, and what it shares with Start. Loop thread. */
#include <string.h>
#include <wat/node.service.h>

#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/owner.h"
#include "proto/limits.h"
#include "proto/name.h"

static wat_status refuse_while_suspending(struct wat_call *call)
{
	if (control_call_of(call)->node->suspending)
		return call->api->fail(call, WAT_UNAVAILABLE, "watd is going down; try again");
	return WAT_OK;
}

static wat_status check_tier(struct wat_call *call, Wat__Node__Tier tier)
{
	if (tier == WAT__NODE__TIER__DEFAULT_TIER || tier == WAT__NODE__TIER__THREAD ||
	    tier == WAT__NODE__TIER__PROCESS)
		return WAT_OK;
	return call->api->fail(call, WAT_INVALID_ARGUMENT,
			       "tier: expected thread or process, got number %d", (int)tier);
}

enum instance_tier node_tier_of(Wat__Node__Tier tier, enum instance_tier fallback)
{
	if (tier == WAT__NODE__TIER__DEFAULT_TIER)
		return fallback;
	return tier == WAT__NODE__TIER__THREAD ? INSTANCE_THREAD : INSTANCE_PROCESS;
}

static wat_status check_durability(struct wat_call *call, uint32_t durability)
{
	if (durability <= INSTANCE_SYNC)
		return WAT_OK;
	return call->api->fail(call, WAT_INVALID_ARGUMENT,
			       "durability: expected 1 (none), 2 (crash) or 3 (sync), got %u",
			       durability);
}

wat_status node_check_restart(struct wat_call *call, uint32_t restart)
{
	if (restart <= RESTART_ALWAYS)
		return WAT_OK;
	return call->api->fail(call, WAT_INVALID_ARGUMENT,
			       "restart: expected 1 (never), 2 (on-failure) or 3 (always), got %u",
			       restart);
}

static wat_status check_key(struct wat_call *call, const ProtobufCBinaryData *key)
{
	if (key->len == 32)
		return WAT_OK;
	return call->api->fail(call, WAT_INVALID_ARGUMENT, "holder_pk: expected 32 bytes, got %zu",
			       key->len);
}

wat_status node_check_begin(struct wat_call *call,
			    const ProtobufCBinaryData *holder_pk,
			    Wat__Node__Tier tier,
			    uint32_t durability)
{
	wat_status status = refuse_while_suspending(call);

	if (status == WAT_OK)
		status = check_key(call, holder_pk);
	if (status == WAT_OK)
		status = check_tier(call, tier);
	return status == WAT_OK ? check_durability(call, durability) : status;
}

static wat_status check_spawn(struct wat_call *call, const node_spawn_request *in)
{
	wat_status status = node_check_begin(call, &in->holder_pk, in->tier, in->durability);

	if (status == WAT_OK)
		status = node_check_restart(call, in->restart);
	if (status != WAT_OK)
		return status;
	if (!name_is_valid(in->name))
		return call->api->fail(call, WAT_INVALID_ARGUMENT, "name \"%.80s\": " NAME_RULE,
				       in->name);
	return WAT_OK;
}

wat_status node_check_state(struct wat_call *call,
			    const ProtobufCBinaryData *state,
			    const Wat__Manifest__Service *service)
{
	uint32_t max = service->state_max ? service->state_max : WAT_STATE_MAX;

	if (state->len <= max)
		return WAT_OK;
	return call->api->fail(call, WAT_RESOURCE_EXHAUSTED,
			       "the state has %zu bytes, the limit of %s is %u", state->len,
			       service->name, max);
}

/* A name is free when it was never used or its incarnation was stopped. */
wat_status node_check_free(struct wat_call *call, const struct instance *previous)
{
	if (!previous || previous->state == INSTANCE_STOPPED)
		return WAT_OK;
	return call->api->fail(call, WAT_ALREADY_EXISTS,
			       "there is an instance \"%s\" already, it is %s (watctl show %s)",
			       previous->name, instance_state_name(previous->state),
			       previous->name);
}

static wat_status describe_owner(struct wat_call *call, char *ret, size_t size)
{
	if (owner_describe(control_call_of(call)->session, ret, size) == 0)
		return WAT_OK;
	return call->api->fail(call, WAT_FAILED_PRECONDITION,
			       "attached: the process of this connection is not known to watd, so "
			       "its end could be missed");
}

wat_status node_on_spawn(struct node_spawn_call *c, wat_empty *state, const node_spawn_request *in)
{
	struct wat_call *call = &c->base;
	struct node *node = control_call_of(call)->node;
	struct operation *operation;
	struct lifecycle_begin begin = {.name = in->name};
	char owner[STORE_OWNER_MAX + 1] = "";
	wat_status status = check_spawn(call, in);

	(void)state;
	if (status != WAT_OK)
		return status;
	operation = operation_begin(call, ANSWER_OF_NODE(NODE_SPAWN), &in->request_id, &status);
	if (!operation)
		return status;
	begin.previous = instance_table_by_name(&node->instances, in->name);
	status = node_check_free(call, begin.previous);
	if (status == WAT_OK)
		status = node_find_service(call, in->service, &begin.file, &begin.service);
	if (status == WAT_OK)
		status = node_check_state(call, &in->state, begin.service);
	if (status == WAT_OK && in->attached)
		status = describe_owner(call, owner, sizeof owner);
	if (status != WAT_OK) {
		operation_forget(operation);
		return status;
	}
	if (in->attached) {
		begin.owner = owner;
		begin.owner_session = control_call_of(call)->session;
	}
	begin.tier = node_tier_of(in->tier, INSTANCE_PROCESS);
	begin.durability = instance_durability(in->durability, begin.service);
	begin.restart = (enum restart_when)in->restart;
	begin.state = in->state.data;
	begin.state_len = in->state.len;
	begin.holder_pk = in->holder_pk.data;
	lifecycle_begin(operation, &begin);
	return WAT_OK;
}
