/* channel.c - one peer's stream into one instance: one read, the calls in it, one write. Runs on
 * the instance's thread. */
#include "daemon/host/channel.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "daemon/base/clock.h"
#include "daemon/host/call.h"
#include "daemon/host/channel_frames.h"
#include "daemon/host/grant.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

/* Replies that a peer leaves lying: over the first, nothing more is read from it; under the second,
 * it is read again. */
#define PENDING_MAX (1024u * 1024u)
#define PENDING_LOW (256u * 1024u)

DEFINE_CLEANUP(struct channel *, channel_free);

/* One write. A peer that is gone may still have sent calls: they are read to the end. */
static void flush(struct channel *channel)
{
	int r;

	if (channel->broken)
		return;
	r = stream_write(&channel->stream);
	if (r == -EAGAIN)
		(void)event_add(channel->writable, NULL);
	else if (r < 0)
		channel->broken = channel->muted = true;
}

/* Must the peer take replies before more calls of its are run? */
static bool is_full(struct channel *channel)
{
	if (channel->muted || stream_pending(&channel->stream) <= PENDING_MAX)
		return false;
	flush(channel);
	if (channel->muted || stream_pending(&channel->stream) <= PENDING_MAX)
		return false;
	if (channel->draining) {
		channel->muted = true;
		return false;
	}
	(void)event_del(channel->readable);
	channel->paused = true;
	return true;
}

/* Runs what is in the buffer. False: the channel has ended. */
static bool serve(struct channel *channel)
{
	char why[CHANNEL_WHY_MAX];
	wat_status status = WAT_OK;

	if (channel->read_at_ns >= channel->over_at_ns) {
		channel_end(channel, WAT_ACCESS_DENIED, "the grant is over");
		return false;
	}
	channel->serving = true;
	while (status == WAT_OK && !is_full(channel))
		if (!channel_next_frame(channel, &status, why))
			break;
	channel->serving = false;
	if (status != WAT_OK) {
		channel_end(channel, status, why);
		return false;
	}
	if (channel->lost) {
		channel_free(channel);
		return false;
	}
	return true;
}

