/* store.h - what watd keeps: one SQLite database, one connection, one thread that writes. The loop
 * thread builds transactions and submits them; their callbacks run on the loop thread, in order of
 * submission. */
#ifndef WAT_STORE_STORE_H
#define WAT_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

enum store_instance_state {
	STORE_RUNNING = 1,
	STORE_STOPPED = 2,
	STORE_FAILED = 3,
	STORE_QUARANTINED = 4
};

#define STORE_ISOLATED_MAX 159u /* bytes */
#define STORE_OWNER_MAX 95u     /* bytes */

struct store_instance {
	char name[64];
	uint8_t id[16];
	char service[256];
	char plugin[512];
	uint8_t plugin_digest[32]; /* of the file that it began with; 0: an older watd began it */
	uint64_t interface_hash;
	int tier;                              /* 1 thread, 2 process */
	int durability;                        /* 1 none, 2 crash, 3 sync */
	int restart;                           /* after a death: 1 never, 2 on-failure, 3 always */
	char isolated[STORE_ISOLATED_MAX + 1]; /* why it is kept out of the pool; "": it is not */
	char owner[STORE_OWNER_MAX + 1];       /* the process that it is attached to; "": none */
	enum store_instance_state state;
	uint32_t epoch;
	uint64_t generation;
	uint32_t deaths;
	uint64_t created_ms;
	const uint8_t *failure; /* packed wat.envelope.Failure; NULL: none */
	size_t failure_len;
};

/* Whether watd made a grant for a [grant] of its configuration: in place of those before it, which
 * end, or beside them, which serve until their time is over. */
enum store_configured {
	STORE_NOT_CONFIGURED = 0,
	STORE_CONFIGURED = 1,
	STORE_CONFIGURED_BESIDE = 2,
};

/* A process. start: its start time as /proc/PID/stat has it; boot: the boot it is of. */
struct store_host {
	int pid;
	uint64_t start;
	char boot[40];
};

struct store_grant {
	uint8_t id[16], instance_id[16];
	int role;  /* enum token_role */
	int state; /* 1 pending, 2 active, 3 revoking, 4 revoked */
	char user[64];
	uint8_t th0[32];
	uint64_t method_mask, not_before, not_after, created; /* Unix seconds */
	bool session; /* it ends when its last channel goes */
	enum store_configured configured;
	uint32_t rate, in_flight;             /* calls per second, calls at once; 0: no limit */
	bool has_holder, has_before, has_kid; /* not in rows of an older watd */
	uint8_t holder_pk[32];
	uint8_t th0_before[32];    /* of the token that was renewed: it is good for its own time */
	uint8_t kid[8];            /* of the key that signed the token */
	uint64_t last_used;        /* Unix second of its last BIND; 0: never */
	bool warned;               /* that its time is nearly over was said */
	struct store_host process; /* it ends with it; pid 0: with none */
};

/* The public half of a key that tokens were signed with. */
struct store_issuer {
	uint8_t kid[8], pk[32];
	uint64_t until; /* Unix second from which it is good for nothing; 0: it is the one that
			   signs */
};

#define STORE_DEATHS_MAX 8u

enum store_snapshot_kind {
	STORE_SNAPSHOT_START = 1,
	STORE_SNAPSHOT_CHECKPOINT = 2,
	STORE_SNAPSHOT_SUSPEND = 3,
	STORE_SNAPSHOT_FINAL = 4,
	STORE_SNAPSHOT_MANUAL = 5, /* somebody asked for it */
};

/* How many snapshots of a name are kept, the newest: of checkpoints that watd made by itself, and
 * of all others. At least 1 each. */
struct store_keep {
	uint64_t checkpoints, others;
};

struct store_snapshot {
	uint64_t seq; /* store_next_snapshot; 0: the database gives it */
	char name[64];
	uint8_t instance_id[16];
	char service[256];
	uint64_t generation;
	enum store_snapshot_kind kind;
	uint8_t schema[32]; /* digest of the plugin's schema */
	bool has_interface; /* not in rows of an older watd */
	uint8_t interface[32];
	uint64_t at_ms;
	const uint8_t *state;
	size_t state_len;
	const uint8_t *lanes; /* of the clients, as of the same moment */
	size_t lanes_len;
	uint64_t last_seq; /* of the journal: the newest record that is in it */
};

