/* lifecycle_begun.c - the first start of an incarnation, from its host's answer to the end: stored
 * and answered, or given up. Loop thread. */
#include <errno.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node_service.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"
#include <wat/node.pb-c.h>

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

void lifecycle_abandon(struct instance *instance,
		       wat_status status,
		       const Wat__Envelope__Failure *failure,
		       const char *text)
{
	struct operation *operation = TAKE(instance->operation);
	struct node *node = instance->node;
	struct instance *previous = TAKE(instance->previous);

	lifecycle_audit_abandoned(instance, status, failure ? failure->text : text);
	lifecycle_detach(instance);
	lifecycle_drop_segments(instance, SEGMENTS_ALL);
	instance_move(instance, INSTANCE_FAILED);
	instance_table_remove(&node->instances, instance);
	instance_free(instance);
	if (previous && previous->state == INSTANCE_REMOVING)
		instance_move(previous, previous->before_removal);
	if (previous)
		instance_table_show(&node->instances, previous);
	if (operation)
		operation_fail(operation, status, failure, "%s", text);
	node_wait_notice(node);
	node_check_progress(node);
}

/* The incarnation before makes room: its tokens are STALE from now on. */
static void retire_previous(struct instance *instance)
{
	struct node *node = instance->node;
	struct instance *previous = TAKE(instance->previous);

	if (!previous)
		return;
	if (instance_table_add_ended(&node->instances, previous->id) < 0)
		log_error("no memory to remember an earlier incarnation", "instance",
			  previous->name);
	if (previous->before_removal != INSTANCE_STOPPED)
		lifecycle_set_aside_segments(previous);
	list_for_each_safe (i, &previous->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		list_remove(i);
		grant_table_remove(node->grants, grant);
	}
	instance_table_remove(&node->instances, previous);
	instance_wake(previous);
	instance_free(previous);
}

/* The Admin that was made for a beginning which came to nothing. */
static void take_back_admin(struct instance *instance)
{
	struct grant *grant = TAKE(instance->operation->grant);

	if (!grant)
		return;
	list_remove(&grant->of_instance);
	grant_table_remove(instance->node->grants, grant);
}

/* It runs, but nobody will ever hear of it. A process of its own ends with its control socket; in
 * the pool it must be told. */
static void end_unstored(struct instance *instance)
{
	Wat__Host__FinishRequest request = WAT__HOST__FINISH_REQUEST__INIT;

	if (!instance->host || !instance->host->pool)
		return;
	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.status = WAT_STOPPED;
	if (host_request(instance->host, HOST_FINISH, &request.base, -1, NULL, NULL) < 0)
		log_error("no memory to end an instance that was not stored", "instance",
			  instance->name);
}

static void on_begun(void *arg, int r)
{
	struct instance *instance = arg;
	struct operation *operation;

	if (r < 0) {
		take_back_admin(instance);
		end_unstored(instance);
		lifecycle_abandon(instance, WAT_RESOURCE_EXHAUSTED, NULL,
				  "the new instance can't be stored and was not started; see the "
				  "log of watd");
		log_error("a spawn was not stored", "error", lifecycle_store_error(r));
		return;
	}
	CRASH_HERE(begin_stored);
	operation = TAKE(instance->operation);
	if (operation->grant)
		operation->grant->row.state = 2;
	instance->beginning = instance->looked = false;
	instance->begun_from = 0;
	retire_previous(instance);
	/* The host may have died while the database wrote. */
	if (instance->host) {
		lifecycle_ready(instance);
	} else {
		lifecycle_audit_death(instance, instance->failure);
		lifecycle_died(instance, true);
	}
	operation_conclude(operation);
}

/* The Admin of the incarnation, if it has one from the beginning: its row in memory (pending), in
 * the transaction, and its token in the reply. */
static int add_admin(struct instance *instance, struct store_txn *txn, uint8_t token[TOKEN_SIZE])
{
	struct node *node = instance->node;
	struct store_grant row;
	struct grant *grant;
	int r = node_mint(node, instance, TOKEN_ADMIN, "", instance->admin_holder_pk, UINT64_MAX, 0,
			  &row, token);

	if (r < 0)
		return r;
	row.state = 2;
	r = store_txn_put_grant(txn, &row);
	if (r < 0)
		return r;
	row.state = 1;
	r = grant_table_add(node->grants, &row, &grant);
	if (r < 0)
		return r;
	grant->instance = instance;
	list_append(&instance->grants, &grant->of_instance);
	instance->operation->grant = grant;
	return 0;
}

int lifecycle_decide_reply(struct instance *instance, struct store_txn *txn, const uint8_t *token)
{
	Wat__Node__SpawnReply spawned = WAT__NODE__SPAWN_REPLY__INIT;
	Wat__Node__StartReply started = WAT__NODE__START_REPLY__INIT;
	Wat__Node__ImportReply imported = WAT__NODE__IMPORT_REPLY__INIT;
	ProtobufCBinaryData bytes = {token ? TOKEN_SIZE : 0, (uint8_t *)token};
	ProtobufCBinaryData id = {16, instance->id};

	if (lifecycle_is_restart(instance->operation))
		return lifecycle_decide_restarted(instance->operation, instance, txn);
	if (instance->operation->answer == ANSWER_OF_NODE(NODE_SPAWN)) {
		spawned.token = bytes;
		spawned.incarnation = id;
		spawned.generation = instance->generation;
		spawned.service = instance->service;
		return operation_decide(instance->operation, &spawned.base, txn);
	}
	if (instance->operation->answer == ANSWER_OF_NODE(NODE_IMPORT)) {
		imported.token = bytes;
		imported.incarnation = id;
		imported.generation = instance->generation;
		imported.service = instance->service;
		imported.name = instance->name;
		return operation_decide(instance->operation, &imported.base, txn);
	}
	started.token = bytes;
	started.incarnation = id;
	started.generation = instance->generation;
	started.service = instance->service;
	return operation_decide(instance->operation, &started.base, txn);
}

/* Everything a beginning leaves in the store, in one transaction. */
static int commit_beginning(struct instance *instance)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = lifecycle_txn(instance, STORE_RUNNING);
	Wat__Host__Snapshot snapshot = instance_snapshot(instance);
	uint8_t token[TOKEN_SIZE];
	int r;

	if (!txn)
		return -ENOMEM;
	if (instance->previous && (r = store_txn_end_incarnation(txn, instance->previous->id)) < 0)
		return r;
	if ((r = lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_START, &snapshot)) < 0 ||
	    (instance->wants_admin && (r = add_admin(instance, txn, token)) < 0) ||
	    (r = lifecycle_decide_reply(instance, txn, instance->wants_admin ? token : NULL)) < 0 ||
	    (r = lifecycle_audit_begun(instance, txn)) < 0)
		return r;
	store_submit(instance->node->store, TAKE(txn), on_begun, instance);
	return 0;
}

void lifecycle_begun(struct instance *instance)
{
	int r = commit_beginning(instance);

	if (r == 0)
		return;
	take_back_admin(instance);
	end_unstored(instance);
	lifecycle_refused(instance, WAT_RESOURCE_EXHAUSTED, NULL,
			  "watd has no memory for the new instance");
}
