/* channel_frames.c - the frames of a channel. Instance's thread. */
#include "daemon/host/channel_frames.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/host/call.h"
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
	channel->last_id = frame->id;
	call_run(channel, frame, body);
	return WAT_OK;
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
	case FRAME_PONG:
	case FRAME_DROP:   /* no replies are kept, so there is nothing to forget */
	case FRAME_CANCEL: /* a call is run when it is read; there is none to take back */
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
	/* Nothing of a lane outlives its channel yet. */
	attached.lane =
		resume ? WAT__ENVELOPE__LANE_STATE__LANE_LOST : WAT__ENVELOPE__LANE_STATE__LANE_NEW;
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
