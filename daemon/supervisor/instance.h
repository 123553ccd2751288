/* instance.h - an instance as watd knows it: identity, state machine, where it runs, its newest
 * committed state. Loop thread. The node owns instances; an instance owns its failure, its
 * committed state and its slot in a host. */
#ifndef WAT_SUPERVISOR_INSTANCE_H
#define WAT_SUPERVISOR_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wat/envelope.pb-c.h>
#include <wat/host.pb-c.h>
#include <wat/manifest.pb-c.h>

#include "daemon/store/store.h"
#include "daemon/supervisor/audit.h"
#include "daemon/supervisor/restart.h"
#include "proto/interface_hash.h"
#include "proto/end_step.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

/* Name of the state, its text, where it may go. */
#define INSTANCE_STATES(S)                                                                      \
	S(STARTING, "starting",                                                                 \
	  EDGE(READY) | EDGE(BACKOFF) | EDGE(FAILED) | EDGE(QUARANTINED) | EDGE(SUSPENDED))     \
	S(READY, "ready",                                                                       \
	  EDGE(STOPPING) | EDGE(RESTARTING) | EDGE(BACKOFF) | EDGE(FAILED) | EDGE(SUSPENDED))   \
	S(RESTARTING, "restarting",                                                             \
	  EDGE(READY) | EDGE(STARTING) | EDGE(BACKOFF) | EDGE(FAILED) | EDGE(SUSPENDED))        \
	S(STOPPING, "stopping",                                                                 \
	  EDGE(STOPPED) | EDGE(READY) | EDGE(STARTING) | EDGE(BACKOFF) | EDGE(FAILED) |         \
		  EDGE(QUARANTINED) | EDGE(SUSPENDED))                                          \
	S(STOPPED, "stopped", EDGE(SUSPENDED) | EDGE(REMOVING))                                 \
	S(REMOVING, "removing", EDGE(STOPPED) | EDGE(FAILED) | EDGE(QUARANTINED))               \
	S(SUSPENDED, "suspended", 0)                                                            \
	S(BACKOFF, "backoff", EDGE(STARTING) | EDGE(SUSPENDED) | EDGE(FAILED))                  \
	S(FAILED, "failed", EDGE(STARTING) | EDGE(STOPPING) | EDGE(SUSPENDED) | EDGE(REMOVING)) \
	S(QUARANTINED, "quarantined", EDGE(STARTING) | EDGE(STOPPING) | EDGE(REMOVING))

enum instance_state {
#define INSTANCE_STATE_ENUM(name, text, edges) INSTANCE_##name,
	INSTANCE_STATES(INSTANCE_STATE_ENUM)
#undef INSTANCE_STATE_ENUM
};

enum instance_tier { INSTANCE_THREAD = 1, INSTANCE_PROCESS = 2 };
/* What an acknowledged call survives: an orderly end; the death of our processes; loss of power. */
enum instance_durability { INSTANCE_NONE = 1, INSTANCE_CRASH = 2, INSTANCE_SYNC = 3 };

struct event;
struct host;
struct node;
struct operation;

struct instance {
	struct list by_name, by_id, all; /* in the node's table */
	uint64_t serial;                 /* in it; those that were added later have a higher one */
	struct node *node;
	char name[64];
	uint8_t id[16];
	char service[256];
	char plugin[512];          /* as it is installed */
	uint8_t plugin_digest[32]; /* of the file that it runs; 0: of the one that is installed */
	char *plugin_copy;         /* what its host maps; NULL: not known yet */
	uint8_t schema[32];
	uint8_t interface[INTERFACE_HASH_SIZE]; /* of which interface_hash is the beginning */
	uint64_t interface_hash;
	uint64_t all_methods; /* mask of those that a User may call */
	uint32_t lifecycle;   /* bit per number of wat.Lifecycle: the handlers there are */
	uint32_t state_max;   /* bytes */
	enum instance_tier tier;
	char owner[STORE_OWNER_MAX + 1]; /* attached: the process that spawned it; "": it is not */
	struct session *owner_session;   /* that it ends with; NULL: none, or the process stands for
					    it: */
	struct event *owner_exited;      /* NULL: it does not */
	int owner_fd;                    /* of that process; -1: none */
	bool owner_gone, owner_ended;    /* ended: it was stopped for that, or could not be */
	char isolated[STORE_ISOLATED_MAX + 1]; /* why it is kept out of the pool; "": it is not */
	uint64_t ran_at_fault; /* node->n_pool_faults, when it ran something at one; 0: never */
	uint32_t epoch;
	uint64_t generation;
	uint32_t deaths;
	uint64_t created_ms;
	enum instance_state state;
	struct origin origin;                                  /* of what happens to it now */
	Wat__Envelope__Failure *failure;                       /* the last one; NULL: none */
	Wat__Envelope__Failure *last_deaths[STORE_DEATHS_MAX]; /* oldest first */
	size_t n_last_deaths;