struct store_answer {
	uint8_t request_id[16];
	uint8_t owner[16]; /* the grant that asked; zero for the node */
	int method;
	const uint8_t *reply;
	size_t reply_len;
	uint64_t at_ms;
};

/* An event of the audit. Those of a class keep to a bound of their own, so that a flood of refusals
 * can't wash away who was granted what. */
enum store_event_class {
	STORE_EVENT_LASTING = 1,  /* what was done */
	STORE_EVENT_FREQUENT = 2, /* what anybody may cause as often as they like */
	STORE_EVENT_CLASSES
};

#define STORE_EVENT_DETAIL_MAX 511u /* bytes; longer ones are cut between characters */
#define STORE_EVENT_ADDRESS_MAX 64u /* with its NUL */
#define STORE_EVENT_PAGE_MAX 1000u  /* events of one page */

struct store_event {
	uint64_t seq;     /* given by the store, strictly increasing; 0 in one to be added */
	uint64_t at_ms;   /* Unix time */
	const char *kind; /* a constant of the adder's; in a page: valid as long as the page */
	enum store_event_class class;
	char name[64]; /* of the instance; empty: none */
	uint8_t instance_id[16];
	uint64_t generation;
	uint64_t invocation; /* of what caused it; 0: unknown */
	bool has_peer;
	uint32_t uid;                          /* has_peer */
	int32_t pid;                           /* has_peer */
	char address[STORE_EVENT_ADDRESS_MAX]; /* of a peer on the network; "": it is here */
	bool has_grant;
	uint8_t grant_id[16];
	char user[64];
	int status;     /* wat_status; 0: none */
	uint32_t count; /* how many of the kind it stands for */
	bool stands;    /* it happened, whether or not the store takes it; not stored */
	char detail[STORE_EVENT_DETAIL_MAX + 1];
};

/* How much is kept of each class; older ones go with the next that is added. */
struct store_event_bounds {
	uint64_t rows[STORE_EVENT_CLASSES];
	uint64_t age_ms;
};
#define STORE_EVENT_BOUNDS_INIT                      \
	{                                            \
		{0, 100000, 20000}, 90 * 86400000ull \
	}

struct store;
struct store_txn;

/* Opens or makes state_dir/watd.db. A damaged database is renamed aside and named in *ret_note
 * (heap; else NULL), never deleted. -EPROTO: made by a newer watd; the reason is in the log. */
int store_open(const char *state_dir, struct store **ret, char **ret_note) WAT_MUST_CHECK;
/* 16 random bytes, made with the database. */
const uint8_t *store_node_id(const struct store *store);
/* Greatest Unix second ever committed; 0: none. */
uint64_t store_last_time(const struct store *store);
/* How often the database was opened, this time included. */
uint64_t store_starts(const struct store *store);

/* Rows; the pointers are valid during the call. A negative return ends the loading. */
struct store_visitor {
	int (*instance)(void *, const struct store_instance *);
	int (*grant)(void *, const struct store_grant *);
	int (*snapshot)(void *, const struct store_snapshot *); /* newest of each incarnation */
	/* The newest, and its digest is not that of its bytes. earlier: the newest intact one of
	 * the name before it; 0: there is none. */
	int (*bad_snapshot)(void *, const struct store_snapshot *, uint64_t earlier);
	int (*ended)(void *, const uint8_t instance_id[16]);
	int (*answer)(void *, const struct store_answer *);
	int (*host)(void *, const struct store_host *);
	/* Oldest first. */
	int (*death)(void *, const uint8_t instance_id[16], const uint8_t *failure, size_t n);
	int (*issuer)(void *, const struct store_issuer *);
};
/* On the caller's thread, before store_start_thread. Instances come before their grants and
 * snapshots. */
