/* call_taken.c - calls of methods that may answer later, from their beginning to their answer or
 * their end. Instance's thread. The lane knows each by a struct lane_taken, also when its handler
 * answered at once: such an answer is kept until the client drops it. */
#include <assert.h>
#include <stdlib.h>

#include "daemon/host/call_answer.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/channel.h"
#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

#define TAKEN_PER_GRANT 256u

struct call *call_begin_later(struct channel *channel, uint64_t id)
{
	struct call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	call->loop = channel->loop;
	arena_init(&call->own, WAT_CALL_MEMORY_MAX);
	call_prepare(call, &call->own, id, channel, &channel->grant->user);
	list_init(&call->link);
	call->grant = channel->grant;
	call->grant->n_taken++;
	channel->n_taken++;
	return call;
}

void call_end_later(struct call *call)
{
	list_remove(&call->link);
	if (call->channel)
		call->channel->n_taken--;
	if (call->taken)
		call->taken->call = NULL;
	call->grant->n_taken--;
	grant_release(call->grant);
	free(call->spare);
	arena_deinit(&call->own);
	free(call);
}

bool call_may_wait(struct call *call)
{
	if (call->lane->n_taken >= LANE_TAKEN_MAX || call->grant->n_taken > TAKEN_PER_GRANT) {
		dispatch_set_failure(&call->base, WAT_OVERLOADED,
				     "too many calls that answer later are open or their answers "
				     "not dropped; this one was not run");
		return false;
	}
	if (!call->keeps)
		return true;
	call->spare = lane_taken_new();
	if (!call->spare)
		dispatch_set_failure(&call->base, WAT_OVERLOADED,
				     "no memory; the call was not run");
	return call->spare;
}

void call_note_taken(struct call *call)
{
	struct record_item item = {.kind = RECORD_TAKEN,
				   .id = call->base.base.id,
				   .hash = call->hash,
				   .method = call_method_number(call)};

	if (!call->spare || !call->lane)
		return;
	batch_note_lane(call->loop, call->lane);
	call->taken = TAKE(call->spare);
	lane_take(call->lane, call->taken, item.id, item.method, item.hash);
	call->taken->call = call;
	call->taken->of_batch = true;
	batch_note(call->loop, call->lane, &item);
}

/* The service may hold on to it, and answers it to nobody. */
static void orphan(struct call *call)
{
	call->base.answered = false;
	call->base.status = WAT_OK;
	if (call->channel)
		call->channel->n_taken--;
	if (call->taken)
		call->taken->call = NULL;
	call->channel = NULL;
	call->lane = NULL;
	call->taken = NULL;
}

/* A call whose state could not be kept is answered at once, but the service may hold on to it, and
 * answers it to nobody later. */
void call_keep_taken(struct call *call, bool settled)
{
	list_append(&call->loop->taken, &call->link);
	if (settled)
		return;
	call_send(call, false);
	orphan(call);
}

/* The peer that it was taken from is back. */
void call_reattach(struct call *call, struct channel *channel)
{
	if (call->channel)
		return;
	call->channel = channel;
	channel->n_taken++;
}

/* Takes back what the failed handler answered: those calls stay open. */
void call_withdraw_answers(struct service_loop *loop)
{
	list_for_each_safe (i, &loop->answered) {
		struct call *call = container_of(i, struct call, link);

		call->base.answered = false;
		call->base.status = WAT_OK;
		call->base.reply = NULL;
		list_remove(i);
		list_append(&loop->taken, i);
	}
}

void call_send_answers(struct service_loop *loop)
{
	struct list *first;

	while ((first = list_first(&loop->answered))) {
		struct call *call = container_of(first, struct call, link);

		call_mend_status(call);
		/* A reply that can't be sent has become a failure; both are sent alike. */
		if (!call_check_reply(call))
			assert(call->base.status != WAT_OK);
		call_send(call, false);
		call_end_later(call);
	}
}

void call_forget_channel(struct channel *channel)
{
	list_for_each (i, &channel->loop->taken) {
		struct call *call = container_of(i, struct call, link);

		if (call->channel == channel)
			call->channel = NULL;
	}
}

void call_forget(struct call *call)
{
	orphan(call);
}

void call_forget_lane(struct service_loop *loop, const struct lane *lane)
{
	struct list *const lists[] = {&loop->taken, &loop->answered};

	for (size_t n = 0; n < 2; n++)
		list_for_each (i, lists[n]) {
			struct call *call = container_of(i, struct call, link);

			if (call->lane == lane)
				orphan(call);
		}
}

void call_withdraw_taken(struct service_loop *loop,
			 wat_status status,
			 const char *text,
			 const struct channel *again)
{
	list_for_each (i, &loop->taken) {
		struct call *call = container_of(i, struct call, link);

		if (!call->taken || !call->taken->of_batch)
			continue;
		if (call->channel && call->channel != again)
			call_refuse(call->channel, call->base.base.id, status, text);
		orphan(call);
	}
}

/* Its answer is kept too: whoever asks again gets the same. It stands whatever becomes of the
 * batch: without it the next host answers the call. */
static void fail_open(struct call *call, wat_status status, const char *text)
{
	struct lane_taken *taken = call->taken;

	dispatch_set_failure(&call->base, status, "%s", text);
	call->ran = false;
	call_send(call, false);
	if (taken)
		taken->answered_in_batch = false;
	orphan(call);
}

void call_fail_taken(struct service_loop *loop,
		     const struct grant *grant,
		     wat_status status,
		     const char *text)
{
	list_for_each (i, &loop->taken) {
		struct call *call = container_of(i, struct call, link);

		if (!grant || call->grant == grant)
			fail_open(call, status, text);
	}
}

void call_drop_taken(struct service_loop *loop)
{
	struct list *first;

	assert(list_empty(&loop->answered));
	while ((first = list_first(&loop->taken)))
		call_end_later(container_of(first, struct call, link));
}