	uint8_t *committed; /* newest committed state, packed */
	size_t committed_len;
	uint64_t committed_ms; /* Unix time */
	uint64_t snapshot;     /* number of the newest one that the store was given; 0: none */
	bool damaged;          /* that one is, and so `committed` is NULL */
	bool looked;           /* for an intact one of the name before it: */
	uint64_t earlier;      /* the newest; 0: there is none */
	char begun_note[160];  /* the same, and where else a state may be from, for people; "":
				  nothing */
	uint64_t begun_from; /* number of the snapshot that it begins from; 0: it was given a state
			      */
	uint8_t *lanes;      /* of the clients, as of that state */
	size_t lanes_len;
	uint64_t last_seq; /* of the journal: what that state holds */
	int durability;    /* enum instance_durability */
	uint64_t segment;  /* that its host appends to; 0: none */
	uint64_t next_segment;
	bool switching;           /* next_segment is with the host */
	struct event *lock_timer; /* the journal's lock is tried again; NULL: never was */
	unsigned lock_pauses;
	struct running_call {
		uint8_t lane[16];
		uint64_t id;
		unsigned deaths;
		bool judged;             /* it is answered and not run again */
	} running;                       /* the call that its host last died with */
	bool adopted;                    /* what the watd before noted of that is in there */
	Wat__Envelope__Failure *verdict; /* what that call is told; NULL: nothing */

	struct list grants;  /* struct grant */
	struct list waiters; /* struct instance_waiter */

	struct host *host; /* NULL: none */
	struct list of_host;
	uint32_t slot;
	uint64_t words_before; /* that the host said before this was in it */
	struct restart_policy policy;
	struct restart_history restarts;
	uint64_t stuck_after_ms; /* that a handler may run */
	bool stuck_kills;        /* one that runs longer is ended */
	char stuck[128];         /* which one runs longer; "": none */
	uint64_t runs_since_ms;  /* when the one that runs was first seen, of a clock that never
				    jumps; 0: none runs */
	uint32_t runs_begun;     /* which one that is */
	uint64_t ready_at_ms;    /* of a clock that never jumps; 0: it was not ready yet */
	struct event *timer;     /* of BACKOFF; NULL: none */

	struct operation *operation; /* Spawn, Start or Stop under way; NULL: none */
	struct instance *previous;   /* while a name's next incarnation starts: the one before */
	uint8_t admin_holder_pk[32]; /* while the incarnation begins */
	bool wants_admin;            /* the same: it begins with an Admin */
	bool waits;                  /* STARTING, but its turn has not come yet */
	bool held;                   /* BACKOFF, until its group starts it */
	bool left;                   /* it does not do what its group wants, and is left alone */
	bool beginning;  /* the first start of the incarnation is not yet acknowledged */
	bool drained;    /* the host gave the last state and serves no more; it is in `committed` */
	bool recovering; /* it had failed and is stopped: a host makes its last state from the
			    journal */
	bool resuming;   /* it starts because watd did */
	bool suspends;   /* it was asked to, since watd goes down */
	bool in_order;   /* it starts because it was ended for that, and not by a death */
	enum instance_state before_removal, before_stop;
	bool finishing; /* suspension: the state is stored, the host is told to end it */
	Wat__Envelope__Failure *death; /* while its host's end is told */
	uint32_t died_in;              /* the same: what ran, as the attribution page has it */
	bool ended;                    /* the same: by itself, with exit code 0 */
	bool culprit;                  /* the same: that death counts against it */
	bool guilty;                   /* the same: it was its thread, or it was killed for it */
	bool condemned;                /* its host was killed because of it: by an operator, */
	bool overran;                  /* or since its handler does not come back */
	enum end_step end_step;        /* how far its end has come; NONE: it is not being ended */
	uint64_t end_since_ms;         /* of a clock that never jumps */
	bool final_committed; /* the final state is in the store; what is left is telling */
};

