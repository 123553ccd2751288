/* connection_frames.c - what watd sends over the control connection: its greeting, answers of BINDs
 * and of Node, Admin and session calls. */
#include <errno.h>
#include <string.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

/* Another node under the same address would be asked for things it does not have. */
static bool is_same_node(const wat *w, const ProtobufCBinaryData *id)
{
	return id->len == sizeof w->node_id &&
	       (!w->known || memcmp(w->node_id, id->data, sizeof w->node_id) == 0);
}

static bool handle_welcome(wat *w, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	const Wat__Envelope__Welcome *welcome;

	if (w->greeted ||
	    check_unpack(&wat__envelope__welcome__descriptor, NULL, body, n, &message, NULL) < 0)
		return false;
	welcome = (const Wat__Envelope__Welcome *)message;
	if (welcome->challenge.len == sizeof w->challenge && is_same_node(w, &welcome->node_id)) {
		memcpy(w->challenge, welcome->challenge.data, sizeof w->challenge);
		if (!w->known)
			memcpy(w->node_id, welcome->node_id.data, sizeof w->node_id);
		w->known = w->greeted = true;
		w->handles = welcome->handles;
		dial_succeeded(&w->dial);
		w->lost_ms = 0;
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return w->greeted;
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

/* Of a handle that was freed meanwhile. */
static bool drop_bound(wat *w, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;

	if (frame->id == 0 || frame->id > w->last_id ||
	    check_unpack(&wat__envelope__bound__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return false;
	connection_drop(w, ((const Wat__Envelope__Bound *)message)->handle);
	protobuf_c_message_free_unpacked(message, NULL);
	return true;
}

static bool handle_bound(wat *w, const struct frame *frame, const uint8_t *body, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	wat_capability *capability = binding_by_slot(w, frame->id);
	int r;

	if (!capability)
		return drop_bound(w, frame, body);
	/* The one of an earlier channel; watd has room for so many only. */
	if (capability->handle)
		connection_drop(w, capability->handle);
	r = take_bound(capability, body, frame->body_len);
	if (r == -ENOMEM)
		bind_failed(capability, WAT_RESOURCE_EXHAUSTED, NULL);
	else if (r < 0 || (capability->role == TOKEN_USER && !w->handles) != (owned >= 0))
		return false;
	drive_progress(w, NULL);
	if (r < 0)
		return true;
	if (capability->role == TOKEN_USER) {
		channel_open(capability, fd_take(&owned));
	} else {
		drive_progress(w, capability);
		bind_done(capability);
	}
	return true;
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

/* A call that was taken back leaves no one to answer; an id that was never used is no answer. */
static bool handle_reply(wat *w, const struct frame *frame, const uint8_t *body)
{
	struct call *call = sent_call(w, frame->id);

	if (call)
		call_reply(call, body, frame->body_len);
	return frame->id > 0 && frame->id <= w->last_id;
}

/* Of a multiplexed channel, or of a handle that was given back while the frame was on its way.
 * False: neither; the frame is the connection's own. */
static bool handle_of_channel(wat *w, const struct frame *frame, const uint8_t *body)
{
	if (!w->handles || frame->handle == 0)
		return false;
	list_for_each (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (capability->handle != frame->handle)
			continue;
		if (!capability->multiplexed)
			return false;
		channel_take(capability, frame, body);
		return true;
	}
	return true;
}

static void refuse_binding(wat_capability *capability,
			   const struct frame *frame,
			   const uint8_t *body)
{
	ProtobufCMessage *failure = NULL;

	if (check_unpack(&wat__envelope__failure__descriptor, NULL, body, frame->body_len, &failure,
			 NULL) < 0)
		failure = NULL;
	bind_failed(capability, call_status(frame->budget),
		    (const Wat__Envelope__Failure *)failure);
	if (failure)
		protobuf_c_message_free_unpacked(failure, NULL);
}

static bool handle_fail(wat *w, const struct frame *frame, const uint8_t *body)
{
	wat_capability *capability = binding_by_slot(w, frame->id);
	struct call *call = sent_call(w, frame->id);

	if (capability)
		refuse_binding(capability, frame, body);
	else if (call)
		call_fail(call, frame->budget, body, frame->body_len);
	return frame->id > 0 && frame->id <= w->last_id;
}

static void end_died(wat_capability *capability, const Wat__Envelope__Died *died, uint32_t status)
{
	list_for_each (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (call_on_control(call) || !call->numbered || call->id != died->call)
			continue;
		/* Its answer is in the lane all the same. */
		unwanted_add(call);
		call_complete(call, call_status(status), died->failure, NULL);
		return;
	}
}

/* Before the BIND is answered: a call of its lane is not run again. */
static bool handle_died(wat *w, const struct frame *frame, const uint8_t *body)
{
	wat_capability *capability = binding_by_slot(w, frame->id);
	ProtobufCMessage *message;

	if (frame->id == 0 || frame->id > w->last_id ||
	    check_unpack(&wat__envelope__died__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return false;
	if (capability && capability->resume && capability->role == TOKEN_USER)
		end_died(capability, (const Wat__Envelope__Died *)message, frame->budget);
	protobuf_c_message_free_unpacked(message, NULL);
	return true;
}

bool connection_handle(wat *w, const struct frame *frame, const uint8_t *body, int fd)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	if (frame->type == FRAME_BOUND)
		return handle_bound(w, frame, body, fd);
	if (fd >= 0) {
		fd_close(fd);
		return false;
	}
	if (handle_of_channel(w, frame, body))
		return true;
	switch (frame->type) {
	case FRAME_WELCOME:
		return handle_welcome(w, body, frame->body_len);
	case FRAME_REPLY:
		drive_progress(w, NULL);
		return handle_reply(w, frame, body);
	case FRAME_FAIL:
		return handle_fail(w, frame, body);
	case FRAME_DIED:
		return handle_died(w, frame, body);
	case FRAME_PING:
		if (stream_queue(&w->control, &pong, NULL, 0, -1) == 0)
			connection_write(w);
		return true;
	case FRAME_PONG:
		return true;
	case FRAME_GOAWAY:
		if (!w->greeted)
			connect_turned_away(w, body, frame->body_len);
		return false; /* then comes the end, which is this */
	default:
		return false;
	}
}
