/* session.h - a client's control connection. Loop thread. The node owns sessions; a session owns
 * its socket, its bound capabilities, and the BINDs that wait. Its calls outlive it if an operation
 * holds them. */
#ifndef WAT_SUPERVISOR_SESSION_H
#define WAT_SUPERVISOR_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/sources.h"
#include "daemon/supervisor/audit.h"
#include "proto/overload.h"
#include "proto/status.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"
#include "proto/stream.h"
#include <wat/envelope.pb-c.h>

struct event;
struct node;

#define SESSION_ADDRESS_MAX STORE_EVENT_ADDRESS_MAX
#define SESSION_PENDING_MAX (4u * 1024u * 1024u)
#define SESSION_PENDING_UNBOUND (64u * 1024u) /* the same before something was bound */

/* A capability that was bound on the connection; its handle is its place + 1. */
struct binding {
	bool used;
	int role; /* enum token_role */
	uint8_t instance_id[16], grant_id[16];
	uint8_t kid[8];       /* of the key that signed the token */
	uint64_t method_mask; /* of the token: bit n is method n of the Admin's interface */
	uint64_t not_after;   /* of the token, Unix seconds; UINT64_MAX: it does not end */
};

struct session {
	struct list link, stranger; /* stranger: in node->admission, until it has bound something */
	struct node *node;
	struct stream stream;
	struct event *readable, *writable, *handshake;
	bool admin;   /* came through the admin socket */
	bool gated;   /* the gate's, for a peer that takes no descriptors */
	bool greeted; /* HELLO was taken */
	bool closing, paused;
	bool bound;            /* it has bound something */
	struct source *source; /* NULL: nothing limits it */
	size_t buffered;       /* its share of admission.buffered */
	uint8_t challenge[32], chan_bind[32];
	uint64_t last_id; /* of a BIND or a CALL */
	struct binding *bindings;
	size_t n_bindings;
	struct list calls;  /* struct control_call */
	struct list parked; /* struct parked_bind */
	size_t n_calls, n_parked;
	uid_t uid;
	pid_t pid;
	char address[SESSION_ADDRESS_MAX]; /* of a peer on the network; "": it is here */
};

/* What the gate says of a peer. */
struct session_peer {
	uint8_t chan_bind[32]; /* what its proofs are bound to */
	uid_t uid;             /* (uid_t)-1: not known */
	pid_t pid;
	char address[SESSION_ADDRESS_MAX];
	struct source_key source;
};

/* Takes the socket. */
int session_new(struct node *node, int fd, bool admin) WAT_MUST_CHECK;
/* The same for a peer of the gate. -EMFILE: it was told that there are no descriptors. */
int session_new_gated(struct node *node, int fd, const struct session_peer *peer) WAT_MUST_CHECK;
struct session *session_free(struct session *session);

/* session_frames.c: handles what was read, until the session is paused or closes. */
void session_take_frames(struct session *session);

/* A frame to the client, written as soon as it takes it. fd >= 0 is consumed. */
void session_send(struct session *session,
		  const struct frame *frame,
		  const ProtobufCMessage *body,
		  int fd);
/* FAIL for a BIND or a call. failure NULL: none but the text. */
void session_send_fail(struct session *session,
		       uint64_t id,
		       uint32_t handle,
		       wat_status status,
		       const char *text,
		       const Wat__Envelope__Failure *failure);
/* Says why and ends the connection after what was queued. */
void session_go_away(struct session *session, wat_status status, const char *text);

/* The same for a limit. */
void session_turn_away(struct session *session, enum overload limit);

/* A new invocation of the peer's. */
struct origin session_origin(struct session *session);
/* Into the audit: a capability was refused. binding: which one, or what the peer said it was; NULL:
 * none. */
void session_deny(struct session *session,
		  const struct origin *origin,
		  const struct binding *binding,
		  wat_status status,
		  const char *why);

/* A new handle, for a copy of the binding; 0 when there are too many or memory is out. */
uint32_t session_add_binding(struct session *session, const struct binding *binding);
/* NULL for an unknown handle. */
const struct binding *session_binding(const struct session *session, uint32_t handle);
/* BINDs and CALLs share one sequence. False, and GOAWAY is said, if this one does not go on with
 * it. */
bool session_take_id(struct session *session, uint64_t id) WAT_MUST_CHECK;

#endif
