/* batch.h - what the calls of one read did, until it is certain: it is appended to the journal
 * before any of its answers is written, or it is withdrawn as a whole. Instance's thread; embedded
 * in the loop. Without a journal there is nothing to append, and nothing is withdrawn.
 *
 * What only helps to forget (the ends of lanes and grants, dropped answers) is promised to nobody:
 * it is never withdrawn, and goes with a later record if this one can't be appended. */
#ifndef WAT_HOST_BATCH_H
#define WAT_HOST_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/bytes.h"
#include "daemon/host/record.h"
#include "proto/status.h"
#include "proto/support/list.h"

struct call;
struct channel;
struct lane;
struct service_loop;

/* An answer in a channel's buffer, of a call that ran: it may have to be taken back. */
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
	struct bytes committed; /* the state as of the last record, packed; in a journal of calls,
				   of an earlier one */
	uint64_t committed_at;  /* where a journal of calls goes on from there: bytes of the segment
				 */
	bool changed;           /* the state is not that of the last record */
	bool as_state; /* something that is no recorded call changed it: the record has the state */
	bool promises; /* something in the record is more than a help to forget */
	bool failed;   /* memory was out for something that must be in the record */
	bool failing;  /* the last one could not be appended, and that was said */
};

void batch_init(struct batch *batch);
void batch_deinit(struct batch *batch);

/* Items of the lane follow; the first in a batch marks it, for undoing. */
void batch_note_lane(struct service_loop *loop, struct lane *lane);
/* An item of the lane, as it is in its buffer. */
void batch_note_bytes(struct service_loop *loop, struct lane *lane, const uint8_t *items, size_t n);
void batch_note(struct service_loop *loop, struct lane *lane, const struct record_item *item);
/* Its body's room, instead of item->body; NULL: there is no journal, or the batch is spoilt. */
uint8_t *batch_note_room(struct service_loop *loop,
			 struct lane *lane,
			 const struct record_item *item);
/* The answer of a call that ran was put into the channel's buffer; `at` is where it begins in the
 * stream. */
void batch_note_answer(struct channel *channel, uint64_t id, uint64_t at);
void batch_forget_channel(struct service_loop *loop, const struct channel *channel);
/* The state was changed, by a call that is recorded, or by something else. */
void batch_changed(struct service_loop *loop, bool by_call);
/* Do records hold calls? */
bool batch_is_of_calls(const struct service_loop *loop);

/* What was noted is not needed: the instance was given away as it is. */
void batch_forget(struct service_loop *loop);
/* Appends what was noted. False: it was withdrawn, and its callers have been told. */
bool batch_commit(struct service_loop *loop);
/* Everything is as before the batch: the state, the lanes, and whoever called gets this instead of
 * an answer. False: there is no journal, so nothing can be withdrawn. */
bool batch_withdraw(struct service_loop *loop, wat_status status, const char *text);
/* The same while the channel serves: its calls in the batch are run again, but for the one with
 * this id, which is the last that ran. False: nothing was withdrawn, and they are not. */
bool batch_run_again(struct channel *channel, uint64_t id, wat_status status, const char *text);
/* The state is what recovery made, or what a checkpoint holds. */
int batch_set_committed(struct service_loop *loop) WAT_MUST_CHECK;

/* batch.c, for batch_withdraw.c. Nothing is noted any more, but for the record. */
void batch_forget_answers(struct batch *batch);
bool batch_has_journal(const struct service_loop *loop);

#endif
