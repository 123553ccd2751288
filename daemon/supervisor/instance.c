/* instance.c - an instance as watd knows it. Loop thread. */
#include "daemon/supervisor/instance.h"

#include <assert.h>
#include <inttypes.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/groups.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/notify.h"
#include "daemon/supervisor/owner.h"
#include "proto/failure.h"
#include "proto/interface.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

static const struct {
	const char *name;
	unsigned edges;
} states[] = {
#define EDGE(to) (1u << INSTANCE_##to)
#define INSTANCE_STATE_ROW(name, text, edges) [INSTANCE_##name] = {text, edges},
	INSTANCE_STATES(INSTANCE_STATE_ROW)
#undef INSTANCE_STATE_ROW
};

const char *instance_state_name(enum instance_state state)
{
	return states[state].name;
}

struct instance *instance_new(struct node *node, const char *name)
{
	struct instance *instance = calloc(1, sizeof *instance);

	if (!instance)
		return NULL;
	instance->node = node;
	(void)snprintf(instance->name, sizeof instance->name, "%s", name);
	instance->state = INSTANCE_STARTING;
	instance->policy = (struct restart_policy)RESTART_POLICY_INIT;
	list_init(&instance->by_name);
	list_init(&instance->by_id);
	list_init(&instance->all);
	list_init(&instance->grants);
	list_init(&instance->waiters);
	list_init(&instance->of_host);
	instance->owner_fd = -1;
	return instance;
}

struct instance *instance_free(struct instance *instance)
{
	if (!instance)
		return NULL;
	assert(!instance->host && list_empty(&instance->grants) && list_empty(&instance->waiters));
	owner_forget(instance);
	if (instance->timer)
		event_free(instance->timer);
	failure_free(instance->failure);
	free(instance->plugin_copy);
	for (size_t i = 0; i < instance->n_last_deaths; i++)
		failure_free(instance->last_deaths[i]);
	free(instance->committed);
	free(instance->lanes);
	failure_free(instance->verdict);
	if (instance->lock_timer)
		event_free(instance->lock_timer);
	list_remove(&instance->by_name);
	list_remove(&instance->by_id);
	list_remove(&instance->all);
	free(instance);
	return NULL;
}

bool instance_is_settled(const struct instance *instance)
{
	switch (instance->state) {
	case INSTANCE_READY:
	case INSTANCE_STOPPED:
	case INSTANCE_FAILED:
	case INSTANCE_QUARANTINED:
	case INSTANCE_SUSPENDED:
		return true;
	case INSTANCE_STARTING:
	case INSTANCE_STOPPING:
	case INSTANCE_BACKOFF:
	case INSTANCE_RESTARTING:
	case INSTANCE_REMOVING:
	default:
		return false;
	}
}

bool instance_is_doomed(const struct instance *instance)
{
	return instance->host && instance->host->killed;
}

void instance_wake(struct instance *instance)
{
	struct list woken;
	struct list *first;

	/* One that waits again joins the instance's own list, not this one. */
	list_init(&woken);
	while ((first = list_first(&instance->waiters))) {
		list_remove(first);
		list_append(&woken, first);
	}
	while ((first = list_first(&woken))) {
		struct instance_waiter *waiter = container_of(first, struct instance_waiter, link);

		list_remove(first);
		waiter->settled(waiter);
	}
}

static bool is_ending(enum instance_state state)
{
	return state == INSTANCE_STOPPING || state == INSTANCE_STOPPED ||
	       state == INSTANCE_RESTARTING || state == INSTANCE_SUSPENDED;
}

void instance_move(struct instance *instance, enum instance_state to)
{
	char generation[24], invocation[24];

	assert(states[instance->state].edges & 1u << to);
	(void)snprintf(generation, sizeof generation, "%llu",
		       (unsigned long long)instance->generation);
	(void)snprintf(invocation, sizeof invocation, "%016llx",
		       (unsigned long long)instance->origin.invocation);
	log_info("instance changes state", "instance", instance->name, "service", instance->service,
		 "from", states[instance->state].name, "to", states[to].name, "generation",
		 generation, "invocation", invocation);
	instance->state = to;
	if (!is_ending(to))
		instance->end_step = END_NONE;
	if (to == INSTANCE_READY) {
		instance->ready_at_ms = clock_monotonic_ms();
		instance->in_order = false;
	}
	notify_changed(instance->node);
	groups_changed(instance->node);
	node_wait_notice(instance->node);
	if (instance_is_settled(instance))
		instance_wake(instance);
}

void instance_tell_verdict(struct instance *instance)
{
	list_for_each (i, &instance->waiters) {
		struct instance_waiter *waiter = container_of(i, struct instance_waiter, link);

		if (waiter->judged)
			waiter->judged(waiter);
	}
}

