/* node_load.c - the store's rows become instances, grants and answers. Main thread, before the
 * loop. */
#include "daemon/supervisor/node_load.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/call_deaths.h"
#include "daemon/supervisor/former_host.h"
#include "daemon/supervisor/journal_files.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/policy.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

static enum instance_state state_of(enum store_instance_state state)
{
	switch (state) {
	case STORE_STOPPED:
		return INSTANCE_STOPPED;
	case STORE_FAILED:
		return INSTANCE_FAILED;
	case STORE_QUARANTINED:
		return INSTANCE_QUARANTINED;
	case STORE_RUNNING:
	default:
		return INSTANCE_STARTING;
	}
}

static int load_failure(struct instance *instance, const struct store_instance *row)
{
	ProtobufCMessage *message;
	int r;

	if (!row->failure || row->failure_len == 0)
		return 0;
	r = check_unpack(&wat__envelope__failure__descriptor, NULL, row->failure, row->failure_len,
			 &message, NULL);
	if (r == 0)
		instance_set_failure(instance, (Wat__Envelope__Failure *)message);
	/* What it once died of is worth less than the instance. */
	return r == -ENOMEM ? r : 0;
}

static int on_instance(void *arg, const struct store_instance *row)
{
	struct node *node = arg;
	struct instance *instance = instance_new(node, row->name);

	if (!instance)
		return -ENOMEM;
	memcpy(instance->id, row->id, sizeof instance->id);
	memcpy(instance->service, row->service, sizeof instance->service);
	memcpy(instance->plugin, row->plugin, sizeof instance->plugin);
	memcpy(instance->plugin_digest, row->plugin_digest, sizeof instance->plugin_digest);
	instance->interface_hash = row->interface_hash;
	instance->tier = row->tier == INSTANCE_THREAD ? INSTANCE_THREAD : INSTANCE_PROCESS;
	instance->epoch = row->epoch;
	instance->generation = row->generation;
	instance->deaths = row->deaths;
	instance->created_ms = row->created_ms;
	instance->durability = row->durability;
	instance->policy.when = (enum restart_when)row->restart;
	memcpy(instance->isolated, row->isolated, sizeof instance->isolated);
	memcpy(instance->owner, row->owner, sizeof instance->owner);
	policy_take(instance);
	instance->state = state_of(row->state);
	instance_table_add(&node->instances, instance);
	return load_failure(instance, row);
}

static int on_death(void *arg, const uint8_t instance_id[16], const uint8_t *failure, size_t n)
{
	struct instance *instance =
		instance_table_by_id(&((struct node *)arg)->instances, instance_id);
	ProtobufCMessage *message;
	int r;

	if (!instance)
		return 0;
	r = check_unpack(&wat__envelope__failure__descriptor, NULL, failure, n, &message, NULL);
	if (r == 0)
		instance_add_death(instance, (Wat__Envelope__Failure *)message);
	return r == -ENOMEM ? r : 0;
}

static int on_grant(void *arg, const struct store_grant *row)
{
	struct node *node = arg;
	struct instance *instance = instance_table_by_id(&node->instances, row->instance_id);
	struct grant *grant;
	int r;

	/* Those that were being revoked are finished when their instance is ready; revoked rows are
	 * for the audit only. */
	if (!instance || (row->state != 2 && row->state != 3))
		return 0;
	r = grant_table_add(node->grants, row, &grant);
	if (r < 0)
		return r;
	grant->instance = instance;
	list_append(&instance->grants, &grant->of_instance);
	return 0;
}

static int on_snapshot(void *arg, const struct store_snapshot *row)
{
	struct instance *instance =
		instance_table_by_id(&((struct node *)arg)->instances, row->instance_id);
	Wat__Host__Snapshot snapshot = WAT__HOST__SNAPSHOT__INIT;

	if (!instance)
		return 0;
	memcpy(instance->schema, row->schema, sizeof instance->schema);
	memcpy(instance->interface, row->interface, sizeof instance->interface);
	instance->snapshot = row->seq;
	snapshot.state = (ProtobufCBinaryData){row->state_len, (uint8_t *)row->state};
	snapshot.lanes = (ProtobufCBinaryData){row->lanes_len, (uint8_t *)row->lanes};
	snapshot.last_seq = row->last_seq;
	return instance_set_snapshot(instance, &snapshot, row->at_ms);
}

static int on_bad_snapshot(void *arg, const struct store_snapshot *row, uint64_t earlier)
{
	struct instance *instance =
		instance_table_by_id(&((struct node *)arg)->instances, row->instance_id);
	char text[256];

	if (!instance)
		return 0;
	instance->snapshot = row->seq;
	instance->damaged = true;
	instance->looked = true;
	instance->earlier = earlier;
	instance_damage(instance, text, sizeof text);
	log_error("a stored state is damaged and is not used", "instance", row->name, "what", text);
	return 0;
}

static int on_host(void *arg, const struct store_host *row)
{
	(void)arg;
	former_host_end(row);
	return 0;
}

static int on_issuer(void *arg, const struct store_issuer *row)
{
	return keys_load(arg, row);
}

static int on_ended(void *arg, const uint8_t instance_id[16])
{
	return instance_table_add_ended(&((struct node *)arg)->instances, instance_id);
}

static int on_answer(void *arg, const struct store_answer *row)
{
	return answers_add(&((struct node *)arg)->answers, row);
}

/* A beginning from an earlier snapshot ends an incarnation whose journal nobody has read to its
 * end. */
static enum journal_fate judge_journal(void *arg, const uint8_t instance_id[16])
{
	struct node *node = arg;
	const struct instance *instance = instance_table_by_id(&node->instances, instance_id);

	if (instance)
		return instance->state == INSTANCE_STOPPED ? JOURNAL_REMOVE : JOURNAL_KEEP;
	/* The database that knew them may be mended. */
	if (node->damage)
		return JOURNAL_SET_ASIDE;
	return instance_table_is_ended(&node->instances, instance_id) ? JOURNAL_SET_ASIDE
								      : JOURNAL_REMOVE;
}

/* What is left of before for none of them goes. */
static void sweep(struct node *node)
{
	journal_files_sweep(node->journal_dir, judge_journal, node);
	call_deaths_sweep(node->calls_dir, &node->instances);
}

int node_load(struct node *node)
{
	static const struct store_visitor visitor = {
		.instance = on_instance,
		.grant = on_grant,
		.snapshot = on_snapshot,
		.bad_snapshot = on_bad_snapshot,
		.ended = on_ended,
		.answer = on_answer,
		.host = on_host,
		.issuer = on_issuer,
		.death = on_death,
	};

	const char *dir = node->options->runtime_dir;
	int r = call_deaths_init(dir, node_id(node), &node->calls_dir);

	if (r < 0) {
		log_error("the runtime directory can't be written", "path", dir, "error",
			  strerror(-r));
		return r;
	}
	r = store_load(node->store, &visitor, node);
	if (r == 0)
		sweep(node);
	return r;
}