int store_load(struct store *store, const struct store_visitor *visitor, void *arg) WAT_MUST_CHECK;
/* From here on the connection belongs to the store's thread. */
int store_start_thread(struct store *store) WAT_MUST_CHECK;

/* NULL: no memory. */
struct store_txn *store_txn_new(void);
struct store_txn *store_txn_free(struct store_txn *txn);
/* These copy; -ENOMEM. */
int store_txn_put_instance(struct store_txn *txn, const struct store_instance *row)
	WAT_MUST_CHECK; /* by name */
int store_txn_put_grant(struct store_txn *txn, const struct store_grant *row)
	WAT_MUST_CHECK; /* by id */
/* The row, if it is there, says when it was used last. */
int store_txn_used_grant(struct store_txn *txn, const uint8_t id[16], uint64_t at) WAT_MUST_CHECK;
/* Of rows that don't say which key signed their token. */
int store_txn_kid_grants(struct store_txn *txn, const uint8_t kid[8]) WAT_MUST_CHECK;
int store_txn_put_issuer(struct store_txn *txn, const struct store_issuer *row)
	WAT_MUST_CHECK; /* by kid */
int store_txn_drop_issuer(struct store_txn *txn, const uint8_t kid[8]) WAT_MUST_CHECK;
/* Those of the name and the same sort that are too many go. */
int store_txn_put_snapshot(struct store_txn *txn,
			   const struct store_snapshot *row,
			   const struct store_keep *keep) WAT_MUST_CHECK;
/* Number for a snapshot that is about to be put. */
uint64_t store_next_snapshot(struct store *store);
/* The instance's row, its grants, and every snapshot of its name. */
int store_txn_remove_instance(struct store_txn *txn, const char *name, const uint8_t id[16])
	WAT_MUST_CHECK;
/* A packed wat.envelope.Failure: what an incarnation died of. The newest STORE_DEATHS_MAX of it are
 * kept, until it is removed or another one begins under its name. */
int store_txn_add_death(struct store_txn *txn,
			const uint8_t instance_id[16],
			const uint8_t *failure,
			size_t n) WAT_MUST_CHECK;
/* A host process that runs, and one that has ended. */
int store_txn_put_host(struct store_txn *txn, const struct store_host *row) WAT_MUST_CHECK;
int store_txn_drop_host(struct store_txn *txn, int pid) WAT_MUST_CHECK;
/* Remembers the id, deletes its grants. */
int store_txn_end_incarnation(struct store_txn *txn, const uint8_t id[16]) WAT_MUST_CHECK;
/* Answers older than seven days go. */
int store_txn_put_answer(struct store_txn *txn, const struct store_answer *row) WAT_MUST_CHECK;
int store_txn_add_event(struct store_txn *txn, const struct store_event *event) WAT_MUST_CHECK;

/* 0: committed, and so durable. Negative errno: nothing of the transaction was applied. */
typedef void store_done(void *arg, int r);
/* Consumes the transaction. */
void store_submit(struct store *store, struct store_txn *txn, store_done *done, void *arg);

/* Loop thread, from store_run_done, before the transaction's own callback: an event was committed
 * (r is 0, event->seq is set) or not. */
typedef void store_event_observer(void *arg, int r, const struct store_event *event);
/* Both before store_start_thread. */
void store_observe_events(struct store *store, store_event_observer *observer, void *arg);
void store_bound_events(struct store *store, const struct store_event_bounds *bounds);

struct store_event_query {
	uint64_t after_seq;
	uint64_t since_ms; /* Unix time; 0: from the oldest on */
	char name[64];     /* empty: of all instances, and of none */
	bool has_incarnation;
	uint8_t incarnation[16]; /* the same: of that one only */
	uint32_t newest;         /* leave out all but so many of what is there; 0: none left out */
	uint32_t limit;          /* at most STORE_EVENT_PAGE_MAX */
};

/* In order. next_seq: where the next page begins; oldest_seq: of what is kept, 0 if nothing is. */
struct store_event_page {
	struct store_event *events;
	size_t n;
	uint64_t next_seq, oldest_seq;
};

