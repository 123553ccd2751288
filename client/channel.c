/* channel.c - the stream of a User to the process that runs its service. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

void channel_open(wat_capability *capability, int fd)
{
	stream_deinit(&capability->channel);
	stream_init(&capability->channel, fd, WAT_BODY_MAX);
	capability->binding = ATTACHING;
	capability->last_read_id = UINT64_MAX;
	capability->poll_index = -1;
}

/* Which calls may have run: those that were written, but for the ones that the host says it did not
 * read. */
static void mark_calls(wat_capability *capability)
{
	list_for_each (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (call->kind != CALL_METHOD || !call->sent)
			continue;
		if (capability->channel.out_position > call->at &&
		    call->id <= capability->last_read_id)
			call->maybe_ran = true;
		call->sent = false;
	}
}

void channel_lost(wat_capability *capability)
{
	mark_calls(capability);
	stream_deinit(&capability->channel);
	capability->binding = UNBOUND;
	capability->resume = true;
	capability->poll_index = -1;
	if (!capability->lost_ms)
		capability->lost_ms = now_ms();
	if (capability->owner->reconnect_ms > 0)
		return;
	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		call_complete(
			call, call->maybe_ran ? WAT_DISCONNECTED : WAT_UNAVAILABLE, NULL,
			call->maybe_ran
				? "the service's channel was lost; the call may have run"
				: "the service's channel was lost before the call was written");
	}
}

/* The lane is gone: what may have run is not run again, unless that makes no difference. */
static void lane_lost(wat_capability *capability)
{
	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (call->maybe_ran && !call->resend)
			call_complete(
				call, WAT_DISCONNECTED, NULL,
				"the service died while the call was under way; it may have run");
		call->maybe_ran = false;
	}
	capability->resume = false;
	stream_deinit(&capability->channel);
	capability->binding = UNBOUND;
	capability->retry_at_ms = 0;
}

static void handle_attached(wat_capability *capability, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	Wat__Envelope__LaneState lane;

	if (capability->binding != ATTACHING ||
	    check_unpack(&wat__envelope__attached__descriptor, NULL, body, n, &message, NULL) < 0)
		return;
	lane = ((const Wat__Envelope__Attached *)message)->lane;
	protobuf_c_message_free_unpacked(message, NULL);
	if (lane == WAT__ENVELOPE__LANE_STATE__LANE_LOST) {
		lane_lost(capability);
		return;
	}
	if (lane == WAT__ENVELOPE__LANE_STATE__LANE_NEW)
		capability->next_id = 1;
	capability->resume = true;
	bind_done(capability);
}

static struct call *call_by_id(wat_capability *capability, uint64_t id)
{
	list_for_each (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (call->kind == CALL_METHOD && call->sent && call->id == id)
			return call;
	}
	return NULL;
}

static void handle_reply(struct call *call, const struct frame *frame, const uint8_t *body)
{
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

static void handle_fail(struct call *call, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *failure = NULL;

	if (check_unpack(&wat__envelope__failure__descriptor, NULL, body, frame->body_len, &failure,
			 NULL) < 0)
		failure = NULL;
	call_complete(call, frame->budget ? (int)frame->budget : WAT_INTERNAL,
		      (const Wat__Envelope__Failure *)failure, NULL);
	if (failure)
		protobuf_c_message_free_unpacked(failure, NULL);
}

static void handle_go_away(wat_capability *capability, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__envelope__go_away__descriptor, NULL, body, n, &message, NULL) < 0)
		return;
	capability->last_read_id = ((const Wat__Envelope__GoAway *)message)->last_read_id;
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle(wat_capability *capability, const struct frame *frame, const uint8_t *body)
{
	struct call *call = call_by_id(capability, frame->id);

	if (frame->type == FRAME_ATTACHED)
		handle_attached(capability, body, frame->body_len);
	else if (frame->type == FRAME_REPLY && call)
		handle_reply(call, frame, body);
	else if (frame->type == FRAME_FAIL && call)
		handle_fail(call, frame, body);
	else if (frame->type == FRAME_GOAWAY)
		handle_go_away(capability, body, frame->body_len);
}

void channel_read(wat_capability *capability)
{
	struct stream *channel = &capability->channel;
	struct frame frame;
	const uint8_t *body;
	int r, fd;

	r = stream_read(channel);
	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		channel_lost(capability);
		return;
	}
	while (channel->fd >= 0 && (r = stream_next(channel, &frame, &body, &fd)) > 0) {
		fd_close(fd);
		handle(capability, &frame, body);
	}
	if (channel->fd >= 0 && r < 0)
		channel_lost(capability);
}

void channel_write(wat_capability *capability)
{
	int r = stream_write(&capability->channel);

	/* EPIPE: the end is read, after what was written before it. */
	if (r < 0 && r != -EAGAIN && r != -EPIPE && r != -ECONNRESET)
		channel_lost(capability);
}
