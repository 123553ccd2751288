/* connection.c - the control connection: greeting, answers of BINDs and of Node, Admin and session
 * calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/address.h"
#include "client/private.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

int connection_open(wat *w)
{
	Wat__Envelope__Hello hello = WAT__ENVELOPE__HELLO__INIT;
	struct frame frame = {.type = FRAME_HELLO};
	uint8_t body[64];
	int fd = address_connect(w->address), r;

	if (fd < 0)
		return fd;
	stream_init(&w->control, fd, WAT_CONTROL_BODY_MAX);
	w->connected = true;
	w->greeted = false;
	w->last_slot = w->last_id = 0;
	hello.version = WAT_PROTOCOL_VERSION;
	hello.program = (char *)"libwat/" WAT_VERSION;
	r = stream_queue(&w->control, &frame, body, wat__envelope__hello__pack(&hello, body), -1);
	if (r < 0) {
		connection_lost(w);
		return r;
	}
	connection_write(w);
	return 0;
}

/* Calls of a lost connection: those that may be written again wait for the next one. */
static void lose_calls(wat *w, wat_capability *capability)
{
	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);
		bool written = call->sent && w->control.out_position > call->at;

		if (call->sent && written && !call->resend)
			call_complete(call, WAT_DISCONNECTED, NULL,
				      "the connection to watd was lost; the call may have run");
		call->sent = false;
	}
	capability->binding = UNBOUND;
	capability->resume = true;
	capability->handle = 0;
}

void connection_lost(wat *w)
{
	if (!w->connected)
		return;
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (capability->role != TOKEN_USER)
			lose_calls(w, capability);
		else if (capability->binding == BINDING)
			capability->binding = UNBOUND;
		/* A channel that lives goes on without the control connection. */
		if (capability->binding == UNBOUND && !capability->lost_ms)
			capability->lost_ms = now_ms();
		capability->retry_at_ms = 0;
		capability->handle = 0;
	}
	stream_deinit(&w->control);
	w->connected = w->greeted = false;
	if (!w->lost_ms)
		w->lost_ms = now_ms();
}

void connection_write(wat *w)
{
	int r = stream_write(&w->control);

	/* What the peer wrote before it went is read first. */
	if (r < 0 && r != -EAGAIN && r != -EPIPE && r != -ECONNRESET)
		connection_lost(w);
}

static void handle_welcome(wat *w, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	const Wat__Envelope__Welcome *welcome;

	if (check_unpack(&wat__envelope__welcome__descriptor, NULL, body, n, &message, NULL) < 0)
		return;
	welcome = (const Wat__Envelope__Welcome *)message;
	if (welcome->challenge.len == sizeof w->challenge &&
	    welcome->node_id.len == sizeof w->node_id) {
		memcpy(w->challenge, welcome->challenge.data, sizeof w->challenge);
		memcpy(w->node_id, welcome->node_id.data, sizeof w->node_id);
		w->greeted = true;
		w->lost_ms = w->pause_ms = 0;
	}
	protobuf_c_message_free_unpacked(message, NULL);
}

static wat_capability *binding_by_slot(wat *w, uint64_t slot)
{
	list_for_each (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (capability->binding == BINDING && capability->slot == slot)
			return capability;
	}
	return NULL;
}

static int take_bound(wat_capability *capability, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	const Wat__Envelope__Bound *bound;
	int r = check_unpack(&wat__envelope__bound__descriptor, NULL, body, n, &message, NULL);

	if (r < 0)
		return r;
	bound = (const Wat__Envelope__Bound *)message;
	capability->handle = bound->handle;
	if (!capability->service)
		capability->service = strdup(bound->service);
	if (!capability->instance)
		capability->instance = strdup(bound->instance);
	if (bound->instance_id.len == 16)
		memcpy(capability->instance_id, bound->instance_id.data, 16);
	protobuf_c_message_free_unpacked(message, NULL);
	return capability->service && capability->instance ? 0 : -ENOMEM;
}

