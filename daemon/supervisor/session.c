/* session.c - a client's control connection: HELLO, then BIND, CALL, DROP. Loop thread. */
#include "daemon/supervisor/session.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/denials.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/session_bind.h"
#include "proto/check.h"
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
	bool full = stream_pending(&session->stream) > SESSION_PENDING_MAX ||
		    session->stream.n_out_fds > 0;

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

struct origin session_origin(struct session *session)
{
	struct origin origin = {
		.invocation = ++session->node->last_invocation,
		.has_peer = session->uid != (uid_t)-1,
		.uid = session->uid,
		.pid = session->pid,
	};

	memcpy(origin.address, session->address, sizeof origin.address);
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

uint32_t session_add_binding(struct session *session,
			     int role,
			     const uint8_t instance_id[16],
			     const uint8_t grant_id[16])
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
	session->bindings[i] = (struct binding){.used = true, .role = role};
	memcpy(session->bindings[i].instance_id, instance_id, 16);
	memcpy(session->bindings[i].grant_id, grant_id, 16);
	return (uint32_t)i + 1;
}

const struct binding *session_binding(const struct session *session, uint32_t handle)
{
	if (handle == 0 || handle > session->n_bindings || !session->bindings[handle - 1].used)
		return NULL;
	return &session->bindings[handle - 1];
}

static void handle_hello(struct session *session, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;
	Wat__Envelope__Welcome welcome = WAT__ENVELOPE__WELCOME__INIT;
	struct frame answer = {.type = FRAME_WELCOME, .id = frame->id};
	uint32_t version;

	if (check_unpack(&wat__envelope__hello__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0) {
		session_go_away(session, WAT_INVALID_ARGUMENT, "HELLO can't be decoded");
		return;
	}
	version = ((const Wat__Envelope__Hello *)message)->version;
	protobuf_c_message_free_unpacked(message, NULL);
	if (version != WAT_PROTOCOL_VERSION) {
		session_go_away(session, WAT_FAILED_PRECONDITION,
				"this watd speaks version 1 of the protocol only");
		return;
	}
	session->greeted = true;
	(void)event_del(session->handshake);
	randombytes_buf(session->challenge, sizeof session->challenge);
	welcome.version = WAT_PROTOCOL_VERSION;
	welcome.challenge = (ProtobufCBinaryData){sizeof session->challenge, session->challenge};
	welcome.node_id = (ProtobufCBinaryData){16, (uint8_t *)node_id(session->node)};
	welcome.program = (char *)"watd/" WAT_VERSION;
	welcome.max_body = WAT_BODY_MAX;
	welcome.handles = session->gated;
	session_send(session, &answer, &welcome.base, -1);
}

static void handle(struct session *session, const struct frame *frame, const uint8_t *body)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	if (!session->greeted) {
		if (frame->type == FRAME_HELLO)
			handle_hello(session, frame, body);
		else
			session_go_away(session, WAT_INVALID_ARGUMENT, "expected HELLO first");
		return;
	}
	switch (frame->type) {
	case FRAME_BIND:
		session_bind(session, frame, body);
		break;
	case FRAME_CALL:
		control_call_run(session, frame, body);
		break;
	case FRAME_DROP:
		if (session_binding(session, frame->handle))
			session->bindings[frame->handle - 1].used = false;
		break;
	case FRAME_PING:
		session_send(session, &pong, NULL, -1);
		break;
	case FRAME_CANCEL:
		control_call_cancel(session, frame->id);
		break;
	case FRAME_PONG:
		break;
	default:
		session_go_away(session, WAT_INVALID_ARGUMENT,
				"this frame is not for a control connection");
	}
}

static void refuse_bytes(struct session *session, int error)
{
	const struct frame *failed = &session->stream.failed;
	char text[160];

	if (error == -EMSGSIZE)
		(void)snprintf(text, sizeof text,
			       "a frame of %u bytes was announced, the limit here is %u",
			       failed->body_len, session->stream.body_max);
	else
		(void)snprintf(text, sizeof text, "these bytes are no frame of this protocol%s",
			       session->greeted ? "" : "; expected HELLO first");
	session_go_away(session, error == -EMSGSIZE ? WAT_TOO_LARGE : WAT_INVALID_ARGUMENT, text);
}

static void handle_frames(struct session *session)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r = 0;

	while (!session->closing && !session->paused &&
	       (r = stream_next(&session->stream, &frame, &body, &fd)) > 0) {
		if (fd >= 0) {
			fd_close(fd);
			session_go_away(session, WAT_INVALID_ARGUMENT,
					"a descriptor came that nobody asked for");
			return;
		}
		handle(session, &frame, body);
	}
	if (r < 0 && !session->closing)
		refuse_bytes(session, r);
	/* A descriptor that no frame of this connection can claim. */
	else if (!session->closing && session->stream.n_in_fds > 0)
		session_go_away(session, WAT_INVALID_ARGUMENT,
				"a descriptor came that nobody asked for");
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
	handle_frames(session);
	if (session->closing || session->paused)
		return;
	r = stream_read(&session->stream);
	if (r > 0) {
		handle_frames(session);
		/* Most connections are idle most of the time. */
		stream_trim(&session->stream);
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

/* Takes the socket. NULL: no memory. */
static struct session *session_alloc(struct node *node, int fd)
{
	struct session *session = calloc(1, sizeof *session);

	if (!session) {
		fd_close(fd);
		return NULL;
	}
	session->node = node;
	stream_init(&session->stream, fd, WAT_BODY_MAX_UNBOUND);
	list_init(&session->calls);
	list_init(&session->parked);
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

/* Who manages the node gets in: to see who is there, and to end them. The gate has a limit of its
 * own. */
static bool is_one_too_many(const struct session *session)
{
	const struct node *node = session->node;

	return !session->admin && !session->gated &&
	       node->n_sessions - node->n_gated > node->options->limits.connections;
}

int session_new(struct node *node, int fd, bool admin)
{
	struct session *session = session_alloc(node, fd);
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t n = sizeof peer;

	if (!session)
		return -ENOMEM;
	session->admin = admin;
	token_unix_binding(session->chan_bind);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0) {
		session->uid = peer.uid;
		session->pid = peer.pid;
	}
	if (begin(session) < 0)
		return -ENOMEM;
	if (is_one_too_many(session))
		session_go_away(session, WAT_OVERLOADED,
				"watd has as many connections as it may have (max-connections)");
	return 0;
}

int session_new_gated(struct node *node, int fd, const struct session_peer *peer)
{
	struct session *session = session_alloc(node, fd);

	if (!session)
		return -ENOMEM;
	session->gated = true;
	node->n_gated++;
	session->uid = peer->uid;
	session->pid = peer->pid;
	memcpy(session->chan_bind, peer->chan_bind, sizeof session->chan_bind);
	memcpy(session->address, peer->address, sizeof session->address);
	return begin(session);
}