/* The peer sends no more, but may still take its replies. */
static void end_of_stream(struct channel *channel)
{
	if (channel->broken || stream_pending(&channel->stream) == 0) {
		channel_free(channel);
		return;
	}
	channel->ended = true;
	(void)event_del(channel->readable);
	(void)event_add(channel->writable, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;
	int r = stream_read(&channel->stream);

	(void)fd;
	(void)what;
	if (r == -EAGAIN)
		return;
	if (r == -EPROTO) {
		channel_end(channel, WAT_INVALID_ARGUMENT, "too many descriptors were sent");
		return;
	}
	if (r <= 0) {
		end_of_stream(channel);
		return;
	}
	channel->read_at_ns = clock_monotonic_ns();
	if (serve(channel))
		flush(channel);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;

	(void)fd;
	(void)what;
	flush(channel);
	if (channel->lost ||
	    (channel->ended && (channel->broken || stream_pending(&channel->stream) == 0))) {
		channel_free(channel);
		return;
	}
	if (!channel->paused || channel->loop->drained ||
	    (!channel->broken && stream_pending(&channel->stream) > PENDING_LOW))
		return;
	channel->paused = false;
	(void)event_add(channel->readable, NULL);
	if (serve(channel))
		flush(channel);
}

static struct channel *channel_new(struct service_loop *loop,
				   const Wat__Host__AttachRequest *request,
				   int *fd)
{
	_cleanup_(channel_freep) struct channel *channel = calloc(1, sizeof *channel);

	if (!channel)
		return NULL;
	channel->loop = loop;
	channel->method_mask = request->method_mask;
	channel->connection = request->connection;
	memcpy(channel->lane, request->lane.data, sizeof channel->lane);
	list_init(&channel->link);
	stream_init(&channel->stream, fd_take(fd), WAT_BODY_MAX);
	channel->readable = event_new(loop->base, channel->stream.fd, EV_READ | EV_PERSIST,
				      on_readable, channel);
	channel->writable =
		event_new(loop->base, channel->stream.fd, EV_WRITE, on_writable, channel);
	if (!channel->readable || !channel->writable || event_add(channel->readable, NULL) < 0)
		return NULL;
	channel->grant = grant_get(loop, request->grant_id.data, request->user);
	if (!channel->grant)
		return NULL;
	channel->grant->n_attached++;
	/* One whose lane is lost is of no use: the client comes again with a new one, and its going
	 * is no loss. */
	channel->counted = !request->resume;
	if (channel->counted)
		grant_add_channel(loop, channel->grant);
	list_append(&loop->channels, &channel->link);
	return TAKE(channel);
}

struct channel *channel_free(struct channel *channel)
{
	if (!channel)
		return NULL;
	list_remove(&channel->link);
	if (channel->readable)
		event_free(channel->readable);
	if (channel->writable)
		event_free(channel->writable);
	stream_deinit(&channel->stream);
	if (channel->grant) {
		call_forget_channel(channel);
		if (channel->counted)
			grant_remove_channel(channel->loop, channel->grant);
		channel->grant->n_attached--;
		grant_release(channel->grant);
	}
	free(channel);
	return NULL;
}

void channel_end(struct channel *channel, wat_status status, const char *text)
{
	/* What does not fit now is lost: nobody waits for a peer that does not read. */
	if (channel_queue_goaway(channel, status, text) == 0)
		flush(channel);
	channel_free(channel);
}

static uint64_t time_after_ms(uint64_t now_ns, uint64_t left_ms)
{
	/* 0 is no limit, and so is what is beyond the clock. */
	if (left_ms == 0 || left_ms > (UINT64_MAX - now_ns) / 1000000u)
		return UINT64_MAX;
	return now_ns + left_ms * 1000000u;
}

/* A client that binds its lane again has lost the channel before. */
static void supersede(struct channel *newer)
{
	list_for_each_safe (i, &newer->loop->channels) {
		struct channel *channel = container_of(i, struct channel, link);

		if (channel != newer && channel->grant == newer->grant &&
		    memcmp(channel->lane, newer->lane, WAT_ID_SIZE) == 0)
			channel_end(channel, WAT_ABORTED, "the lane was attached again");
	}
}

int channel_attach(struct service_loop *loop, const Wat__Host__AttachRequest *request, int *fd)
{
	_cleanup_(channel_freep) struct channel *channel = NULL;
	int r;

	channel = channel_new(loop, request, fd);
	if (!channel)
		return -ENOMEM;
	supersede(channel);
	channel->read_at_ns = clock_monotonic_ns();
	channel->over_at_ns = time_after_ms(channel->read_at_ns, request->time_left_ms);
	r = channel_queue_attached(channel, request->resume);
	if (r < 0)
		return r;
	flush(channel);
	channel = NULL;
	return 0;
}

void channel_drain_mark(struct channel *channel)
{
	int n = 0;

	channel->draining = true;
	channel->drain_bytes =
		ioctl(channel->stream.fd, FIONREAD, &n) == 0 && n > 0 ? (uint32_t)n : 0;
}

void channel_drain(struct channel *channel)
{
	/* What it had read before it was paused. */
	if (!serve(channel))
		return;
	while (channel->drain_bytes > 0) {
		int r = stream_read(&channel->stream);

		/* An end or an error is for the reader that comes after the drain, if any. */
		if (r <= 0)
			break;
		channel->drain_bytes -=
			(uint32_t)r < channel->drain_bytes ? (uint32_t)r : channel->drain_bytes;
		channel->read_at_ns = clock_monotonic_ns();
		if (!serve(channel))
			return;
	}
	flush(channel);
}

void channel_stop_reading(struct channel *channel)
{
	(void)event_del(channel->readable);
}

void channel_resume(struct channel *channel)
{
	channel->draining = false;
	if (channel->muted && !channel->broken) {
		channel_end(channel, WAT_UNAVAILABLE,
			    "replies that the peer did not take were dropped");
		return;
	}
	channel->paused = false;
	if (!channel->ended)
		(void)event_add(channel->readable, NULL);
}

/* The end of the batch writes; outside of one, the loop does, as soon as it can. */
static void write_later(struct channel *channel)
{
	if (!channel->serving)
		(void)event_add(channel->writable, NULL);
}

uint8_t *channel_reply(struct channel *channel, uint64_t id, size_t n)
{
	struct frame frame = {.type = FRAME_REPLY, .id = id};
	uint8_t *room;

	if (channel->muted || channel->lost)
		return NULL;
	if (stream_reserve(&channel->stream, &frame, n, &room) < 0) {
		channel->lost = true;
		room = NULL;
	}
	write_later(channel);
	return room;
}

void channel_fail(struct channel *channel,
		  uint64_t id,
		  wat_status status,
		  const Wat__Envelope__Failure *failure)
{
	struct frame frame = {.type = FRAME_FAIL, .id = id, .budget = (uint32_t)status};
	size_t n = wat__envelope__failure__get_packed_size(failure);
	uint8_t *room;

	if (channel->muted || channel->lost)
		return;
	if (stream_reserve(&channel->stream, &frame, n, &room) < 0)
		channel->lost = true;
	else
		wat__envelope__failure__pack(failure, room);
	write_later(channel);
}
