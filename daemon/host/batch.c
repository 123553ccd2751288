/* batch.c - what the calls of one read did, until it is certain. Instance's thread. */
#include "daemon/host/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/host/call.h"
#include "daemon/host/call_self.h"
#include "daemon/host/channel.h"
#include "daemon/host/grant.h"
#include "daemon/host/disk.h"
#include "daemon/host/lane.h"
#include "daemon/host/plugin_load.h"
#include "daemon/host/service_loop.h"

void batch_init(struct batch *batch)
{
	*batch = (struct batch){0};
	list_init(&batch->lanes);
}

void batch_deinit(struct batch *batch)
{
	bytes_deinit(&batch->record);
	bytes_deinit(&batch->committed);
	free(batch->answers);
}

/* After the last state was given the journal is not needed any more. */
bool batch_has_journal(const struct service_loop *loop)
{
	return loop->journal.fd >= 0 && !loop->drained;
}

/* Memory that is missing now spoils the batch: what must be in the record could not be put there.
 */
static void spoil(struct batch *batch, int r)
{
	if (r < 0)
		batch->failed = true;
}

static void begin(struct batch *batch)
{
	if (batch->record.n == 0)
		spoil(batch, record_begin(&batch->record));
}

void batch_note_lane(struct service_loop *loop, struct lane *lane)
{
	struct batch *batch = &loop->batch;
	struct record_item item;

	if (!batch_has_journal(loop))
		return;
	if (list_empty(&lane->of_batch)) {
		lane_mark(lane);
		list_append(&batch->lanes, &lane->of_batch);
	}
	if (batch->lane == lane)
		return;
	begin(batch);
	item = (struct record_item){.kind = RECORD_LANE,
				    .grant = lane->grant->id,
				    .lane = lane->id,
				    .id = lane->confirmed};
	spoil(batch, record_put(&batch->record, &item, NULL));
	batch->lane = lane;
}

void batch_note_bytes(struct service_loop *loop, struct lane *lane, const uint8_t *items, size_t n)
{
	if (!batch_has_journal(loop))
		return;
	batch_note_lane(loop, lane);
	loop->batch.promises = true;
	spoil(&loop->batch, bytes_put(&loop->batch.record, items, n));
}

static bool is_promise(enum record_kind kind)
{
	return kind == RECORD_DONE || kind == RECORD_TAKEN || kind == RECORD_ANSWERED ||
	       kind == RECORD_LIFE || kind == RECORD_CALL;
}

uint8_t *batch_note_room(struct service_loop *loop,
			 struct lane *lane,
			 const struct record_item *item)
{
	uint8_t *room = NULL;

	if (!batch_has_journal(loop))
		return NULL;
	if (lane)
		batch_note_lane(loop, lane);
	else
		loop->batch.lane = NULL; /* whoever reads it knows no lane from here on */
	if (is_promise(item->kind))
		loop->batch.promises = true;
	begin(&loop->batch);
	spoil(&loop->batch, record_put(&loop->batch.record, item, &room));
	return room;
}

void batch_note(struct service_loop *loop, struct lane *lane, const struct record_item *item)
{
	uint8_t *room = batch_note_room(loop, lane, item);

	if (room && item->n_body > 0)
		memcpy(room, item->body, item->n_body);
}

static bool make_room_for_answer(struct batch *batch)
{
	size_t size = batch->answers_size ? batch->answers_size * 2 : 128;
	struct batch_answer *answers;

	if (batch->n_answers < batch->answers_size)
		return true;
	answers = reallocarray(batch->answers, size, sizeof *answers);
	if (!answers)
		return false;
	batch->answers = answers;
	batch->answers_size = size;
	return true;
}

void batch_note_answer(struct channel *channel, uint64_t id, uint64_t at)
{
	struct batch *batch = &channel->loop->batch;

	if (!batch_has_journal(channel->loop))
		return;
	if (!channel->in_batch) {
		channel->in_batch = true;
		channel->batch_at = at;
	}
	if (make_room_for_answer(batch))
		batch->answers[batch->n_answers++] = (struct batch_answer){channel, id};
	else
		/* It could not be taken back, so it must not go out. */
		channel_break(channel);
}

void batch_forget_channel(struct service_loop *loop, const struct channel *channel)
{
	struct batch *batch = &loop->batch;

	for (size_t i = 0; channel->in_batch && i < batch->n_answers; i++)
		if (batch->answers[i].channel == channel)
			batch->answers[i].channel = NULL;
}

void batch_changed(struct service_loop *loop, bool by_call)
{
	loop->batch.changed = true;
	if (!by_call)
		loop->batch.as_state = true;
}

bool batch_is_of_calls(const struct service_loop *loop)
{
	return batch_has_journal(loop) &&
	       interface_is_deterministic(loop->instance->service->interface);
}

