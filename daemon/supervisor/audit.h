/* audit.h - what happened to whom, and who caused it: an event in the store, in the transaction
 * that makes it true where there is one, and a line in the log once it is committed. Neither ever
 * holds a token or a key. Loop thread. */
#ifndef WAT_SUPERVISOR_AUDIT_H
#define WAT_SUPERVISOR_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/store/store.h"
#include "proto/status.h"
#include "proto/support/must_check.h"

struct instance;
struct node;

/* What set something going: a call or a BIND with its peer, a death, or a start of watd. */
struct origin {
	uint64_t invocation; /* a number of this node's, never used again; 0: none */
	bool has_peer;       /* a process of this machine */
	uid_t uid;
	pid_t pid;
	char address[STORE_EVENT_ADDRESS_MAX]; /* of a peer on the network; "": none */
};

/* Name for users, class, level in the log, sentence, and what an operator can do. New ones come at
 * the end of their part: the names are in databases, not the numbers. */
#define AUDIT_KINDS(K)                                                                             \
	K(WATD_START, "watd-start", LASTING, INFO, "watd starts", "")                              \
	K(WATD_STOP, "watd-stop", LASTING, INFO, "watd ends", "")                                  \
	K(SPAWN, "spawn", LASTING, INFO, "an instance was begun", "")                              \
	K(START, "start", LASTING, INFO, "an instance was started from its last state", "")        \
	K(START_FAILED, "start-failed", LASTING, WARNING, "an instance could not begin", "")       \
	K(RESUME, "resume", LASTING, INFO, "an instance goes on after a restart of watd", "")      \
	K(RESTART, "restart", LASTING, INFO, "an instance was started again after a death", "")    \
	K(RESTART_ORDERED, "restart-ordered", LASTING, INFO,                                       \
	  "an instance was ended in order and started again", "")                                  \
	K(RESET_FAILED, "reset-failed", LASTING, INFO, "the deaths of an instance were forgotten", \
	  "")                                                                                      \
	K(ISOLATE, "isolate", LASTING, WARNING,                                                    \
	  "an instance is kept out of the pool, and runs in a process of its own",                 \
	  "watctl show NAME, then watctl release NAME")                                            \
	K(RELEASE, "release", LASTING, INFO, "an instance may be in the pool again", "")           \
	K(STUCK, "stuck", LASTING, WARNING, "a handler does not come back",                        \
	  "watctl kill NAME ends its process")                                                     \
	K(UNSTUCK, "unstuck", LASTING, INFO, "a handler came back after all", "")                  \
	K(DEATH, "death", LASTING, WARNING, "an instance lost its process", "")                    \
	K(REBUILT, "rebuilt", LASTING, ERROR, "an instance went back to its last committed state", \
	  "")                                                                                      \
	K(FAILED, "failed", LASTING, ERROR,                                                        \
	  "an instance died and its policy starts it no more, or it can't start",                  \
	  "watctl show NAME, then watctl reset-failed NAME")                                       \
	K(QUARANTINE, "quarantine", LASTING, ERROR,                                                \
	  "a call of a journal, run again, did not do what it had done: nothing is decided, "      \
	  "everything is kept",                                                                    \
	  "watctl show NAME, then watctl replay NAME --to SEQ, or watctl start NAME with a "       \
	  "plugin "                                                                                \
	  "that does what the old one did")                                                        \
	K(KILL, "kill", LASTING, WARNING, "an operator kills the host of an instance", "")         \
	K(STOP, "stop", LASTING, INFO, "an instance was stopped", "")                              \
	K(STOP_REFUSED, "stop-refused", LASTING, WARNING, "an instance refused to be stopped",     \
	  "it goes on; watctl kill NAME ends it whatever it says")                                 \
	K(SNAPSHOT, "snapshot", LASTING, INFO, "a snapshot of an instance was made", "")           \
	K(SUSPEND, "suspend", LASTING, INFO, "an instance waits for the next start of watd", "")   \
	K(REMOVE, "remove", LASTING, INFO, "an instance was removed with its states", "")          \
	K(GRANT, "grant", LASTING, INFO, "a capability was given", "")                             \
	K(GRANT_REFUSED, "grant-refused", LASTING, WARNING, "a capability was not given", "")      \
	K(REVOKE, "revoke", LASTING, INFO, "a capability was taken back", "")                      \
	K(KEY_CHANGED, "key-changed", LASTING, INFO, "tokens are signed with another key", "")      \
	K(KEY_REVOKED, "key-revoked", LASTING, WARNING, "tokens of a key are good for nothing", "")  \
	K(RENEW, "renew", LASTING, INFO, "a capability was given for longer", "")                  \
	K(EXPIRES_SOON, "expires-soon", LASTING, WARNING,                                          \
	  "the time of a capability is nearly over", "watctl renew NAME USER")                     \
	K(DATABASE_DAMAGED, "database-damaged", LASTING, ERROR,                                    \
	  "the database was damaged, and a new one was made", "watd --restore FILE")               \
	K(NO_SPACE, "no-space", LASTING, ERROR,                                                    \
	  "the disk is full: what changes something is refused, Stop and Deprovision work",        \
	  "free some of it; watd notices by itself")                                               \
	K(SPACE, "space", LASTING, INFO, "the disk has room again", "")                            \
	K(BACKUP, "backup", LASTING, INFO, "a backup was made", "")                                \
	K(RESTORE, "restore", LASTING, WARNING, "watd goes back to a backup", "")                  \
	K(EXPORT, "export", LASTING, INFO, "the state of an instance was given out", "")           \
	K(IMPORT, "import", LASTING, INFO, "an instance was begun from a file", "")                \
	K(REPLAY, "replay", LASTING, INFO, "a state of before was asked for", "")                  \
	K(RELOAD, "reload", LASTING, INFO, "the configuration was read again", "")                 \
	K(LOG_LEVEL, "log-level", LASTING, INFO, "the level of the log was set", "")               \
	K(GROUP_RESTART, "group-restart", LASTING, WARNING,                                        \
	  "instances of a group end in order and start again, since one of them died", "")         \
	K(GROUP_FAILING, "group-failing", LASTING, WARNING,                                        \
	  "a group has failed, and its instances are stopped", "")                                 \
	K(GROUP_FAILED, "group-failed", LASTING, ERROR, "a group has failed and is down",          \
	  "watctl show NAME, then watctl reset-failed NAME, and watctl start the others")          \
	K(OWNER_GONE, "owner-gone", LASTING, INFO, "an instance ends: its owner has gone", "")     \
	K(DENY, "deny", FREQUENT, WARNING, "capability refused", "")                               \
	K(BIND, "bind", FREQUENT, DEBUG, "a capability was bound", "")                             \
	K(OVERLOAD, "overload", FREQUENT, WARNING, "connections or BINDs are refused", "")

