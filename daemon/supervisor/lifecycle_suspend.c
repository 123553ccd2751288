/* lifecycle_suspend.c - an instance ends with its watd, and goes on with the next one. Loop thread.
 * Drain -> commit {state} -> Finish -> SUSPENDED. No handler runs. */
#include <event2/event.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "proto/support/cleanup.h"

void lifecycle_suspended(struct instance *instance)
{
	lifecycle_detach(instance);
	instance_move(instance, INSTANCE_SUSPENDED);
	node_check_progress(instance->node);
}

static void on_suspend_finished(void *arg, const struct host_answer *answer)
{
	if (answer->died)
		return;
	lifecycle_step(arg, END_ENDED);
	lifecycle_suspended(arg);
}

static void on_suspend_committed(void *arg, int r)
{
	struct instance *instance = arg;

	if (r == 0 && instance->drained) {
		lifecycle_step(instance, END_COMMITTED);
		lifecycle_drop_segments(instance, SEGMENTS_ALL);
	}
	if (r < 0)
		log_error("a suspended state could not be stored; the one before is kept",
			  "instance", instance->name, "error", lifecycle_store_error(r));
	instance->finishing = true;
	if (!instance->host ||
	    lifecycle_request_finish(instance, WAT_UNAVAILABLE, "watd is going down",
				     on_suspend_finished) < 0)
		lifecycle_suspended(instance);
}

static void on_suspend_drained(void *arg, const struct host_answer *answer)
{
	struct instance *instance = arg;
	const struct audit suspension = {
		.kind = AUDIT_SUSPEND, .origin = &instance->origin, .instance = instance};
	Wat__Host__Snapshot snapshot;
	struct store_txn *txn;

	if (answer->died)
		return;
	if (answer->status != WAT_OK || lifecycle_take_state(instance, answer) < 0) {
		log_error("an instance gave no state to suspend; the one before is kept",
			  "instance", instance->name);
		on_suspend_committed(instance, 0);
		return;
	}
	instance->drained = true;
	lifecycle_step(instance, END_GIVEN);
	txn = lifecycle_txn(instance, STORE_RUNNING);
	snapshot = instance_snapshot(instance);
	if (txn &&
	    (lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_SUSPEND, &snapshot) < 0 ||
	     audit_add(txn, &suspension) < 0))
		txn = store_txn_free(txn);
	if (txn)
		store_submit(instance->node->store, txn, on_suspend_committed, instance);
	else
		on_suspend_committed(instance, -ENOMEM);
}

void lifecycle_suspend(struct instance *instance)
{
	switch (instance->state) {
	case INSTANCE_READY:
		instance->origin = instance->node->end;
		/* From here on nothing new is attached: BIND asks node->suspending first. */
		lifecycle_step(instance, END_CLOSED);
		if (lifecycle_request_drain(instance, false, on_suspend_drained) < 0)
			lifecycle_suspended(instance);
		return;
	case INSTANCE_BACKOFF:
		if (instance->timer)
			(void)event_del(instance->timer);
		instance->held = false;
		lifecycle_suspended(instance);
		return;
	case INSTANCE_STOPPING:
		if (!instance->drained || instance->operation)
			return;
		log_error("a final state that could not be stored is lost", "instance",
			  instance->name);
		lifecycle_suspended(instance);
		return;
	case INSTANCE_STARTING:
		/* It is asked when it is ready; one whose turn has not come has nothing to end.
		 */
		if (instance->waits)
			lifecycle_suspended(instance);
		return;
	case INSTANCE_RESTARTING:
		/* It comes to the same, without the next start. */
	case INSTANCE_REMOVING:
	case INSTANCE_STOPPED:
	case INSTANCE_FAILED:
	case INSTANCE_QUARANTINED:
	case INSTANCE_SUSPENDED:
	default:
		return;
	}
}