/* Somebody who waits until the instance is neither starting, stopping nor in backoff. */
struct instance_waiter {
	struct list link;
	void (*settled)(struct instance_waiter *);
	/* There is a verdict on the call that its host died with. NULL: nobody cares. */
	void (*judged)(struct instance_waiter *);
};

struct instance *instance_new(struct node *node, const char *name);
/* Out of its host and its grants first. */
struct instance *instance_free(struct instance *instance);

const char *instance_state_name(enum instance_state state);
/* The one way from state to state: asserts the edge, logs it, and when the instance is settled
 * wakes its waiters. */
void instance_move(struct instance *instance, enum instance_state to);
bool instance_is_settled(const struct instance *instance);
/* We killed its host, and have not seen it end yet: whatever its state, it serves nobody any more.
 */
bool instance_is_doomed(const struct instance *instance);
/* Who waits for it looks again: it is out of the node's table and about to be freed. */
void instance_wake(struct instance *instance);
/* Whoever waits hears of its verdict. */
void instance_tell_verdict(struct instance *instance);
/* Only an operator leads out of it. Quarantined: a call of its journal, run again, did not do what
 * it had done, so nobody knows which state is the right one. */
static inline bool instance_is_given_up(const struct instance *instance)
{
	return instance->state == INSTANCE_FAILED || instance->state == INSTANCE_QUARANTINED;
}
/* Nobody can be let in or out any more. */
static inline bool instance_is_over(const struct instance *instance)
{
	return instance->state == INSTANCE_STOPPED || instance->state == INSTANCE_REMOVING;
}

/* Row for the store; the failure's bytes are heap memory that the caller frees through
 * row->failure. */
int instance_to_row(const struct instance *instance,
		    enum store_instance_state state,
		    struct store_instance *ret_row,
		    uint8_t **ret_failure) WAT_MUST_CHECK;
int instance_set_committed(struct instance *instance,
			   const uint8_t *state,
			   size_t n,
			   uint64_t at_ms) WAT_MUST_CHECK;
/* The same with lanes and number; nothing is taken. */
int instance_set_snapshot(struct instance *instance,
			  const Wat__Host__Snapshot *snapshot,
			  uint64_t at_ms) WAT_MUST_CHECK;
/* Points into the instance. */
Wat__Host__Snapshot instance_snapshot(const struct instance *instance);
static inline bool instance_has_journal(const struct instance *instance)
{
	return instance->durability > 1;
}
/* Why it has no committed state, and what an operator can do. */
void instance_damage(const struct instance *instance, char *text, size_t size);
/* What else it can be started from. */
void instance_snapshot_advice(const struct instance *instance, char *text, size_t size);
/* Takes the failure (NULL: none). */
void instance_set_failure(struct instance *instance, Wat__Envelope__Failure *failure);

/* Takes what it died of; the oldest one makes room. */
void instance_add_death(struct instance *instance, Wat__Envelope__Failure *failure);

/* Numbers of wat.Lifecycle. */
enum instance_lifecycle { INSTANCE_HAS_PROVISION = 3, INSTANCE_HAS_DEPROVISION = 4 };
static inline bool instance_has(const struct instance *instance, enum instance_lifecycle handler)
{
	return instance->lifecycle & 1u << handler;
}
/* What was asked for (0: nothing), else what the service says, else that calls survive a crash. */
int instance_durability(uint32_t asked, const Wat__Manifest__Service *service);
/* What its plugin says of its service. */
void instance_set_service(struct instance *instance,
			  const char *path,
			  const uint8_t schema_digest[32],
			  const Wat__Manifest__Service *service);

#endif