enum audit_kind {
#define AUDIT_KIND_ENUM(name, text, class, level, sentence, help) AUDIT_##name,
	AUDIT_KINDS(AUDIT_KIND_ENUM)
#undef AUDIT_KIND_ENUM
};

struct audit {
	enum audit_kind kind;
	const struct origin *origin;     /* NULL: unknown */
	const struct instance *instance; /* NULL: none */
	const struct store_grant *grant; /* NULL: none */
	wat_status status;
	const char *detail; /* a sentence, of whatever bytes; NULL: none */
};

/* Says in the log what the store committed. Before the store's thread starts. */
int audit_init(struct node *node) WAT_MUST_CHECK;
void audit_deinit(struct node *node);
/* The event, its time being now. Texts are cut, and what is not UTF-8 in them is replaced. */
void audit_event(const struct audit *what, struct store_event *ret);
/* Into the transaction that makes it true. */
int audit_add(struct store_txn *txn, const struct audit *what) WAT_MUST_CHECK;
/* In a transaction of its own, for what has happened in any case: without store or memory it is
 * still said in the log. */
void audit_record(struct node *node, const struct audit *what);
void audit_record_event(struct node *node, const struct store_event *event);
/* The same within a second, together with others: for what is frequent, and is lost with a crash.
 */
void audit_record_later(struct node *node, const struct audit *what);
/* Submits what is held back. */
void audit_flush(struct node *node);

/* A cause that is nobody's call. */
struct origin origin_new(struct node *node);

#endif
