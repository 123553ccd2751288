/* batch_withdraw.c - everything as before a batch that can't be kept. Instance's thread. */
#include <stdlib.h>
#include <string.h>
#include <wat/envelope.pb-c.h>

#include "daemon/host/batch.h"
#include "daemon/host/call.h"
#include "daemon/host/channel.h"
#include "daemon/host/lane.h"
#include "daemon/host/replay.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

/* Instead of an answer. */
struct refusal {
	wat_status status;
	const char *text;
};

/* The next answer of the channel that was noted, from *at on; NULL: no more. */
static const struct batch_answer *next_of(const struct batch *batch,
					  const struct channel *channel,
					  size_t *at)
{
	for (; *at < batch->n_answers; ++*at)
		if (batch->answers[*at].channel == channel)
			return &batch->answers[*at];
	return NULL;
}

static bool is_answer_to(const struct frame *frame, const struct batch_answer *noted)
{
	return noted && (frame->type == FRAME_REPLY || frame->type == FRAME_FAIL) &&
	       frame->id == noted->id;
}

/* What was queued since the channel's first answer in the batch is queued anew: answers of calls
 * that ran as the refusal, everything else as it was. */
static void queue_anew(struct channel *channel,
		       const uint8_t *bytes,
		       size_t n,
		       size_t first,
		       const struct refusal *refusal)
{
	const struct batch *batch = &channel->loop->batch;
	size_t at = first;

	while (n >= FRAME_HEADER_SIZE) {
		const struct batch_answer *noted = next_of(batch, channel, &at);
		struct frame frame;

		if (frame_decode(bytes, WAT_BODY_MAX, &frame) != FRAME_OK)
			break;
		if (is_answer_to(&frame, noted)) {
			call_refuse(channel, frame.id, refusal->status, refusal->text);
			at++;
		} else if (stream_queue(&channel->stream, &frame, bytes + FRAME_HEADER_SIZE,
					frame.body_len, -1) < 0) {
			channel_break(channel);
			return;
		}
		bytes += FRAME_HEADER_SIZE + frame.body_len;
		n -= FRAME_HEADER_SIZE + frame.body_len;
	}
}

static void tell_channel(struct channel *channel, size_t first, const struct refusal *refusal)
{
	struct stream *stream = &channel->stream;
	size_t n = (size_t)(stream_position(stream) - channel->batch_at);
	_cleanup_(freep) uint8_t *bytes = malloc(n ? n : 1);

	channel->in_batch = false;
	if (!bytes) {
		channel_break(channel);
		return;
	}
	memcpy(bytes, stream->out.data + stream->out.end - n, n);
	stream_take_back(stream, channel->batch_at);
	queue_anew(channel, bytes, n, first, refusal);
}

static void tell_channels(struct batch *batch, const struct refusal *refusal)
{
	for (size_t i = 0; i < batch->n_answers; i++) {
		struct channel *channel = batch->answers[i].channel;

		if (channel && channel->in_batch && !channel->broken)
			tell_channel(channel, i, refusal);
	}
}

/* The refusal as a body; n is 0 where memory is out: then it has no text. */
static void undo_lanes(struct batch *batch, const struct refusal *refusal)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	struct list *first;
	uint8_t body[WAT_FAILURE_TEXT_MAX + 16];
	size_t n;

	failure.text = (char *)refusal->text;
	n = wat__envelope__failure__get_packed_size(&failure);
	if (n <= sizeof body)
		(void)wat__envelope__failure__pack(&failure, body);
	else
		n = 0;
	while ((first = list_first(&batch->lanes)))
		lane_undo(container_of(first, struct lane, of_batch), refusal->status, body, n);
}

/* A record of which some items are kept, in place. */
struct rest {
	uint8_t *body;
	size_t n;          /* bytes that are kept */
	size_t lane, size; /* the last RECORD_LANE that was read and not kept; size 0: none */
};

static void keep(struct rest *rest, size_t from, size_t size)
{
	memmove(rest->body + rest->n, rest->body + from, size);
	rest->n += size;
}

static void keep_if_it_helps(struct rest *rest, enum record_kind kind, size_t from, size_t size)
{
	if (kind == RECORD_LANE) {
		rest->lane = from;
		rest->size = size;
	} else if (kind == RECORD_DROPPED) {
		keep(rest, rest->lane, rest->size);
		keep(rest, from, size);
		rest->size = 0;
	} else if (kind == RECORD_LANE_END || kind == RECORD_GRANT_END) {
		keep(rest, from, size);
	}
}

/* The record shrinks to what is promised to nobody, which goes with the next one. */
static void keep_the_rest(struct batch *batch)
{
	struct rest rest = {.body = batch->record.data + RECORD_HEADER_SIZE};
	size_t n, at = 0, from = 0;
	struct record_item item;

	if (batch->failed || batch->record.n < RECORD_HEADER_SIZE) {
		batch->record.n = 0;
		return;
	}
	n = batch->record.n - RECORD_HEADER_SIZE;
	while (record_next(rest.body, n, &at, &item) > 0) {
		keep_if_it_helps(&rest, item.kind, from, at - from);
		from = at;
	}
	batch->record.n = rest.n > 0 ? RECORD_HEADER_SIZE + rest.n : 0;
}

static void withdraw(struct service_loop *loop,
		     const struct refusal *refusal,
		     const struct channel *again)
{
	struct batch *batch = &loop->batch;

	tell_channels(batch, refusal);
	call_withdraw_taken(loop, refusal->status, refusal->text, again);
	undo_lanes(batch, refusal);
	if (batch->changed)
		replay_restore(loop);
	keep_the_rest(batch);
	batch_forget_answers(batch);
}

bool batch_withdraw(struct service_loop *loop, wat_status status, const char *text)
{
	const struct refusal refusal = {status, text};

	if (!batch_has_journal(loop))
		return false;
	withdraw(loop, &refusal, NULL);
	return true;
}

/* Calls of the channel that had been taken before the batch and were answered in it can't be run
 * again; all others come anew. */
static void rewind_channel(struct channel *channel, uint64_t id, const struct refusal *refusal)
{
	struct batch *batch = &channel->loop->batch;

	channel_rewind(channel, id);
	for (size_t i = 0; i < batch->n_answers; i++) {
		if (batch->answers[i].channel != channel)
			continue;
		batch->answers[i].channel = NULL;
		if (batch->answers[i].id <= channel->begin.last_id)
			call_refuse(channel, batch->answers[i].id, refusal->status, refusal->text);
	}
}

bool batch_run_again(struct channel *channel, uint64_t id, wat_status status, const char *text)
{
	const struct refusal refusal = {status, text};
	struct service_loop *loop = channel->loop;

	if (!batch_has_journal(loop))
		return false;
	rewind_channel(channel, id, &refusal);
	withdraw(loop, &refusal, channel);
	return true;
}
