/* lifecycle_parts.h - what the lifecycle's files share; for them only. Loop thread. */
#ifndef WAT_SUPERVISOR_LIFECYCLE_PARTS_H
#define WAT_SUPERVISOR_LIFECYCLE_PARTS_H

#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"

/* lifecycle_start.c */
/* Gives the instance a host and asks it to start; a refusal by this machine is told as a death
 * would be. */
void lifecycle_start(struct instance *instance, bool run_start);
/* Ends a beginning that did not succeed; the name is what it was before. */
void lifecycle_abandon(struct instance *instance,
		       wat_status status,
		       const Wat__Envelope__Failure *failure,
		       const char *text);
/* What stands in READY's way is over. */
void lifecycle_ready(struct instance *instance);

/* lifecycle_death.c */
/* The instance has no host any more: start it again by the policy, or give it up. culprit: the
 * death counts. */
void lifecycle_died(struct instance *instance, bool culprit);
/* Not started again by itself until somebody says so. Takes the failure. */
void lifecycle_give_up(struct instance *instance, Wat__Envelope__Failure *failure);

/* lifecycle_stop.c */
/* The host of an instance that was stopping or suspending has gone. True: that was no death. */
bool lifecycle_stop_host_gone(struct instance *instance, const Wat__Envelope__Failure *failure);

/* lifecycle.c */
/* Takes the instance out of its host; a process of its own then ends. */
void lifecycle_detach(struct instance *instance);
/* Transaction with the instance's row; NULL when memory is out. */
struct store_txn *lifecycle_txn(struct instance *instance, enum store_instance_state state);
int lifecycle_txn_add_snapshot(struct store_txn *txn,
			       const struct instance *instance,
			       enum store_snapshot_kind kind,
			       const uint8_t *state,
			       size_t n);
/* Submits a transaction that nobody waits for; a failure is logged. */
void lifecycle_commit(struct instance *instance, struct store_txn *txn);
Wat__Envelope__Failure *lifecycle_failure(const struct instance *instance,
					  Wat__Envelope__CauseKind kind,
					  int signal,
					  const char *method,
					  const char *text);

#endif
