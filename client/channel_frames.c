/* channel_frames.c - what a service sends over its channel. */
#include "client/private.h"
#include "proto/check.h"

/* The lane is gone: what may have run is not run again, unless that makes no difference. */
static void lane_lost(wat_capability *capability)
{
	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		call->numbered = false;
		if (call->maybe_ran && !call->resend)
			call_lose(call, "the service died while the call was under way");
	}
	channel_close(capability);
	capability->resume = false;
	capability->binding = UNBOUND;
	capability->retry_at_ms = 0;
}

static bool handle_attached(wat_capability *capability, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	Wat__Envelope__LaneState lane;
	uint64_t last_applied;

	if (capability->binding != ATTACHING ||
	    check_unpack(&wat__envelope__attached__descriptor, NULL, body, n, &message, NULL) < 0)
		return false;
	lane = ((const Wat__Envelope__Attached *)message)->lane;
	last_applied = ((const Wat__Envelope__Attached *)message)->last_applied;
	protobuf_c_message_free_unpacked(message, NULL);
	if (capability->resume && lane == WAT__ENVELOPE__LANE_STATE__LANE_LOST) {
		lane_lost(capability);
		return true;
	}
	if (lane != (capability->resume ? WAT__ENVELOPE__LANE_STATE__LANE_RESUMED
					: WAT__ENVELOPE__LANE_STATE__LANE_NEW))
		return false;
	if (!capability->resume) {
		capability->next_id = 1;
		capability->n_unwanted = 0;
	}
	if (last_applied >= capability->next_id)
		return false;
	bind_done(capability);
	return true;
}

static struct call *call_by_id(wat_capability *capability, uint64_t id)
{
	list_for_each (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (!call_on_control(call) && call->sent && call->id == id)
			return call;
	}
	return NULL;
}

/* The answer is here: the host need not keep it. Should this get lost, the lane's end does it. */
static void drop_answer(wat_capability *capability, uint64_t id)
{
	struct frame frame = {.type = FRAME_DROP, .id = id};

	if (stream_queue(&capability->channel, &frame, NULL, 0, -1) == 0)
		channel_write(capability);
}

/* The answer of a call that was taken back is dropped; one to a call that was never made is no
 * answer. */
static bool handle_answer(wat_capability *capability,
			  const struct frame *frame,
			  const uint8_t *body)
{
	struct call *call = call_by_id(capability, frame->id);

	if (capability->binding != BOUND || frame->id == 0 || frame->id >= capability->next_id)
		return false;
	drive_progress(capability->owner, capability);
	unwanted_answered(capability, frame->id);
	if (!call)
		return true;
	if (call->later)
		drop_answer(capability, call->id);
	if (frame->type == FRAME_REPLY)
		call_reply(call, body, frame->body_len);
	else
		call_fail(call, frame->budget, body, frame->body_len);
	return true;
}

/* Does it settle the calls that were not read? After the others they are made again elsewhere. */
static bool is_final(int status)
{
	return status != WAT_UNAVAILABLE && status != WAT_ABORTED;
}

static void end_unread(wat_capability *capability,
		       int status,
		       const Wat__Envelope__Failure *failure)
{
	/* Of bytes that break the protocol the peer speaks in the protocol's words. */
	if (status == WAT_INVALID_ARGUMENT || status == WAT_TOO_LARGE)
		failure = NULL;
	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (!call_on_control(call) && call->sent && call->id > capability->last_read_id)
			call_refuse(call, status, failure);
	}
}

/* The service did not take the channel: that is the answer to the BIND. */
static void refused(wat_capability *capability, int status, const Wat__Envelope__Failure *failure)
{
	channel_close(capability);
	bind_failed(capability, status, failure);
}

static bool handle_go_away(wat_capability *capability, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	const Wat__Envelope__GoAway *go_away;
	int status;

	if (check_unpack(&wat__envelope__go_away__descriptor, NULL, body, n, &message, NULL) < 0)
		return false;
	go_away = (const Wat__Envelope__GoAway *)message;
	status = call_status(go_away->status);
	if (capability->binding == ATTACHING && is_final(status)) {
		refused(capability, status, go_away->failure);
	} else {
		capability->leaving = true;
		capability->last_read_id = go_away->last_read_id;
		if (is_final(status))
			end_unread(capability, status, go_away->failure);
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return true;
}

bool channel_handle(wat_capability *capability, const struct frame *frame, const uint8_t *body)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	switch (frame->type) {
	case FRAME_ATTACHED:
		return handle_attached(capability, body, frame->body_len);
	case FRAME_REPLY:
	case FRAME_FAIL:
		return handle_answer(capability, frame, body);
	case FRAME_GOAWAY:
		return handle_go_away(capability, body, frame->body_len);
	case FRAME_PING:
		if (stream_queue(channel_stream(capability), &pong, NULL, 0, -1) == 0)
			channel_write(capability);
		return true;
	case FRAME_PONG:
		return true;
	default:
		return false;
	}
}