static void handle_bound(wat *w, const struct frame *frame, const uint8_t *body, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	wat_capability *capability = binding_by_slot(w, frame->id);
	struct frame drop = {.type = FRAME_DROP};

	if (!capability) {
		/* Its handle was freed meanwhile. */
		ProtobufCMessage *message;

		if (check_unpack(&wat__envelope__bound__descriptor, NULL, body, frame->body_len,
				 &message, NULL) < 0)
			return;
		drop.handle = ((const Wat__Envelope__Bound *)message)->handle;
		protobuf_c_message_free_unpacked(message, NULL);
		if (stream_queue(&w->control, &drop, NULL, 0, -1) == 0)
			connection_write(w);
		return;
	}
	if (take_bound(capability, body, frame->body_len) < 0 ||
	    (capability->role == TOKEN_USER) != (owned >= 0))
		bind_failed(capability, WAT_INTERNAL, NULL);
	else if (capability->role == TOKEN_USER)
		channel_open(capability, fd_take(&owned));
	else
		bind_done(capability);
}

static struct call *sent_call(wat *w, uint64_t id)
{
	list_for_each (i, &w->capabilities) {
		list_for_each (j, &container_of(i, wat_capability, link)->calls) {
			struct call *call = container_of(j, struct call, link);
			bool on_control =
				call->kind == CALL_SCHEMA ||
				(call->kind == CALL_METHOD && call->capability->role != TOKEN_USER);

			if (on_control && call->sent && call->id == id)
				return call;
		}
	}
	return NULL;
}

static void handle_reply(wat *w, const struct frame *frame, const uint8_t *body)
{
	struct call *call = sent_call(w, frame->id);

	if (!call)
		return;
	call->reply = malloc(frame->body_len + 1u);
	if (!call->reply) {
		call_complete(call, WAT_RESOURCE_EXHAUSTED, NULL,
			      "done, but there is no memory for the reply");
		return;
	}
	memcpy(call->reply, body, frame->body_len);
	call->reply_len = frame->body_len;
	call_complete(call, 0, NULL, NULL);
}

static void handle_fail(wat *w, const struct frame *frame, const uint8_t *body)
{
	wat_capability *capability = frame->handle == 0 ? binding_by_slot(w, frame->id) : NULL;
	struct call *call = sent_call(w, frame->id);
	wat_status status = frame->budget ? (wat_status)frame->budget : WAT_INTERNAL;
	ProtobufCMessage *failure = NULL;

	if (check_unpack(&wat__envelope__failure__descriptor, NULL, body, frame->body_len, &failure,
			 NULL) < 0)
		failure = NULL;
	/* Slots and call ids are numbered apart: a BIND is answered before its capability has calls
	 * of its own. */
	if (capability)
		bind_failed(capability, status, (const Wat__Envelope__Failure *)failure);
	else if (call)
		call_complete(call, (int)status, (const Wat__Envelope__Failure *)failure, NULL);
	if (failure)
		protobuf_c_message_free_unpacked(failure, NULL);
}

static void handle(wat *w, const struct frame *frame, const uint8_t *body, int fd)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	if (frame->type == FRAME_BOUND) {
		handle_bound(w, frame, body, fd);
		return;
	}
	fd_close(fd);
	if (frame->type == FRAME_WELCOME)
		handle_welcome(w, body, frame->body_len);
	else if (frame->type == FRAME_REPLY)
		handle_reply(w, frame, body);
	else if (frame->type == FRAME_FAIL)
		handle_fail(w, frame, body);
	else if (frame->type == FRAME_PING && stream_queue(&w->control, &pong, NULL, 0, -1) == 0)
		connection_write(w);
}

void connection_read(wat *w)
{
	int r = stream_read(&w->control), fd;
	struct frame frame;
	const uint8_t *body;

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		connection_lost(w);
		return;
	}
	while (w->connected && (r = stream_next(&w->control, &frame, &body, &fd)) > 0)
		handle(w, &frame, body, fd);
	/* Bytes that are none of this protocol. */
	if (w->connected && r < 0)
		connection_lost(w);
}
