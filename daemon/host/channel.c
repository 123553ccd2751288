/* channel.c - one peer's stream into one instance: one read, the calls in it, one write. Runs on
 * the instance's thread. */
#include "daemon/host/channel.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"
#include "daemon/base/crash_point.h"
#include "daemon/host/call.h"
#include "daemon/host/channel_frames.h"
#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

/* Replies that a peer leaves lying: over the first, nothing more is read from it; under the second,
 * it is read again. */
#define PENDING_MAX (1024u * 1024u)
#define PENDING_LOW (256u * 1024u)

DEFINE_CLEANUP(struct channel *, channel_free);

/* What may go out. Answers wait for what they saw: it has to be durable first, if that was
 * promised. */
static uint64_t position_to_write(struct channel *channel)
{
	uint64_t durable;
	size_t n = 0;

	if (channel->n_marks == 0)
		return stream_position(&channel->stream);
	durable = journal_durable(&channel->loop->journal);
	while (n < channel->n_marks && channel->marks[n].seq <= durable)
		channel->may_write = channel->marks[n++].position;
	channel->n_marks -= n;
	if (n > 0)
		memmove(channel->marks, channel->marks + n,
			channel->n_marks * sizeof *channel->marks);
	return channel->may_write;
}

/* Without memory for a mark there is no way to wait but this. */
static void mark(struct channel *channel)
{
	struct journal *journal = &channel->loop->journal;
	struct channel_mark mark = {journal->last_seq, stream_position(&channel->stream)};
	struct channel_mark *last =
		channel->n_marks > 0 ? channel->marks + channel->n_marks - 1 : NULL;

	if (journal->durability != DURABILITY_SYNC || stream_pending(&channel->stream) == 0)
		return;
	if (journal_durable(journal) >= mark.seq && channel->n_marks == 0)
		return;
	if (last && last->seq == mark.seq) {
		last->position = mark.position;
		return;
	}
	if (channel->n_marks == channel->marks_size) {
		size_t size = channel->marks_size ? channel->marks_size * 2 : 8;
		struct channel_mark *marks = reallocarray(channel->marks, size, sizeof *marks);

		if (!marks) {
			journal_wait(journal);
			return;
		}
		channel->marks = marks;
		channel->marks_size = size;
	}
	if (channel->n_marks == 0 && channel->may_write < channel->stream.out_position)
		channel->may_write = channel->stream.out_position;
	channel->marks[channel->n_marks++] = mark;
}

/* What the calls did is in the journal first; then one write. A peer that is gone may still have
 * sent calls: they are read to the end. */
static void flush(struct channel *channel)
{
	int r;

	(void)batch_commit(channel->loop);
	if (channel->broken)
		return;
	mark(channel);
	r = stream_write_until(&channel->stream, position_to_write(channel));
	stream_give_back(&channel->stream, &channel->loop->spare);
	CRASH_HERE(answer_after);
	if (r == -EAGAIN)
		(void)event_add(channel->writable, NULL);
	else if (r < 0)
		channel->broken = channel->muted = true;
}

void channel_break(struct channel *channel)
{
	channel->broken = channel->muted = true;
	(void)shutdown(channel->stream.fd, SHUT_RDWR);
}

/* Nothing of it is in the batch. */
static void note_begin(struct channel *channel)
{
	channel->begin = (struct channel_begin){.in = channel->stream.in.start,
						.out = stream_position(&channel->stream),
						.last_id = channel->last_id};
	channel->again_to = 0;
}

void channel_rewind(struct channel *channel, uint64_t id)
{
	stream_take_back(&channel->stream, channel->begin.out);
	channel->stream.in.start = channel->begin.in;
	channel->last_id = channel->begin.last_id;
	channel->in_batch = false;
	channel->again_to = id;
}

/* It has ended; what became of its lane is noted. */
static void leave(struct channel *channel)
{
	struct service_loop *loop = channel->loop;

	channel_free(channel);
	(void)batch_commit(loop);
}

