/* lifecycle_restart.c - an instance that is up is ended in order and goes on as its next
 * generation: incarnation, grants and lanes stay, none of its handlers runs. Loop thread. Drain ->
 * commit {state} -> Finish -> STARTING. */
#include <errno.h>
#include <string.h>
#include <wat/admin.pb-c.h>
#include <wat/node.pb-c.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "proto/support/cleanup.h"

/* It has no process any more, and its state is kept. */
static void ended(struct instance *instance)
{
	struct operation *operation;

	lifecycle_detach(instance);
	instance->drained = instance->finishing = false;
	instance->ready_at_ms = 0;
	if (!instance->node->suspending) {
		/* Somebody asked for it. */
		if (instance->operation)
			lifecycle_take_installed_plugin(instance);
		if (!groups_hold(instance))
			lifecycle_start_again(instance);
		return;
	}
	operation = TAKE(instance->operation);
	if (operation)
		operation_fail(operation, WAT_UNAVAILABLE, NULL, "watd is going down; try again");
	lifecycle_suspended(instance);
}

static void on_finished(void *arg, const struct host_answer *answer)
{
	if (answer->died)
		return;
	lifecycle_step(arg, END_ENDED);
	ended(arg);
}

/* Without a commit the state is in memory, and the journal has all of it still. */
static void on_committed(void *arg, int r)
{
	struct instance *instance = arg;

	if (r == 0) {
		lifecycle_step(instance, END_COMMITTED);
		lifecycle_drop_segments(instance, SEGMENTS_ALL);
	} else
		log_error("the state of an instance that is restarted could not be stored",
			  "instance", instance->name, "error", lifecycle_store_error(r));
	instance->finishing = true;
	if (!instance->host ||
	    lifecycle_request_finish(instance, WAT_UNAVAILABLE, "the instance is restarted",
				     on_finished) < 0)
		ended(instance);
}

static void goes_on(struct instance *instance, wat_status status, const char *why)
{
	struct operation *operation = TAKE(instance->operation);

	log_warning("an instance could not be ended in order, and goes on", "instance",
		    instance->name, "why", why);
	if (operation)
		operation_fail(operation, status, NULL, "\"%s\" goes on as it was: %s",
			       instance->name, why);
	lifecycle_ready(instance);
}

static void on_drained(void *arg, const struct host_answer *answer)
{
	struct instance *instance = arg;
	Wat__Host__Snapshot snapshot;
	struct store_txn *txn;

	/* lifecycle_host_died sees to it. */
	if (answer->died)
		return;
	if (answer->status != WAT_OK || lifecycle_take_state(instance, answer) < 0) {
		goes_on(instance, WAT_INTERNAL, "it gave no state that can be read");
		return;
	}
	instance->drained = true;
	lifecycle_step(instance, END_GIVEN);
	txn = lifecycle_txn(instance, STORE_RUNNING);
	snapshot = instance_snapshot(instance);
	if (txn && lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_SUSPEND, &snapshot) < 0)
		txn = store_txn_free(txn);
	if (txn)
		store_submit(instance->node->store, txn, on_committed, instance);
	else
		on_committed(instance, -ENOMEM);
}

void lifecycle_restart(struct instance *instance)
{
	instance->in_order = true;
	instance_move(instance, INSTANCE_RESTARTING);
	lifecycle_step(instance, END_CLOSED);
	if (lifecycle_request_drain(instance, false, on_drained) < 0)
		goes_on(instance, WAT_OVERLOADED, "no memory");
}

bool lifecycle_restart_host_gone(struct instance *instance)
{
	/* The commit is under way, and goes on from there. */
	if (instance->drained && !instance->finishing)
		return true;
	if (instance->finishing)
		ended(instance);
	return instance->state != INSTANCE_RESTARTING;
}

static void refuse(struct operation *operation, wat_status status, const char *why)
{
	operation_fail(operation, status, NULL, "\"%s\" %s", operation->instance->name, why);
}

void lifecycle_restart_when_settled(struct operation *operation)
{
	struct instance *instance = operation->instance;

	if (instance->state == INSTANCE_REMOVING)
		refuse(operation, WAT_NOT_FOUND, "is being removed");
	else if (instance->node->suspending)
		refuse(operation, WAT_UNAVAILABLE, "goes down with watd; try again");
	else if (instance->operation)
		operation_wait(operation, instance, lifecycle_restart_when_settled);
	else if (instance->state == INSTANCE_STOPPED)
		refuse(operation, WAT_STOPPED, "was stopped (watctl start begins it anew)");
	else if (instance->state == INSTANCE_QUARANTINED)
		refuse(operation, WAT_FAILED_PRECONDITION,
		       "is quarantined; watctl start says that it shall go on");
	else if (instance->state == INSTANCE_FAILED && instance->committed)
		lifecycle_revive(operation, instance);
	else if (instance->state == INSTANCE_FAILED)
		refuse(operation, WAT_DATA_LOSS, "has no committed state that can be read");
	else if (instance->state == INSTANCE_READY) {
		instance->operation = operation;
		instance->origin = operation->origin;
		lifecycle_restart(instance);
	} else
		operation_wait(operation, instance, lifecycle_restart_when_settled);
}

bool lifecycle_is_restart(const struct operation *operation)
{
	switch (operation->answer) {
	case ANSWER_OF_NODE(NODE_RESTART):
	case ANSWER_OF_NODE(NODE_RESET_FAILED):
	case ANSWER_OF_NODE(NODE_RELEASE):
	case ANSWER_OF_ADMIN(ADMIN_RELEASE):
		return true;
	default:
		return false;
	}
}

int lifecycle_decide_restarted(struct operation *operation,
			       const struct instance *instance,
			       struct store_txn *txn)
{
	Wat__Node__RestartReply restarted = WAT__NODE__RESTART_REPLY__INIT;
	Wat__Admin__ReleaseReply released = WAT__ADMIN__RELEASE_REPLY__INIT;

	restarted.incarnation = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)instance->id};
	restarted.generation = released.generation = instance->generation;
	return operation_decide(operation,
				operation->answer == ANSWER_OF_ADMIN(ADMIN_RELEASE)
					? &released.base
					: &restarted.base,
				txn);
}

static void on_stored(void *arg, int r)
{
	struct operation *operation = arg;

	/* It is done, whether or not the store remembers. */
	if (r < 0)
		log_error("an answer is not in the database", "error", lifecycle_store_error(r));
	operation_conclude(operation);
}

void lifecycle_answer_as_it_is(struct operation *operation)
{
	struct store_txn *txn = store_txn_new();

	if (txn && lifecycle_decide_restarted(operation, operation->instance, txn) == 0) {
		store_submit(operation->node->store, txn, on_stored, operation);
		return;
	}
	store_txn_free(txn);
	operation_fail(operation, WAT_OVERLOADED, NULL,
		       "it is done, but there is no memory to say so");
}
