/* wat.h - libwat, the client of watd.
 *
 * Functions return 0, a positive wat_status decided by the peer or by libwat, or a negative errno
 * of this machine. Outputs are untouched on failure. Every failure leaves its status, sentence and
 * chain of causes in wat_failure(). No call hangs: each ends by its timeout. All functions may be
 * called from any thread unless it says otherwise; a callback runs on the thread that is inside
 * libwat at the time. Typed functions for a service come from its generated NAME.client.h. */
#ifndef WAT_WAT_H
#define WAT_WAT_H

#include <stddef.h>
#include <stdint.h>

#include <wat/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WAT_API __attribute__((visibility("default")))
#define WAT_API_CHECK __attribute__((visibility("default"), warn_unused_result))
#else
#define WAT_API
#define WAT_API_CHECK
#endif

typedef struct wat wat;           /* one watd, however often the connection is made again */
typedef struct wat_node wat_node; /* the node capability: spawn, list, start */

/* Structs that a caller fills begin with their size and only grow. A member that an older caller
 * does not have is its default; one that a newer caller sets and this libwat does not know is
 * refused with INVALID_ARGUMENT, as are unknown flags. NULL for the struct means defaults. */

enum wat_tier { WAT_TIER_DEFAULT = 0, WAT_TIER_THREAD = 1, WAT_TIER_PROCESS = 2 };

/* What an acknowledged call survives. */
enum wat_durability {
	WAT_DURABILITY_DEFAULT = 0, /* the service's own; CRASH, if it says nothing */
	WAT_DURABILITY_NONE = 1,    /* Stop and suspension; a crash goes back to a checkpoint */
	WAT_DURABILITY_CRASH = 2,   /* the death of any or all of watd's processes */
	WAT_DURABILITY_SYNC = 3     /* the loss of power, too */
};

/* What follows a death. */
enum wat_restart {
	WAT_RESTART_DEFAULT = 0, /* ON_FAILURE; at a start: as it was */
	WAT_RESTART_NEVER = 1,
	WAT_RESTART_ON_FAILURE = 2, /* a start, unless the process ended itself with exit code 0 */
	WAT_RESTART_ALWAYS = 3
};

enum wat_spawn_flags {
	/* Spawn only: the instance is stopped, with its Stop handler, when the connection that
	 * spawned it ends: by wat_free, or with the process. It outlives a restart of watd as long
	 * as the process lives. */
	WAT_SPAWN_ATTACHED = 1
};

struct wat_spawn {
	uint32_t size;       /* of this struct */
	uint32_t tier;       /* enum wat_tier */
	uint32_t flags;      /* enum wat_spawn_flags */
	uint32_t durability; /* enum wat_durability */
	uint64_t from;     /* start only: number of the snapshot to begin from; 0: the last state */
	uint32_t restart;  /* enum wat_restart */
	uint32_t reserved; /* 0 */
};
#define WAT_SPAWN_INIT                                     \
	{                                                  \
		sizeof(struct wat_spawn), 0, 0, 0, 0, 0, 0 \
	}

enum wat_grant_flags { WAT_GRANT_SESSION = 1 }; /* the grant ends when its last channel goes */

struct wat_grant {
	uint32_t size;      /* of this struct */
	uint32_t flags;     /* enum wat_grant_flags */
	const char *name;   /* of the user: [a-z0-9][a-z0-9._-]{0,62} */
	uint64_t methods;   /* mask of the methods that may be called; 0: all */
	uint64_t not_after; /* Unix seconds; 0: watd's default, in 90 days */
	const uint8_t *
		holder_pk; /* NULL: libwat makes a key, and the token carries its seed. Else 32
			      bytes of an Ed25519 key that only its holder can use the token with */
	uint32_t rate; /* calls per second, as many at once; beyond it OVERLOADED; 0: no limit */
	uint32_t in_flight; /* calls not answered yet, of one handle; beyond it OVERLOADED; 0: no
			       limit of its own */
	uint32_t pid; /* of a process on watd's machine, with which the grant ends; 0: none. Not
			 over the network */
	uint32_t reserved; /* 0 */
};
#define WAT_GRANT_INIT                                                    \
	{                                                                 \
		sizeof(struct wat_grant), 0, NULL, 0, 0, NULL, 0, 0, 0, 0 \
	}

enum wat_cause_kind {
	WAT_CAUSE_UNKNOWN = 0,
	WAT_CAUSE_FAILURE = 1,  /* a handler or Start said so */
	WAT_CAUSE_PANIC = 2,    /* wat_panic or wat_check */
	WAT_CAUSE_SIGNAL = 3,   /* killed by a signal */
	WAT_CAUSE_EXIT = 4,     /* exited by itself */
	WAT_CAUSE_REFUSED = 5,  /* never started */
	WAT_CAUSE_DIVERGED = 6, /* run again, a call did not do what it had done */
	WAT_CAUSE_GROUP = 7     /* its group has failed, because of that instance */
};

