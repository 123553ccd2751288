/* node.h - everything one watd has. Loop thread; the store thread sees nothing of it. */
#ifndef WAT_SUPERVISOR_NODE_H
#define WAT_SUPERVISOR_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include <wat/host.pb-c.h>

#include "daemon/caps/grants.h"
#include "daemon/caps/keyring.h"
#include "daemon/caps/verify.h"
#include "daemon/store/store.h"
#include "daemon/supervisor/admission.h"
#include "daemon/supervisor/answers.h"
#include "daemon/supervisor/audit.h"
#include "daemon/supervisor/catalog.h"
#include "daemon/supervisor/grant_files.h"
#include "daemon/supervisor/grant_process.h"
#include "daemon/supervisor/grant_times.h"
#include "daemon/supervisor/groups.h"
#include "daemon/supervisor/instance_table.h"
#include "daemon/supervisor/keys.h"
#include "daemon/supervisor/notify.h"
#include "daemon/supervisor/plugin_copies.h"
#include "daemon/supervisor/plugin_trust.h"
#include "daemon/supervisor/startup.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct denials;
struct event;
struct event_base;
struct gate;
struct host;
struct listener;
struct options;
struct output_log;
struct overloads;

struct node {
	struct event_base *base;
	struct options *options; /* the program's; what a reload may change, changes */
	struct store *store;
	struct keyring *keyring;
	struct grant_table *grants;
	struct instance_table instances;
	struct answers answers;
	struct catalog catalog;
	struct startup startup;
	struct grant_files grant_files;
	struct grant_times grant_times;
	struct groups groups;
	struct keys keys;
	size_t n_grant_processes;
	struct list sessions, hosts, operations, reloads;
	struct denials *denials;
	struct store_txn *held; /* events of the audit that can wait a while; NULL: none */
	size_t n_held;
	struct event *held_over;
	struct list waits;          /* calls of Wait that are open */
	struct list readers;        /* calls of Events that are open */
	struct output_log *output;  /* what hosts wrote */
	struct list log_readers;    /* calls of Logs that are open */
	struct event *written;      /* hosts wrote, and somebody waits for that */
	struct list replays;        /* and of Replay */
	struct list asking;         /* other calls that wait for the store */
	struct event *changed;      /* an instance changed its state, and somebody waits for that */
	size_t n_sessions, n_gated; /* n_gated: of them, behind the gate */
	struct event *stuck;        /* looks for handlers that don't come back, */
	uint64_t stuck_period_ms;   /* so often */
	uint64_t n_pool_faults;     /* deaths of pools by what ran in them, */
	uint64_t pool_fault_ms;     /* and when the last one was, of a clock that never jumps */
	struct admission admission;
	struct overloads *overloads;
	struct listener *client, *admin;
	struct gate *gate;     /* NULL: there is none */
	struct backup *backup; /* being made, or there to be read; NULL: none */
	struct event *stored, *terminate, *interrupt, *hangup, *overdue;
	struct notify notify;
	int lifeline[2]; /* hosts watch the read end; the write end is ours alone */
	int lock_fd;
	int journal_dir; /* state_dir/journal */
	int calls_dir;   /* of call_deaths.h */
	struct plugin_copies copies;
	struct plugin_trust trust;
	bool nospace;        /* the disk is full */
	struct event *space; /* looks whether it still is */
	char *damage;        /* the database was, and a new one made; NULL: it was not */
	uint64_t started_ms;
	uint64_t last_time; /* Unix seconds, never backward */
	/* Number of the newest channel: the count of starts in the upper 24 bits, so that none is
	 * used again. Invocations are numbered in the same way. */
	uint64_t last_connection, last_invocation;
	struct origin start, end; /* of this watd */
	bool ready;               /* told to whoever started us */
	bool suspending;
	bool ending, ending_again; /* of ending_run */
};

/* Opens everything and starts what was running. Negative errno; said in the log. node_deinit
 * follows in any case. */
int node_init(struct node *node, struct options *options) WAT_MUST_CHECK;
/* Serves until suspended. */
int node_run(struct node *node) WAT_MUST_CHECK;
void node_deinit(struct node *node);

/* Unix seconds that never run backward, not even across restarts. */
uint64_t node_time(struct node *node);
const uint8_t *node_id(const struct node *node);

/* A host says how many channels a grant has. */
void node_channel_count(struct host *host, const Wat__Host__ChannelCount *count);
/* Something that start-up or suspension waits for may be finished. */
void node_check_progress(struct node *node);

/* A grant's row as the token says it; signs the token. */
int node_mint(struct node *node,
	      const struct instance *instance,
	      int role,
	      const char *user,
	      const uint8_t holder_pk[32],
	      uint64_t method_mask,
	      uint64_t not_after,
	      struct store_grant *ret_row,
	      uint8_t ret_token[]) WAT_MUST_CHECK;
/* Verifies a BIND against everything the node knows. */
void node_verify_context(struct node *node, struct verify *ret_verify);

#endif