/* page is NULL when r < 0, and valid during the call. */
typedef void store_events_read(void *arg, int r, const struct store_event_page *page);
/* Sees what was submitted before and nothing that is not durable. Writes nothing. -ENOMEM: done is
 * not called. */
int store_read_events(struct store *store,
		      const struct store_event_query *query,
		      store_events_read *done,
		      void *arg) WAT_MUST_CHECK;

/* A snapshot without its bytes. */
struct store_snapshot_info {
	uint64_t seq, generation, at_ms;
	enum store_snapshot_kind kind;
	uint8_t instance_id[16], schema[32], interface[32];
	bool has_interface, intact; /* intact: the digest is that of its bytes */
	char service[256];
	size_t state_len, lanes_len;
};
/* r < 0: infos is NULL. Valid during the call. */
typedef void store_snapshots_listed(void *arg,
				    int r,
				    const struct store_snapshot_info *infos,
				    size_t n);
/* All of a name, in order of their numbers. Each is read and checked. -ENOMEM: done is not called.
 */
int store_list_snapshots(struct store *store,
			 const char *name,
			 store_snapshots_listed *done,
			 void *arg) WAT_MUST_CHECK;

struct store_snapshot_found {
	struct store_snapshot row;
	bool intact;
	uint64_t earlier; /* newest intact one of the name before it; 0: there is none */
};
/* r -ENOENT: there is none of that number. found is NULL when r < 0, and valid during the call. */
typedef void store_snapshot_found(void *arg, int r, const struct store_snapshot_found *found);
int store_find_snapshot(struct store *store,
			const char *name,
			uint64_t seq,
			store_snapshot_found *done,
			void *arg) WAT_MUST_CHECK;

/* A copy of the database as a file, in steps between which others' changes are committed, and are
 * in it too. The file must not be there; what a failure leaves of it is removed. Nothing is synced.
 * -ENOMEM: done is not called. */
int store_backup(struct store *store, const char *path, store_done *done, void *arg) WAT_MUST_CHECK;

/* watd --restore: makes a copy of `file` the database of the state directory, whose lock the caller
 * has and which no store has open. Tokens of before are good for nothing any more: every epoch is
 * higher than any that was. Numbers that are never used twice go on from the higher ones. */
struct store_restored {
	char aside[4096]; /* where the database of before is; "": there was none */
	bool unreadable;  /* that one is damaged, or a newer watd's */
	unsigned n_instances;
	unsigned n_damaged; /* of them, whose state is damaged */
	uint64_t at_ms;     /* of the newest snapshot in it */
};
/* -ENODATA: the file is no backup of watd; -EPROTO: of a newer watd; -EBADMSG: it is damaged.
 * Nothing has changed then. */
int store_restore(const char *state_dir, const char *file, struct store_restored *ret)
	WAT_MUST_CHECK;

/* A file of so many bytes, to be removed when the disk is full: what was to be stored then is
 * stored after all, if that is room enough, and full() is called on the loop's thread. Loop thread;
 * before store_start_thread for the first time, and again when there may be room. -ENOSPC and the
 * like: there is no ballast. */
int store_keep_ballast(struct store *store, const char *state_dir, uint64_t size) WAT_MUST_CHECK;
/* Removes it: true if it was there. */
bool store_drop_ballast(struct store *store);
/* Before store_start_thread. full: the disk is, whether or not there was a ballast. */
void store_observe_full(struct store *store, void (*full)(void *arg), void *arg);

/* So often in a row the database's log could not be folded into it, so that it grows; 0: it was,
 * the last time. *ret_error: the last time's, a negative errno. Any thread. */
unsigned store_unfolded(struct store *store, int *ret_error);

/* Readable when callbacks wait. */
int store_event_fd(const struct store *store);
void store_run_done(struct store *store);
/* Waits for what was submitted, runs its callbacks, closes. NULL is allowed; returns NULL. */
struct store *store_close(struct store *store);

#endif