/* A User is told kind and service; the other members are then empty. */
struct wat_cause {
	int kind;                                       /* enum wat_cause_kind */
	const char *service, *instance, *method, *text; /* never NULL */
	uint64_t generation;
	uint64_t time_ms; /* Unix time */
	int signal;
	uint64_t address;          /* where a fault was; 0: unknown */
	const char *const *frames; /* of the stack, innermost first; n_frames of them */
	size_t n_frames;
};

struct wat_failure {
	int status;       /* wat_status, or a negative errno */
	const char *text; /* a sentence */
	size_t n_causes;
	const struct wat_cause *causes; /* nearest first */
};

/* Connects to a watd: the path of its unix socket; or wat://KEY@HOST:PORT, as watd --print-address
 * prints it, or wat://HOST:PORT if such a line is in the file of known daemons (known_daemons in
 * $XDG_DATA_HOME/watctl, else ~/.local/share/watctl; $WAT_KNOWN_DAEMONS names another). NULL:
 * $WAT_SOCKET, then the default: root's is /run/watd/watd.sock, that of others
 * $XDG_RUNTIME_DIR/watd/watd.sock (/run/user/UID for an unset one) if it is there, then root's.
 * wat+insecure://HOST:PORT is without encryption, on this machine only. Tries once, all addresses
 * of a name. Before anything is signed a unix socket's peer is checked by its credentials: root,
 * this uid, the account `watd`, or $WAT_SERVER_UID; a remote one by its key. -ENOENT,
 * -ECONNREFUSED, -EACCES, ..., -EKEYREJECTED (the daemon there has not that key, or is known by
 * another), INVALID_ARGUMENT (no address), FAILED_PRECONDITION (no key is known, or a line of that
 * file is none), OVERLOADED (watd names the limit), UNAVAILABLE, DEADLINE_EXCEEDED; *ret is freed
 * with wat_free. */
WAT_API_CHECK int wat_connect(const char *address, wat **ret);
/* Per call; default 30,000 ms; 0: no limit. */
WAT_API void wat_set_timeout(wat *, uint64_t timeout_ms);
/* How long a lost connection is tried again, within the call's timeout; default 10,000 ms; 0: fail
 * at once. */
WAT_API void wat_set_reconnect(wat *, uint64_t reconnect_ms);
/* This thread's last failure. Valid until its next call into libwat; never NULL. */
WAT_API const struct wat_failure *wat_failure(void);
/* The 16 bytes that name the node. Valid as long as the wat. */
WAT_API const uint8_t *wat_node_id(const wat *);
/* Ends the connection. Every handle made from it must be freed before. NULL is allowed. */
WAT_API void wat_free(wat *);
/* Memory that libwat returned as plain bytes or text. */
WAT_API void wat_memory_free(void *);

/* The node capability, from the connection to an admin socket. ACCESS_DENIED on another socket. */
WAT_API_CHECK int wat_node_open(wat *, wat_node **ret);
/* Returns NULL; takes NULL. */
WAT_API wat_node *wat_node_free(wat_node *);

/* For programs with an event loop of their own. Watch wat_fd for reading, sleep no longer than
 * wat_timeout_ms says, and after either call wat_dispatch(w, 0). Ask for the time anew before each
 * sleep. Any thread may send meanwhile; the descriptor wakes the loop when there is something to
 * do. */

/* Readable when wat_dispatch has something to do. The same as long as the wat lives, which owns it.
 */
WAT_API int wat_fd(const wat *);
/* How long, in milliseconds, nothing is to be done unless wat_fd is readable; -1: no limit. */
WAT_API int wat_timeout_ms(wat *);
/* Does what is to be done: reads and writes, calls callbacks, ends calls whose time is over,
 * connects again. Waits no longer than timeout_ms (0: not at all; -1: until something happened).
 * Returns 0, or a negative errno of the wait. */
WAT_API_CHECK int wat_dispatch(wat *, int timeout_ms);
/* Takes back the calls that were sent with this callback argument: each ends with CANCELLED, by its
 * callback, from inside libwat, and the service is told that nobody waits; it may run the call all
 * the same. Returns how many there were: 0 if all are answered. */
WAT_API size_t wat_cancel(wat *, const void *arg);
/* Calls sent with *_send and not yet answered. */
WAT_API size_t wat_outstanding(wat *);

#ifdef __cplusplus
}
#endif

#endif
