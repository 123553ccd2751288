/* channel_frames.c - the frames of a channel. Instance's thread. */
#include "daemon/host/channel_frames.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/host/call.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

static wat_status WAT_PRINTF(3, 4)
	refuse(char why[static CHANNEL_WHY_MAX], wat_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, CHANNEL_WHY_MAX, format, arguments);
	va_end(arguments);
	return status;
}

static wat_status on_call(struct channel *channel,
			  const struct frame *frame,
			  const uint8_t *body,
			  char *why)
{
	if (frame->handle != 0)
		return refuse(why, WAT_INVALID_ARGUMENT,
			      "CALL with handle %u; a channel has only handle 0", frame->handle);
	if (frame->id <= channel->last_id)
		return refuse(why, WAT_INVALID_ARGUMENT,
			      "CALL with id %llu after %llu; ids strictly increase in a lane",
			      (unsigned long long)frame->id, (unsigned long long)channel->last_id);
	if (!channel->lane)
		return refuse(why, WAT_FAILED_PRECONDITION,
			      "CALL in a lane that is lost; bind with a new one");
	if (frame->window >= frame->id)
		return refuse(why, WAT_INVALID_ARGUMENT,
			      "CALL %llu with window %u, which is none of its lane",
			      (unsigned long long)frame->id, frame->window);
	channel->last_id = frame->id;
	lane_confirm(channel->lane, frame->id - frame->window);
	call_run(channel, frame, body);
	return WAT_OK;
}

/* DROP without an id gives the lane back; with one it says that the client has the answer of a call
 * of a method that may answer later, and CANCEL that it does not want it, come or not. */
static void on_drop(struct channel *channel, const struct frame *frame)
{
	struct record_item item = {.kind = RECORD_DROPPED, .id = frame->id};
	struct lane_taken *taken;

	if (!channel->lane)
		return;
	if (frame->id == 0) {
		channel->dropped = true;
		return;
	}
	taken = lane_find_taken(channel->lane, frame->id);
	if (!taken || (frame->type == FRAME_DROP && taken->answer.n == 0))
		return;
	batch_note(channel->loop, channel->lane, &item);
	if (taken->call)
		call_forget(taken->call);
	(void)lane_drop_taken(channel->lane, taken);
}

static void on_ping(struct channel *channel, const struct frame *frame)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	if (!channel->muted && stream_queue(&channel->stream, &pong, NULL, 0, -1) < 0)
		channel->lost = true;
}

static wat_status on_frame(struct channel *channel,
			   const struct frame *frame,
			   const uint8_t *body,
			   char *why)
{
	if (frame->flags & FRAME_FLAG_FD)
		return refuse(why, WAT_INVALID_ARGUMENT, "%s with a descriptor",
			      frame_type_name(frame->type));
	switch (frame->type) {
	case FRAME_CALL:
		return on_call(channel, frame, body, why);
	case FRAME_PING:
		on_ping(channel, frame);
		return WAT_OK;
	case FRAME_DROP:
		on_drop(channel, frame);
		return WAT_OK;
	case FRAME_CANCEL:
		/* A call is run when it is read: only one that was taken is still open. */
		if (frame->id != 0)
			on_drop(channel, frame);
		return WAT_OK;
	case FRAME_PONG:
		return WAT_OK;
	default:
		return refuse(why, WAT_INVALID_ARGUMENT, "a peer of a channel does not send %s",
			      frame_type_name(frame->type));
	}
}

static wat_status refuse_header(const struct stream *stream, int error, char *why)
{
	const struct frame *frame = &stream->failed;

	if (error == -EMSGSIZE)
		return refuse(why, WAT_TOO_LARGE, "a body of %u bytes; at most %u are possible",
			      frame->body_len, stream->body_max);
	if (error == -EBADMSG && frame_type_name(frame->type))
		return refuse(why, WAT_INVALID_ARGUMENT, "%s without the descriptor it announces",
			      frame_type_name(frame->type));
	if (error == -EBADMSG)
		return refuse(why, WAT_INVALID_ARGUMENT, "unknown frame type %u", frame->type);
	return refuse(why, WAT_INVALID_ARGUMENT, "a frame with reserved bytes or flags set");
}

bool channel_next_frame(struct channel *channel,
			wat_status *ret_status,
			char why[static CHANNEL_WHY_MAX])
{
	struct stream *stream = &channel->stream;
	_cleanup_(fd_closep) int fd = -1;
	const uint8_t *body;
	struct frame frame;
	int r = stream_next(stream, &frame, &body, &fd);

	if (r > 0) {
		*ret_status = on_frame(channel, &frame, body, why);
		return true;
	}
	if (r < 0)
		*ret_status = refuse_header(stream, r, why);
	else if (stream->n_in_fds > 0 && stream->in.start == stream->in.end)
		*ret_status = refuse(why, WAT_INVALID_ARGUMENT, "a descriptor without a frame");
	return false;
}

int channel_queue_attached(struct channel *channel, bool resume)
{
	Wat__Envelope__Attached attached = WAT__ENVELOPE__ATTACHED__INIT;
	struct frame frame = {.type = FRAME_ATTACHED};
	uint8_t *room;
	size_t n;
	int r;

	attached.generation = channel->loop->instance->generation;
	if (!channel->lane)
		attached.lane = WAT__ENVELOPE__LANE_STATE__LANE_LOST;
	else if (resume)
		attached.lane = WAT__ENVELOPE__LANE_STATE__LANE_RESUMED;
	else
		attached.lane = WAT__ENVELOPE__LANE_STATE__LANE_NEW;
	attached.last_applied = channel->lane ? channel->lane->last_applied : 0;
	n = wat__envelope__attached__get_packed_size(&attached);
	r = stream_reserve(&channel->stream, &frame, n, &room);
	if (r == 0)
		wat__envelope__attached__pack(&attached, room);
	return r;
}

int channel_queue_goaway(struct channel *channel, wat_status status, const char *text)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	Wat__Envelope__GoAway goaway = WAT__ENVELOPE__GO_AWAY__INIT;
	struct frame frame = {.type = FRAME_GOAWAY};
	uint8_t *room;
	size_t n;
	int r;

	failure.text = (char *)text;
	goaway.status = (uint32_t)status;
	goaway.last_read_id = channel->last_id;
	goaway.failure = &failure;
	n = wat__envelope__go_away__get_packed_size(&goaway);
	r = stream_reserve(&channel->stream, &frame, n, &room);
	if (r == 0)
		wat__envelope__go_away__pack(&goaway, room);
	return r;
}
