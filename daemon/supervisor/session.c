/* session.c - a client's control connection: begun, read, written, ended. Loop thread. */
#include "daemon/supervisor/session.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"
#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/denials.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/overloads.h"
#include "daemon/supervisor/owner.h"
#include "daemon/supervisor/session_bind.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

struct session *session_free(struct session *session)
{
	if (!session)
		return NULL;
	session_bind_forget(session);
	control_calls_orphan(session);
	list_remove(&session->link);
	owner_session_gone(session);
	admission_remove_stranger(session);
	source_end(&session->node->admission.sources, session->source, !session->gated,
		   clock_monotonic_ns());
	session->node->admission.buffered -= session->buffered;
	session->node->n_sessions--;
	if (session->gated)
		session->node->n_gated--;
	if (session->readable)
		event_free(session->readable);
	if (session->writable)
		event_free(session->writable);
	if (session->handshake)
		event_free(session->handshake);
	stream_deinit(&session->stream);
	free(session->bindings);
	free(session);
	return NULL;
}

/* Freed from the event loop, never from inside a caller that still holds the session. */
static void close_soon(struct session *session)
{
	session->closing = true;
	event_active(session->readable, EV_READ, 0);
}

/* A peer that does not read its answers is not read either: it only slows itself. */
static void pause_or_go_on(struct session *session)
{
	size_t max =
		session->bound || session->admin ? SESSION_PENDING_MAX : SESSION_PENDING_UNBOUND;
	bool full = stream_pending(&session->stream) > max || session->stream.n_out_fds > 0;

	if (full == session->paused || session->closing)
		return;
	session->paused = full;
	if (full)
		(void)event_del(session->readable);
	else if (event_add(session->readable, NULL) == 0)
		event_active(session->readable, EV_READ, 0);
}

static void write_out(struct session *session)
{
	int r = stream_write(&session->stream);

	if (r == -EAGAIN)
		(void)event_add(session->writable, NULL);
	else if (r < 0)
		close_soon(session);
	pause_or_go_on(session);
}

void session_send(struct session *session,
		  const struct frame *frame,
		  const ProtobufCMessage *body,
		  int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	size_t n = body ? protobuf_c_message_get_packed_size(body) : 0;
	_cleanup_(freep) uint8_t *bytes = malloc(n ? n : 1);

	if (!bytes) {
		close_soon(session);
		return;
	}
	if (body)
		protobuf_c_message_pack(body, bytes);
	if (stream_queue(&session->stream, frame, bytes, n, fd_take(&owned)) < 0)
		close_soon(session);
	else
		write_out(session);
}

void session_send_fail(struct session *session,
		       uint64_t id,
		       uint32_t handle,
		       wat_status status,
		       const char *text,
		       const Wat__Envelope__Failure *failure)
{
	struct frame frame = {
		.type = FRAME_FAIL, .id = id, .handle = handle, .budget = (uint32_t)status};
	Wat__Envelope__Failure body = WAT__ENVELOPE__FAILURE__INIT;

	if (failure)
		body = *failure;
	if (text)
		body.text = (char *)text;
	session_send(session, &frame, &body.base, -1);
}

/* Whose it is, without an invocation. */
static struct origin session_peer(const struct session *session)
{
	struct origin origin = {
		.has_peer = session->uid != (uid_t)-1,
		.uid = session->uid,
		.pid = session->pid,
	};

	memcpy(origin.address, session->address, sizeof origin.address);
	return origin;
}

void session_go_away(struct session *session, wat_status status, const char *text)
{
	struct frame frame = {.type = FRAME_GOAWAY};
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	Wat__Envelope__GoAway body = WAT__ENVELOPE__GO_AWAY__INIT;

	failure.text = (char *)text;
	body.status = (uint32_t)status;
	body.failure = &failure;
	session_send(session, &frame, &body.base, -1);
	close_soon(session);
}

void session_turn_away(struct session *session, enum overload limit)
{
	struct origin peer = session_peer(session);
	char text[OVERLOAD_TEXT_MAX];

	if (session->closing)
		return;
	/* It counts as gone. */
	admission_remove_stranger(session);
	overloads_add(session->node->overloads, limit, &peer, 1);
	session_go_away(session, WAT_OVERLOADED, overload_text(limit, text));
}

struct origin session_origin(struct session *session)
{
	struct origin origin = session_peer(session);

	origin.invocation = ++session->node->last_invocation;
	return origin;
}

void session_deny(struct session *session,
		  const struct origin *origin,
		  const struct binding *binding,
		  wat_status status,
		  const char *why)
{
	const struct node *node = session->node;
	const struct grant *grant =
		binding ? grant_table_find(node->grants, binding->grant_id) : NULL;
	const struct audit denial = {
		.kind = AUDIT_DENY,
		.origin = origin,
		.instance = binding ? instance_table_by_id(&node->instances, binding->instance_id)
				    : NULL,
		.grant = grant ? &grant->row : NULL,
		.status = status,
		.detail = why,
	};

	denials_add(node->denials, &denial);
}

uint32_t session_add_binding(struct session *session, const struct binding *binding)
{
	size_t i = 0;

	while (i < session->n_bindings && session->bindings[i].used)
		i++;
	if (i >= session->node->options->limits.capabilities)
		return 0;
	if (i == session->n_bindings) {
		size_t n = i ? i * 2 : 8;
		struct binding *grown = reallocarray(session->bindings, n, sizeof *grown);

		if (!grown)
			return 0;
		memset(grown + i, 0, (n - i) * sizeof *grown);
		session->bindings = grown;
		session->n_bindings = n;
	}
	session->bindings[i] = *binding;
	session->bindings[i].used = true;
	return (uint32_t)i + 1;
}