int instance_to_row(const struct instance *instance,
		    enum store_instance_state state,
		    struct store_instance *ret_row,
		    uint8_t **ret_failure)
{
	struct store_instance row = {
		.interface_hash = instance->interface_hash,
		.tier = (int)instance->tier,
		.state = state,
		.epoch = instance->epoch,
		.generation = instance->generation,
		.deaths = instance->deaths,
		.created_ms = instance->created_ms,
		.durability = instance->durability,
		.restart = (int)instance->policy.when,
	};
	uint8_t *failure = NULL;

	memcpy(row.name, instance->name, sizeof row.name);
	memcpy(row.id, instance->id, sizeof row.id);
	memcpy(row.service, instance->service, sizeof row.service);
	memcpy(row.plugin, instance->plugin, sizeof row.plugin);
	memcpy(row.isolated, instance->isolated, sizeof row.isolated);
	memcpy(row.plugin_digest, instance->plugin_digest, sizeof row.plugin_digest);
	memcpy(row.owner, instance->owner, sizeof row.owner);
	if (instance->failure) {
		row.failure_len = wat__envelope__failure__get_packed_size(instance->failure);
		failure = malloc(row.failure_len + 1);
		if (!failure)
			return -ENOMEM;
		wat__envelope__failure__pack(instance->failure, failure);
		row.failure = failure;
	}
	*ret_row = row;
	*ret_failure = failure;
	return 0;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (copy && n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

int instance_set_snapshot(struct instance *instance,
			  const Wat__Host__Snapshot *snapshot,
			  uint64_t at_ms)
{
	_cleanup_(freep) uint8_t *state = copy_of(snapshot->state.data, snapshot->state.len);
	_cleanup_(freep) uint8_t *lanes = copy_of(snapshot->lanes.data, snapshot->lanes.len);

	if (!state || !lanes)
		return -ENOMEM;
	free(instance->committed);
	free(instance->lanes);
	instance->committed = TAKE(state);
	instance->committed_len = snapshot->state.len;
	instance->lanes = TAKE(lanes);
	instance->lanes_len = snapshot->lanes.len;
	instance->last_seq = snapshot->last_seq;
	instance->committed_ms = at_ms;
	return 0;
}

int instance_set_committed(struct instance *instance,
			   const uint8_t *state,
			   size_t n,
			   uint64_t at_ms)
{
	Wat__Host__Snapshot snapshot = WAT__HOST__SNAPSHOT__INIT;

	snapshot.state = (ProtobufCBinaryData){n, (uint8_t *)state};
	return instance_set_snapshot(instance, &snapshot, at_ms);
}

Wat__Host__Snapshot instance_snapshot(const struct instance *instance)
{
	Wat__Host__Snapshot snapshot = WAT__HOST__SNAPSHOT__INIT;

	snapshot.state = (ProtobufCBinaryData){instance->committed_len, instance->committed};
	snapshot.lanes = (ProtobufCBinaryData){instance->lanes_len, instance->lanes};
	snapshot.last_seq = instance->last_seq;
	return snapshot;
}

void instance_snapshot_advice(const struct instance *instance, char *text, size_t size)
{
	if (instance->earlier)
		(void)snprintf(text, size, "watctl start %s --from %" PRIu64, instance->name,
			       instance->earlier);
	else if (instance->looked)
		(void)snprintf(text, size,
			       "no earlier one is intact: watctl rm %s, then spawn it with a state",
			       instance->name);
	else
		(void)snprintf(text, size,
			       "watctl snapshots %s shows others, for watctl start %s --from",
			       instance->name, instance->name);
}

void instance_damage(const struct instance *instance, char *text, size_t size)
{
	char advice[160];

	instance_snapshot_advice(instance, advice, sizeof advice);
	if (instance->damaged)
		(void)snprintf(text, size,
			       "snapshot %" PRIu64 " of %s is damaged (its digest is not that of "
			       "its bytes) and is not started; %s",
			       instance->snapshot, instance->name, advice);
	else
		(void)snprintf(text, size, "%s has no committed state; %s", instance->name, advice);
}

void instance_set_failure(struct instance *instance, Wat__Envelope__Failure *failure)
{
	failure_free(instance->failure);
	instance->failure = failure;
}

void instance_add_death(struct instance *instance, Wat__Envelope__Failure *failure)
{
	Wat__Envelope__Failure **deaths = instance->last_deaths;

	if (!failure)
		return;
	if (instance->n_last_deaths == STORE_DEATHS_MAX) {
		failure_free(deaths[0]);
		memmove(deaths, deaths + 1, --instance->n_last_deaths * sizeof *deaths);
	}
	deaths[instance->n_last_deaths++] = failure;
}

int instance_durability(uint32_t asked, const Wat__Manifest__Service *service)
{
	if (asked)
		return (int)asked;
	return service->durability >= INSTANCE_NONE && service->durability <= INSTANCE_SYNC
		       ? (int)service->durability
		       : INSTANCE_CRASH;
}

/* Bits of the methods that a capability may cover. */
static uint64_t callable_methods(const Wat__Manifest__Service *service)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < service->n_methods && i < WAT_METHODS_MAX; i++)
		if (!(service->methods[i]->flags & WAT_METHOD_INTERNAL))
			mask |= UINT64_C(1) << i;
	return mask;
}

void instance_set_service(struct instance *instance,
			  const char *path,
			  const uint8_t schema_digest[32],
			  const Wat__Manifest__Service *service)
{
	(void)snprintf(instance->plugin, sizeof instance->plugin, "%s", path);
	memcpy(instance->schema, schema_digest, sizeof instance->schema);
	interface_hash(service->name, service->version, instance->interface);
	instance->all_methods = callable_methods(service);
	instance->lifecycle = service->lifecycle;
	instance->state_max = service->state_max ? service->state_max : WAT_STATE_MAX;
}
