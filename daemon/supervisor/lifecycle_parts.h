/* lifecycle_parts.h - what the lifecycle's files share; for them only. Loop thread. */
#ifndef WAT_SUPERVISOR_LIFECYCLE_PARTS_H
#define WAT_SUPERVISOR_LIFECYCLE_PARTS_H

#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"

/* lifecycle_start.c */
/* Gives the instance a host and asks it to start; a refusal by this machine is told as a death
 * would be. */
void lifecycle_start(struct instance *instance, bool run_start);
/* Asks a host for the last state that the instance's journal has; nothing of it is served. 1: there
 * is no journal, so nothing to ask. -EWOULDBLOCK: a host of before still has it. */
int lifecycle_recover(struct instance *instance, host_answered *answered) WAT_MUST_CHECK;
/* Ends a beginning that did not succeed; the name is what it was before. */
void lifecycle_abandon(struct instance *instance,
		       wat_status status,
		       const Wat__Envelope__Failure *failure,
		       const char *text);
/* What stands in READY's way is over. */
void lifecycle_ready(struct instance *instance);

/* lifecycle_plugin.c */
/* Makes instance->plugin_copy the file that its host is to map. -errno with a sentence that says
 * what to do. */
int lifecycle_provide_plugin(struct instance *instance, char text[static PLUGIN_COPY_TEXT_MAX])
	WAT_MUST_CHECK;
/* Somebody asked for its next host: that maps what is installed by then; if nothing is that can be
 * used, what it had. */
void lifecycle_take_installed_plugin(struct instance *instance);

/* lifecycle_death.c */
/* The instance has no host any more: start it again by the policy, or give it up. culprit: the
 * death counts. */
void lifecycle_died(struct instance *instance, bool culprit);
/* The next generation of an instance that has no host. */
void lifecycle_start_again(struct instance *instance);
/* Not started again by itself until somebody says so. Takes the failure. */
void lifecycle_give_up(struct instance *instance, Wat__Envelope__Failure *failure);

/* Neither is this one, and what it has is kept as it is. Takes the failure. */
void lifecycle_quarantine(struct instance *instance, Wat__Envelope__Failure *failure);
/* Does the chain say that a call, run again, did not do what it had done? */
bool lifecycle_has_diverged(const Wat__Envelope__Failure *failure);

/* lifecycle_stop.c */
/* The host of an instance that was stopping, restarting or suspending has gone. True: that was no
 * death. */
bool lifecycle_stop_host_gone(struct instance *instance, const Wat__Envelope__Failure *failure);
/* Serve what was sent, then give the state; run_stop: by the Stop handler. */
int lifecycle_request_drain(struct instance *instance, bool run_stop, host_answered *answered)
	WAT_MUST_CHECK;
/* Tell the channels why, and forget the instance. */
int lifecycle_request_finish(struct instance *instance,
			     wat_status status,
			     const char *text,
			     host_answered *answered) WAT_MUST_CHECK;
/* The state that Drain answered becomes the newest in memory. */
int lifecycle_take_state(struct instance *instance, const struct host_answer *answer)
	WAT_MUST_CHECK;

/* lifecycle_suspend.c */
/* watd goes down, and the instance with it; it goes on with the next one. */
void lifecycle_suspended(struct instance *instance);

/* lifecycle_steps.c */
/* watd's own steps. */
void lifecycle_step(struct instance *instance, enum end_step step);

/* lifecycle_restart.c */
/* As lifecycle_stop_host_gone, of one that is RESTARTING. */
bool lifecycle_restart_host_gone(struct instance *instance);

/* Restart, and what answers as it does. */
bool lifecycle_is_restart(const struct operation *operation);
int lifecycle_decide_restarted(struct operation *operation,
			       const struct instance *instance,
			       struct store_txn *txn) WAT_MUST_CHECK;

/* lifecycle_start.c */
/* This machine or the host refused a start: no repetition would change it. */
void lifecycle_refused(struct instance *instance,
		       wat_status status,
		       const Wat__Envelope__Failure *failure,
		       const char *text);

/* lifecycle_begun.c */
/* Its host has answered: everything that the beginning leaves is stored, in one transaction. */
void lifecycle_begun(struct instance *instance);
/* Of the operation that started it; token: of the new Admin, NULL: there is none. */
int lifecycle_decide_reply(struct instance *instance, struct store_txn *txn, const uint8_t *token)
	WAT_MUST_CHECK;

/* lifecycle_verdict.c */
/* The host has died: may the call that the instance ran in it run again? Noted for whoever comes
 * after this watd. */
void lifecycle_judge(const struct host *host, struct instance *instance);
/* What the watd before left behind, once; its host has ended. */
void lifecycle_adopt_verdict(struct instance *instance);
/* The instance stands in its host's page from here on, or, without a host, in none. */
void lifecycle_note_place(struct instance *instance);
/* What its host recovered is in the store, and the verdict with it. */
void lifecycle_verdict_stored(struct instance *instance);