const struct binding *session_binding(const struct session *session, uint32_t handle)
{
	if (handle == 0 || handle > session->n_bindings || !session->bindings[handle - 1].used)
		return NULL;
	return &session->bindings[handle - 1];
}

bool session_take_id(struct session *session, uint64_t id)
{
	if (id > session->last_id) {
		session->last_id = id;
		return true;
	}
	session_go_away(session, WAT_INVALID_ARGUMENT,
			"the id of a BIND or a CALL must be greater than that of the one before");
	return false;
}

/* What a connection may hold at most is much; what all of them hold at once, not. */
static void account(struct session *session)
{
	if (!admission_account(session))
		session_turn_away(session, OVERLOAD_MEMORY);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	int r;

	(void)fd;
	(void)what;
	if (session->closing) {
		session_free(session);
		return;
	}
	/* Frames that were read before a pause come first. */
	session_take_frames(session);
	if (session->closing || session->paused)
		return;
	r = stream_read(&session->stream);
	if (r > 0) {
		session_take_frames(session);
		/* Most connections are idle most of the time. */
		stream_trim(&session->stream);
		account(session);
	} else if (r == -EPROTO)
		session_go_away(session, WAT_INVALID_ARGUMENT, "too many descriptors were sent");
	else if (r != -EAGAIN)
		session_free(session);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_out(arg);
	account(arg);
}

static void on_handshake_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	char text[64];

	(void)fd;
	(void)what;
	(void)snprintf(text, sizeof text, "no HELLO came within %s",
		       session->node->options->hello_timeout);
	session_go_away(session, WAT_DEADLINE_EXCEEDED, text);
}

static int set_up_events(struct session *session, int fd)
{
	struct event_base *base = session->node->base;
	struct timeval timeout = {.tv_sec = (time_t)session->node->options->limits.hello_s};

	session->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, session);
	session->writable = event_new(base, fd, EV_WRITE, on_writable, session);
	session->handshake = evtimer_new(base, on_handshake_overdue, session);
	if (!session->readable || !session->writable || !session->handshake ||
	    event_add(session->readable, NULL) < 0 || evtimer_add(session->handshake, &timeout) < 0)
		return -ENOMEM;
	return 0;
}

/* Takes the socket, and the source. NULL: no memory. */
static struct session *session_alloc(struct node *node, int fd, struct source *source)
{
	struct session *session = calloc(1, sizeof *session);

	if (!session) {
		fd_close(fd);
		return NULL;
	}
	session->node = node;
	session->source = source;
	stream_init(&session->stream, fd, WAT_BODY_MAX_UNBOUND);
	list_init(&session->calls);
	list_init(&session->parked);
	list_init(&session->stranger);
	list_append(&node->sessions, &session->link);
	node->n_sessions++;
	return session;
}

static int begin(struct session *session)
{
	int r = set_up_events(session, session->stream.fd);

	if (r < 0)
		session_free(session);
	return r;
}

/* What is in the connection's way; *ret_source NULL: nothing limits it. */
static enum overload admit(struct node *node,
			   int fd,
			   bool admin,
			   const struct origin *peer,
			   struct source **ret_source)
{
	*ret_source = NULL;
	return admin ? admission_of_admin(node, fd, peer)
		     : admission_begin(node, fd, peer, ret_source);
}

static struct origin peer_of(int fd)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t n = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return (struct origin){.uid = (uid_t)-1};
	return (struct origin){.has_peer = true, .uid = peer.uid, .pid = peer.pid};
}

int session_new(struct node *node, int fd, bool admin)
{
	_cleanup_(fd_closep) int owned = fd;
	struct origin peer = peer_of(fd);
	struct source *source;
	enum overload limit = admit(node, fd, admin, &peer, &source);
	struct session *session;

	/* Whoever is one too many costs no more than this. */
	if (limit != OVERLOAD_NONE) {
		overload_refuse(fd, limit);
		return 0;
	}
	session = session_alloc(node, fd_take(&owned), source);
	if (!session) {
		source_end(&node->admission.sources, source, true, clock_monotonic_ns());
		return -ENOMEM;
	}
	session->admin = admin;
	session->uid = peer.uid;
	session->pid = peer.pid;
	token_unix_binding(session->chan_bind);
	if (!admin)
		admission_add_stranger(session);
	return begin(session);
}

int session_new_gated(struct node *node, int fd, const struct session_peer *peer)
{
	_cleanup_(fd_closep) int owned = fd;
	struct session *session;
	struct source *source;
	enum overload limit = admission_of_gate(node, fd, &peer->source, &source);

	/* The gate passes it on. */
	if (limit != OVERLOAD_NONE) {
		overload_refuse(fd, limit);
		return -EMFILE;
	}
	session = session_alloc(node, fd_take(&owned), source);
	if (!session) {
		source_end(&node->admission.sources, source, false, clock_monotonic_ns());
		return -ENOMEM;
	}
	session->gated = true;
	node->n_gated++;
	session->uid = peer->uid;
	session->pid = peer->pid;
	memcpy(session->chan_bind, peer->chan_bind, sizeof session->chan_bind);
	memcpy(session->address, peer->address, sizeof session->address);
	return begin(session);
}
