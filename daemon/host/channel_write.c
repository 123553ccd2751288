/* channel_write.c - what a channel answers goes out: when it may, and together with what others are
 * answered. Instance's thread. */
#include "daemon/host/channel_write.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/crash_point.h"
#include "daemon/host/channel.h"
#include "daemon/host/service_loop.h"

/* Answers wait for those of other channels until there are so many of them, or so much time has
 * passed. Where a handler was once seen to take very long they don't wait for a while. */
#define TURN_CALLS 128u
#define TURN_NS 200000u
#define TURN_SLOW_NS 10000000u
#define TURN_SLOW_FOR_NS 10000000000u

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
	struct channel_mark *last = channel->marks + channel->n_marks - (channel->n_marks > 0);

	if (journal->durability != DURABILITY_SYNC || stream_pending(&channel->stream) == 0)
		return;
	if (journal_durable(journal) >= mark.seq && channel->n_marks == 0)
		return;
	if (channel->n_marks > 0 && last->seq == mark.seq) {
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

/* A peer that is gone may still have sent calls: they are read to the end. */
static void write_out(struct channel *channel)
{
	int r;

	list_remove(&channel->waiting);
	if (channel->broken)
		return;
	r = stream_write_until(&channel->stream, position_to_write(channel));
	stream_give_back(&channel->stream, &channel->loop->spare);
	CRASH_HERE(answer_after);
	if (r == -EAGAIN)
		(void)event_add(channel->writable, NULL);
	else if (r < 0)
		channel->broken = channel->muted = true;
}

static void settle(struct channel *channel)
{
	(void)batch_commit(channel->loop);
	if (!channel->broken)
		mark(channel);
}

void channel_flush(struct channel *channel)
{
	settle(channel);
	write_out(channel);
}

void channels_write(struct service_loop *loop)
{
	struct loop_turn *turn = &loop->turn;
	struct list *first = list_first(&turn->channels);
	uint64_t now = first ? clock_monotonic_ns() : 0;

	if (first && now - turn->began_ns > TURN_SLOW_NS)
		turn->slow_ns = now;
	for (; first; first = list_first(&turn->channels))
		write_out(container_of(first, struct channel, waiting));
}

static bool may_wait(const struct loop_turn *turn, uint64_t now_ns)
{
	return turn->n_calls < TURN_CALLS && now_ns - turn->began_ns < TURN_NS &&
	       (turn->slow_ns == 0 || now_ns - turn->slow_ns > TURN_SLOW_FOR_NS);
}

void channels_write_late(struct service_loop *loop, uint64_t now_ns)
{
	if (!may_wait(&loop->turn, now_ns))
		channels_write(loop);
}

void channel_flush_soon(struct channel *channel, uint64_t n_calls)
{
	struct loop_turn *turn = &channel->loop->turn;

	settle(channel);
	if (list_empty(&turn->channels)) {
		turn->began_ns = channel->read_at_ns;
		turn->n_calls = 0;
		event_active(turn->end, 0, 0);
	}
	list_remove(&channel->waiting);
	list_append(&turn->channels, &channel->waiting);
	turn->n_calls += n_calls;
	channels_write_late(channel->loop, channel->read_at_ns);
}