/* lifecycle_death.c */
const char *lifecycle_method_name(const struct instance *instance, uint32_t running);
/* It ended because of its journal or its memory, and not because of what ran. */
bool lifecycle_ended_by_itself(const struct host_death *death);

/* lifecycle_audit.c */
/* The incarnation and its Admin, into the transaction that makes them. */
int lifecycle_audit_begun(const struct instance *instance, struct store_txn *txn) WAT_MUST_CHECK;
/* A later generation: started by hand, by watd that starts, or after a death. */
int lifecycle_audit_again(const struct instance *instance, struct store_txn *txn) WAT_MUST_CHECK;
void lifecycle_audit_abandoned(const struct instance *instance,
			       wat_status status,
			       const char *text);
/* An end that was not asked for. What never began did not die: it was abandoned. */
void lifecycle_audit_death(struct instance *instance, const Wat__Envelope__Failure *failure);

/* lifecycle.c */
/* Says what the author of its plugin should look at. */
void lifecycle_warn(const struct instance *instance,
		    const struct plugin_file *file,
		    const Wat__Manifest__Service *service);
/* Takes the instance out of its host; a process of its own then ends. */
void lifecycle_detach(struct instance *instance);
/* Transaction with the instance's row; NULL when memory is out. */
struct store_txn *lifecycle_txn(struct instance *instance, enum store_instance_state state);
/* The row into one that is there. */
int lifecycle_txn_put(struct store_txn *txn,
		      const struct instance *instance,
		      enum store_instance_state state) WAT_MUST_CHECK;
/* Gives it its number. */
int lifecycle_txn_add_snapshot(struct store_txn *txn,
			       struct instance *instance,
			       enum store_snapshot_kind kind,
			       const Wat__Host__Snapshot *snapshot);
/* What came from a host becomes the newest snapshot in memory. */
int lifecycle_take_snapshot(struct instance *instance, const Wat__Host__Carried *carried, int fd)
	WAT_MUST_CHECK;
/* What is stored together, and what comes when that is done: `then` is called once, also if it
 * could not be stored; instance NULL: it has ended, or is a generation further. */
struct lifecycle_stored {
	const Wat__Host__Carried *snapshot; /* NULL: none */
	int fd;                             /* that came with it; not taken */
	Wat__Host__Snapshot *added;         /* in the transaction already; taken */
	/* r: as the store says it. */
	void (*then)(struct instance *instance, void *arg, int r);
	void *arg;
};
/* Takes the transaction (NULL: memory was out). On an error `then` is not called. */
int lifecycle_store_then(struct instance *instance,
			 struct store_txn *txn,
			 const struct lifecycle_stored *what) WAT_MUST_CHECK;
/* A snapshot alone; when it is there old segments go. */
int lifecycle_store_snapshot(struct instance *instance, const Wat__Host__Carried *carried, int fd)
	WAT_MUST_CHECK;
/* Whom a host's event is about; NULL: nobody that it runs now. */
struct instance *lifecycle_of_event(struct host *host,
				    const ProtobufCBinaryData *id,
				    uint64_t generation);

/* lifecycle_journal.c */
struct segment_files {
	struct segment_file {
		uint64_t number;
		int fd;
	} * files;
	size_t n;
	bool fresh; /* the last one is */
};
/* The instance's segments, and a fresh one; or, without, those that have records. -EWOULDBLOCK: a
 * host of before still has them. */
int segment_files_open(struct instance *instance, bool fresh, struct segment_files *ret)
	WAT_MUST_CHECK;
void segment_files_close(struct segment_files *files);
/* To the instance's host, before its Start; takes the descriptors. */
int segment_files_send(struct instance *instance, struct segment_files *files) WAT_MUST_CHECK;
/* Those of an incarnation that is no more, and had not been recovered to their end, go to a
 * directory of their own. */
void lifecycle_set_aside_segments(const struct instance *instance);
/* What is in segments below this one is in the store, or is not wanted any more. */
void lifecycle_drop_segments(const struct instance *instance, uint64_t below);
#define SEGMENTS_ALL UINT64_MAX
/* Tries to start it again in a moment. */
void lifecycle_wait_for_lock(struct instance *instance);
/* Submits a transaction that nobody waits for; a failure is logged. */
void lifecycle_commit(struct instance *instance, struct store_txn *txn);
/* The same with an event, which happened even if the store does not take it. txn: taken; NULL: no
 * memory. */
void lifecycle_commit_with(struct instance *instance,
			   struct store_txn *txn,
			   const struct audit *what);
Wat__Envelope__Failure *lifecycle_failure(const struct instance *instance,
					  Wat__Envelope__CauseKind kind,
					  int signal,
					  const char *method,
					  const char *text);

#endif