void batch_forget_answers(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_answers; i++)
		if (batch->answers[i].channel)
			batch->answers[i].channel->in_batch = false;
	batch->lane = NULL;
	batch->n_answers = 0;
	batch->changed = batch->promises = batch->failed = batch->as_state = false;
}

static void forget(struct batch *batch)
{
	batch_forget_answers(batch);
	batch->record.n = 0;
}

static int note_state(struct service_loop *loop)
{
	struct record_item item = {.kind = RECORD_STATE};
	const char *text = "";
	uint8_t *room;
	int r;

	if (call_save_self(loop, &text) != WAT_OK) {
		log_error("the live form of a state can't be saved", "instance",
			  loop->instance->name, "why", text);
		return -EBADMSG;
	}
	item.n_body = state_packed_size(&loop->state);
	r = record_put(&loop->batch.record, &item, &room);
	if (r == 0)
		state_pack_into(&loop->state, room);
	return r;
}

int batch_set_committed(struct service_loop *loop)
{
	struct bytes *committed = &loop->batch.committed;
	size_t n = state_packed_size(&loop->state);
	uint8_t *room;

	committed->n = 0;
	room = bytes_add(committed, n);
	if (!room)
		return -ENOMEM;
	state_pack_into(&loop->state, room);
	loop->batch.committed_at = loop->journal.offset;
	return 0;
}

/* The copy to go back to is made before anything is promised. A journal of calls has one already,
 * and what comes after it. */
static int append(struct service_loop *loop)
{
	struct batch *batch = &loop->batch;
	bool changed = batch->changed && (batch->as_state || !batch_is_of_calls(loop));
	int r;

	begin(batch);
	if (batch->failed)
		return -ENOMEM;
	if (changed) {
		r = note_state(loop);
		if (r < 0)
			return r;
		/* Later, replacing the copy needs no memory. */
		if (!bytes_reserve(&batch->committed, state_packed_size(&loop->state)))
			return -ENOMEM;
	}
	r = journal_append(&loop->journal, &batch->record);
	if (r == 0 && changed)
		r = batch_set_committed(loop);
	return r;
}

static const char *reason(int r)
{
	switch (r) {
	case -ENOSPC:
	case -EDQUOT:
		return "the disk is full";
	case -EFBIG:
		return "the journal may not grow any more";
	case -ENOMEM:
		return "no memory";
	case -EBADMSG:
		return "its state can't be saved";
	default:
		return "the journal can't be written";
	}
}

static void settle_lanes(struct batch *batch)
{
	struct list *first;

	while ((first = list_first(&batch->lanes)))
		lane_settle(container_of(first, struct lane, of_batch));
}

void batch_forget(struct service_loop *loop)
{
	settle_lanes(&loop->batch);
	forget(&loop->batch);
}

/* Once for each time that it begins: while a disk is full there are many. */
static void log_failing(struct service_loop *loop, int r)
{
	if (loop->batch.failing)
		return;
	loop->batch.failing = true;
	log_error("batches of calls are withdrawn: they can't be journaled", "instance",
		  loop->instance->name, "why", reason(r), "error", strerror(-r));
}

/* Until watd knows; then nothing comes here that is not to end something. */
static void tell_full(struct service_loop *loop, int r)
{
	static const Wat__Empty empty = WAT__EMPTY__INIT;

	if ((r == -ENOSPC || r == -EDQUOT) && !disk_is_full())
		service_loop_post_event(loop, DISK_EVENT_FULL, &empty.base);
}

/* What can be made up for with a later record waits for that. */
#define WAITING_MAX (64u * 1024u)

static void wait_for_next(struct batch *batch)
{
	settle_lanes(batch);
	if (batch->failed || batch->record.n > WAITING_MAX)
		batch->record.n = 0;
	batch_forget_answers(batch);
}

static bool not_appended(struct service_loop *loop, int r)
{
	char text[128];

	log_failing(loop, r);
	tell_full(loop, r);
	if (!loop->batch.changed && !loop->batch.promises) {
		wait_for_next(&loop->batch);
		return true;
	}
	(void)snprintf(text, sizeof text, "not applied: %s", reason(r));
	(void)batch_withdraw(loop, WAT_RESOURCE_EXHAUSTED, text);
	return false;
}

static void appended(struct service_loop *loop)
{
	if (loop->batch.failing)
		log_info("batches of calls are journaled again", "instance", loop->instance->name);
	loop->batch.failing = false;
	settle_lanes(&loop->batch);
	forget(&loop->batch);
	journal_ask(&loop->journal);
	service_loop_appended(loop);
}

bool batch_commit(struct service_loop *loop)
{
	struct batch *batch = &loop->batch;
	int r;

	if (!batch_has_journal(loop) ||
	    (batch->record.n == 0 && !batch->changed && !batch->failed)) {
		forget(batch);
		return true;
	}
	CRASH_HERE(append_before);
	r = append(loop);
	if (r < 0)
		return not_appended(loop, r);
	appended(loop);
	return true;
}
