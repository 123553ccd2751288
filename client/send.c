/* send.c - writing calls, in id order. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <wat/session.pb-c.h>

#include "client/private.h"
#include "proto/limits.h"
#include "proto/support/bytes.h"

/* What callbacks send is written when it is so much, in bytes of one channel, or when so many
 * callbacks have run since: those that are still to run may take their time. */
#define DEFERRED_MAX 16384u
#define CALLBACKS_MAX 128u

static int queue_call(struct stream *stream, struct call *call, uint32_t handle, uint32_t window)
{
	struct frame frame = {.type = FRAME_CALL,
			      .method = call->method,
			      .id = call->id,
			      .handle = handle,
			      .budget = call_budget(call),
			      .window = window};
	uint8_t *room;
	int r;

	call->at = stream->out_position + stream_pending(stream);
	call->sent = true;
	r = stream_reserve(stream, &frame, call->n, &room);
	if (r == 0)
		bytes_copy(room, call->data, call->n);
	return r;
}

static int queue_schema(wat *w, struct call *call)
{
	Wat__Session__GetInterfaceRequest request = WAT__SESSION__GET_INTERFACE_REQUEST__INIT;
	struct frame frame = {.type = FRAME_CALL, .id = call->id, .budget = call_budget(call)};
	uint8_t body[16];

	request.handle = call->capability->handle;
	call->at = w->control.out_position + stream_pending(&w->control);
	call->sent = true;
	return stream_queue(&w->control, &frame, body,
			    wat__session__get_interface_request__pack(&request, body), -1);
}

/* Of the calls that are under way; UINT64_MAX: none is. */
static uint64_t lowest_id(const wat_capability *capability)
{
	list_for_each (i, &capability->calls) {
		const struct call *call = container_of(i, struct call, link);

		/* Calls that are answered later hold nobody back. */
		if (call->kind == CALL_METHOD && call->sent && !call->later)
			return call->id;
	}
	return UINT64_MAX;
}

static int send_on_channel(wat_capability *capability, struct call *call, uint64_t lowest)
{
	uint64_t window;

	if (!call->numbered)
		call->id = capability->next_id++;
	call->numbered = true;
	window = lowest < call->id ? call->id - lowest : 0;
	if (window > UINT32_MAX)
		window = UINT32_MAX;
	return queue_call(channel_stream(capability), call, channel_handle_of(capability),
			  (uint32_t)window);
}

static int send_on_control(wat *w, wat_capability *capability, struct call *call)
{
	call->id = ++w->last_id;
	if (call->kind == CALL_SCHEMA)
		return queue_schema(w, call);
	return queue_call(&w->control, call, capability->handle, 0);
}

/* The host keeps the answers from the lowest open id on, and refuses calls beyond its limit. A call
 * that has its number goes on with its lane. */
static bool must_wait(const wat_capability *capability, const struct call *call, uint64_t lowest)
{
	return !call->numbered && lowest < capability->next_id &&
	       capability->next_id - lowest >= WAT_LANE_REPLIES_MAX;
}

/* Into the stream's buffer. */
static void queue(struct call *call)
{
	wat_capability *capability = call->capability;
	bool control = call_on_control(call);
	uint64_t lowest;
	int r;

	if (call->sent || (!control && capability->leaving))
		return;
	if (call->kind == CALL_OPEN) {
		call_complete(call, 0, NULL, NULL);
		return;
	}
	if (control && capability->handle == 0) {
		call_lose(call, "the connection to watd was lost");
		return;
	}
	lowest = control ? 0 : lowest_id(capability);
	if (!control && must_wait(capability, call, lowest)) {
		capability->held = true;
		return;
	}
	r = control ? send_on_control(capability->owner, capability, call)
		    : send_on_channel(capability, call, lowest);
	if (r == 0)
		return;
	/* Not in the buffer, so never written. */
	call->sent = false;
	call_complete(call, WAT_RESOURCE_EXHAUSTED, NULL, "no memory to write the call");
}

static void write_out(wat_capability *capability)
{
	if (capability->owner->connected && stream_pending(&capability->owner->control) > 0)
		connection_write(capability->owner);
	if (capability->channel.fd >= 0 && stream_pending(&capability->channel) > 0)
		channel_write(capability);
}

void send_deferred(wat *w)
{
	struct list *first;

	w->n_callbacks = 0;
	while ((first = list_first(&w->deferred))) {
		list_remove(first);
		channel_write(container_of(first, wat_capability, deferred));
	}
}

static void defer(wat_capability *capability)
{
	wat *w = capability->owner;
	const struct watch *watch = capability->multiplexed ? &w->watch : &capability->watch;

	/* The socket is full: the loop writes as soon as it is not. */
	if (watch->events & EPOLLOUT)
		return;
	if (list_empty(&capability->deferred))
		list_append(&w->deferred, &capability->deferred);
	if (stream_pending(channel_stream(capability)) >= DEFERRED_MAX)
		send_deferred(w);
}

void send_deferred_soon(wat *w)
{
	if (!list_empty(&w->deferred) && ++w->n_callbacks >= CALLBACKS_MAX)
		send_deferred(w);
}

void call_send(struct call *call)
{
	wat_capability *capability = call->capability;
	bool control = call_on_control(call);

	/* Behind those that wait. */
	if (!capability->held || control)
		queue(call);
	if (!control && deliver_is_here(capability->owner))
		defer(capability);
	else
		write_out(capability);
}

void calls_send(wat_capability *capability)
{
	capability->held = false;
	list_for_each_safe (i, &capability->calls) {
		queue(container_of(i, struct call, link));
		if (capability->held)
			break;
	}
	write_out(capability);
}