/* Must the peer take replies before more calls of its are run? */
static bool is_full(struct channel *channel)
{
	if (channel->muted || stream_pending(&channel->stream) <= PENDING_MAX)
		return false;
	flush(channel);
	note_begin(channel);
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

/* Calls that ran for the second time are done with: they are not undone once more. */
static void end_again(struct channel *channel)
{
	if (channel->again_to == 0 || channel->last_id < channel->again_to)
		return;
	flush(channel);
	note_begin(channel);
}

/* Runs what is in the buffer; nothing of the channel is in the batch before. False: it has ended.
 */
static bool serve(struct channel *channel)
{
	char why[CHANNEL_WHY_MAX];
	wat_status status = WAT_OK;

	if (channel->read_at_ns >= channel->over_at_ns) {
		channel_end(channel, WAT_ACCESS_DENIED, CHANNEL_OVER);
		return false;
	}
	channel->serving = true;
	note_begin(channel);
	while (status == WAT_OK && !is_full(channel)) {
		if (!channel_next_frame(channel, &status, why))
			break;
		end_again(channel);
	}
	channel->serving = false;
	if (status != WAT_OK) {
		channel_end(channel, status, why);
		return false;
	}
	if (channel->lost) {
		leave(channel);
		return false;
	}
	stream_give_back(&channel->stream, &channel->loop->spare);
	return true;
}

static int read_some(struct channel *channel)
{
	struct stream *stream = &channel->stream;
	int r;

	stream_borrow(stream, &channel->loop->spare);
	r = stream_read(stream);
	if (r <= 0)
		stream_give_back(stream, &channel->loop->spare);
	return r;
}

/* The peer sends no more, but may still take its replies. */
static void end_of_stream(struct channel *channel)
{
	if (channel->broken || stream_pending(&channel->stream) == 0) {
		leave(channel);
		return;
	}
	channel->ended = true;
	(void)event_del(channel->readable);
	(void)event_add(channel->writable, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;
	int r = read_some(channel);

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

/* True: the peer has all that it will get. */
static bool is_over(const struct channel *channel)
{
	return channel->lost ||
	       (channel->ended && (channel->broken || stream_pending(&channel->stream) == 0));
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;

	(void)fd;
	(void)what;
	flush(channel);
	if (is_over(channel)) {
		leave(channel);
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
	denied_init(&channel->denied, request);
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
	list_append(&loop->channels, &channel->link);
	return TAKE(channel);
}

static void leave_lane(struct channel *channel)
{
	struct lane *lane = TAKE(channel->lane);

	if (!lane)
		return;
	lane->channel = NULL;
	lane->detached_ms = clock_unix_ms();
	if (channel->dropped)
		service_loop_end_lane(channel->loop, lane);
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
	if (channel->over)
		event_free(channel->over);
	stream_deinit(&channel->stream);
	free(channel->marks);
	if (channel->grant) {
		denied_tell(channel);
		call_forget_channel(channel);
		batch_forget_channel(channel->loop, channel);
		leave_lane(channel);
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
	/* If the batch has to be withdrawn, it is before the last word. */
	(void)batch_commit(channel->loop);
	/* What does not fit now is lost: nobody waits for a peer that does not read. */
	if (channel_queue_goaway(channel, status, text) == 0) {
		journal_wait(&channel->loop->journal);
		flush(channel);
	}
	leave(channel);
}

/* The lane, without a channel: a client that binds it again has lost that. With the channel the
 * lane may end, if the client had given it back. */
static struct lane *take_over(struct grant *grant, const uint8_t id[static WAT_ID_SIZE])
{
	struct lane *lane = lane_find(grant, id);

	if (!lane || !lane->channel)
		return lane;
	channel_end(lane->channel, WAT_ABORTED, "the lane was attached again");
	return lane_find(grant, id);
}

static struct lane *begin_lane(struct channel *channel, const uint8_t id[static WAT_ID_SIZE])
{
	struct lane *lane = lane_new(channel->loop, channel->grant, id);

	/* From here on it is known, also to the next generation. */
	if (lane)
		batch_note_lane(channel->loop, lane);
	return lane;
}

/* The lane that is meant, a new one, or none when it is lost. */
static int find_lane(struct channel *channel, const Wat__Host__AttachRequest *request)
{
	struct lane *lane = take_over(channel->grant, request->lane.data);

	if (!lane && request->resume)
		return 0;
	/* Whoever begins a lane again never heard that it had begun. */
	if (lane && !request->resume) {
		service_loop_end_lane(channel->loop, lane);
		lane = NULL;
	}
	if (!lane)
		lane = begin_lane(channel, request->lane.data);
	if (!lane)
		return -ENOSPC;
	lane->channel = channel;
	channel->lane = lane;
	return 0;
}

int channel_attach(struct service_loop *loop, const Wat__Host__AttachRequest *request, int *fd)
{
	_cleanup_(channel_freep) struct channel *channel = channel_new(loop, request, fd);
	int r;

	if (!channel)
		return -ENOMEM;
	r = find_lane(channel, request);
	if (r < 0) {
		channel_end(TAKE(channel), WAT_OVERLOADED,
			    "this User has as many lanes with channels as are possible");
		return 0;
	}
	/* One whose lane is lost is of no use: the client comes again with a new one, and its going
	 * is no loss. */
	channel->counted = channel->lane != NULL;
	if (channel->counted)
		grant_add_channel(loop, channel->grant);
	channel->read_at_ns = clock_monotonic_ns();
	limits_set(&channel->grant->limits, request->rate, request->in_flight, channel->read_at_ns);
	r = channel_set_end(channel, request->time_left_ms);
	if (r < 0)
		return r;
	(void)batch_commit(loop);
	CRASH_HERE(attach_after);
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
		int r;

		(void)batch_commit(channel->loop);
		r = read_some(channel);

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

uint8_t *channel_answer(struct channel *channel, uint64_t id, wat_status status, size_t n)
{
	struct frame frame = {.type = status == WAT_OK ? FRAME_REPLY : FRAME_FAIL,
			      .id = id,
			      .budget = (uint32_t)status};
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

void channel_durable(struct channel *channel)
{
	flush(channel);
	if (is_over(channel))
		leave(channel);
}
