/* lifecycle.h - how instances begin, run, die, are started again, stop and are suspended. Loop
 * thread. Each way is a short list of named steps; a step ends with a request to a host or a
 * transaction, and the next begins when that is done. */
#ifndef WAT_SUPERVISOR_LIFECYCLE_H
#define WAT_SUPERVISOR_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wat/host.pb-c.h>

#include "daemon/supervisor/host.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/operation.h"
#include "proto/plugin_file.h"

struct lifecycle_begin {
	const char *name;
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;
	enum instance_tier tier;
	int durability;            /* enum instance_durability */
	enum restart_when restart; /* 0: as the configuration or the default has it */
	const uint8_t *state;
	size_t state_len;
	const char *owner; /* process that it is attached to; NULL: none */
	struct session *owner_session;
	const uint8_t *holder_pk;  /* 32 bytes: of the Admin; NULL: there is none to begin with */
	struct instance *previous; /* the stopped or failed incarnation of the name; NULL: none */
	uint64_t from;             /* number of the snapshot that the state is of; 0: of none */
	bool back;                 /* somebody chose that one, which need not be the last */
	uint64_t earlier;          /* back: intact one before it; 0: none */
	const char *note; /* where the state is from, for the audit; NULL: from the caller */
};

/* Begins an incarnation. The operation is concluded or failed by it. */
void lifecycle_begin(struct operation *operation, const struct lifecycle_begin *begin);
/* A snapshot of an instance that is READY, which serves on. */
struct lifecycle_take {
	enum store_snapshot_kind kind;
	/* What goes into the same transaction; the number is instance->snapshot. NULL: nothing. */
	int (*add)(void *arg,
		   struct instance *instance,
		   const Wat__Host__Snapshot *snapshot,
		   struct store_txn *txn);
	/* Once, not from lifecycle_take. WAT_OK: it is stored. */
	void (*done)(void *arg,
		     wat_status status,
		     const Wat__Envelope__Failure *failure,
		     const char *text);
	void *arg;
};
int lifecycle_take(struct instance *instance, const struct lifecycle_take *take) WAT_MUST_CHECK;
/* Makes one that is asked for, and answers its number. */
void lifecycle_snapshot(struct operation *operation, struct instance *instance);
/* Starts a failed instance's next generation. */
void lifecycle_revive(struct operation *operation, struct instance *instance);
/* Ends an instance that is READY in order, without a handler, and starts its next generation. */
void lifecycle_restart(struct instance *instance);
/* The same when it can be: now, or after a start, a pause or a stop. One that failed is started. */
void lifecycle_restart_when_settled(struct operation *operation);
/* Answers Restart, or what answers as it does, of operation->instance, which goes on as it is. */
void lifecycle_answer_as_it_is(struct operation *operation);
/* Starts an instance in BACKOFF at once. */
void lifecycle_skip_pause(struct instance *instance);
/* Removes the copies of plugins that no instance runs. */
void lifecycle_sweep_plugins(struct node *node);
/* Starts an instance that ran when watd ended. */
void lifecycle_resume(struct instance *instance);
/* The instance is READY, FAILED, or STOPPING with a final state that could not be stored yet. */
void lifecycle_stop(struct operation *operation, struct instance *instance);
/* Stop of operation->instance when it can be: now, or after a start, a pause or another stop. */
void lifecycle_stop_when_settled(struct operation *operation);
/* Forgets operation->instance, which is STOPPED or FAILED. */
void lifecycle_remove(struct operation *operation);
/* Ends watd in order: every instance keeps its incarnation, its state is committed.
 * node_check_progress notices the end. */
void lifecycle_suspend(struct instance *instance);

/* What an instance that is being ended is waited for; "": nothing. */
const char *lifecycle_under_way(const struct instance *instance);
/* Why the store did not take something, for people. */
const char *lifecycle_store_error(int r);

/* fd: the frame's, not taken. */
void lifecycle_checkpoint(struct host *host, const Wat__Host__Checkpoint *checkpoint, int fd);
void lifecycle_wants_segment(struct host *host, const Wat__Host__WantsSegment *message);
void lifecycle_host_died(struct host *host, struct host_death *death);
/* A handler panicked: the instance's last failure, which its Admin sees and Users do not. */
void lifecycle_panicked(struct host *host, const Wat__Host__Panicked *message);
/* How far an end has come in it. */
void lifecycle_host_step(struct host *host, const Wat__Host__EndStep *message);
void lifecycle_rebuilt(struct host *host, const Wat__Host__Rebuilt *message);
/* Who was denied is what the host says, and a host can say it of its own instances only. */
void lifecycle_denied(struct host *host, const Wat__Host__Denied *message);

#endif
