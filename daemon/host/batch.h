/* batch.h - what the calls of one read did, until it is certain: it is appended to the journal
 * before any of its answers is written, or it is withdrawn as a whole. Instance's thread; embedded
 * in the loop. Without a journal there is nothing to append, and nothing is withdrawn. */
#ifndef WAT_HOST_BATCH_H
#define WAT_HOST_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/bytes.h"
#include "daemon/host/record.h"
#include "proto/support/list.h"

struct call;
struct channel;
struct lane;
struct service_loop;

/* An answer in a channel's buffer that may have to be taken back. */
struct batch_answer {
	struct channel *channel; /* NULL: it has gone */
	uint64_t id;
};

struct batch {
	struct bytes record;     /* under construction; empty: nothing is noted */
	const struct lane *lane; /* whose the last item is */
	struct list lanes;       /* that it has changed */
	struct batch_answer *answers;
	size_t n_answers, answers_size;
	struct bytes committed; /* the state as of the last record, packed */
	bool changed;           /* the state is not that of the last record */
	bool failed;            /* memory was out for something that must be in the record */
	bool withdrawing;
};

void batch_init(struct batch *batch);
void batch_deinit(struct batch *batch);

/* Items of the lane follow; the first in a batch marks it, for undoing. */
void batch_note_lane(struct service_loop *loop, struct lane *lane);
/* An item of the lane, as it is in its buffer. */
void batch_note_bytes(struct service_loop *loop, struct lane *lane, const uint8_t *items, size_t n);
void batch_note(struct service_loop *loop, struct lane *lane, const struct record_item *item);
/* An answer was put into the channel's buffer; `at` is where it begins in the stream. */
void batch_note_answer(struct channel *channel, uint64_t id, uint64_t at);
void batch_forget_channel(struct service_loop *loop, const struct channel *channel);
/* The state was changed. */
void batch_changed(struct service_loop *loop);

/* What was noted is not needed: the instance was given away as it is. */
void batch_forget(struct service_loop *loop);
/* Appends what was noted. False: it was withdrawn, and its callers have been told. */
bool batch_commit(struct service_loop *loop);
/* The state is what recovery made, or what a checkpoint holds. */
int batch_set_committed(struct service_loop *loop) WAT_MUST_CHECK;

#endif
