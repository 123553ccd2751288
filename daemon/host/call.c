/* call.c - a call of a service: admitted, run, answered. Instance's thread. The state is settled
 * before the answer is written: whoever reads a reply sees a state that has it. */
#include "daemon/host/call.h"

#include <assert.h>
#include <stdio.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/host/call_answer.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/channel.h"
#include "daemon/host/disk.h"
#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/report.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"
#include "proto/utf8.h"

/* A limit that is farther away by the coarse clock is not over by the exact one. */
#define NEAR_MS 1000u

/* Beginning and end of a call object. */

static const struct wat_interface *interface_of(const struct service_loop *loop)
{
	return loop->interface;
}

uint16_t call_method_number(const struct call *call)
{
	return (uint16_t)(call->base.base.method - interface_of(call->loop)->methods);
}

static bool is_later(const struct service_loop *loop, uint16_t method)
{
	const struct wat_interface *interface = interface_of(loop);

	return method < interface->n_methods &&
	       (interface->methods[method].flags & WAT_METHOD_LATER);
}

void call_prepare(struct call *call,
		  struct arena *arena,
		  uint64_t id,
		  struct channel *channel,
		  const struct wat_user *user)
{
	dispatch_call_init(&call->base, &call_ops, arena, id);
	call->base.flat_requests = &call->loop->flat_requests;
	call->channel = channel;
	call->lane = channel ? channel->lane : NULL;
	call->taken = call->spare = NULL;
	call->keeps = call->ran = call->condemned = false;
	call->connection = channel ? channel->connection : 0;
	call->user = user;
	call->lifecycle = "";
	call->context.size = 0;
	call->packed = NULL;
}

/* One that may change something: its answer is kept. Unknown methods change nothing. */
static bool is_mutating(const struct service_loop *loop, uint16_t method)
{
	const struct wat_interface *interface = interface_of(loop);

	return method < interface->n_methods &&
	       !(interface->methods[method].flags & WAT_METHOD_READ_ONLY);
}

static uint64_t hash_of(const struct service_loop *loop, const uint8_t *body, size_t n)
{
	uint64_t hash;

	(void)crypto_shorthash((uint8_t *)&hash, body, n, loop->hash_key);
	return hash;
}

static struct call *begin(struct channel *channel, const struct frame *frame)
{
	struct service_loop *loop = channel->loop;

	if (is_later(loop, frame->method))
		return call_begin_later(channel, frame->id);
	call_prepare(&loop->call, &loop->arena, frame->id, channel, &channel->grant->user);
	return &loop->call;
}

static void end(struct call *call)
{
	if (call != &call->loop->call) {
		call_end_later(call);
		return;
	}
	free(TAKE(call->spare));
	arena_reset(&call->loop->arena);
}

/* Steps before the handler. Each fails the call and says false, or true. */

/* What the caller still waits, or the method may take if that is less; 0: no limit. */
static uint32_t limit_of(const struct call *call, const struct frame *frame)
{
	const struct wat_interface *interface = interface_of(call->loop);
	uint32_t own_ms = 0;

	if (frame->method < interface->n_methods)
		own_ms = interface->methods[frame->method].deadline_ms;
	return own_ms > 0 && (frame->budget == 0 || own_ms < frame->budget) ? own_ms
									    : frame->budget;
}

static bool is_near(const struct call *call, uint32_t limit_ms)
{
	return limit_ms <= NEAR_MS ||
	       clock_monotonic_coarse_ns() >=
		       call->channel->read_at_ns + (uint64_t)(limit_ms - NEAR_MS) * 1000000u;
}

static bool is_in_time(struct call *call, const struct frame *frame)
{
	uint32_t limit_ms = limit_of(call, frame);
	uint64_t waited_ms;

	if (limit_ms == 0 || !is_near(call, limit_ms))
		return true;
	waited_ms = (clock_monotonic_ns() - call->channel->read_at_ns) / 1000000u;
	if (waited_ms < limit_ms)
		return true;
	dispatch_set_failure(&call->base, WAT_DEADLINE_EXCEEDED,
			     "the call waited for %llu ms and had %u; it was not run",
			     (unsigned long long)waited_ms, limit_ms);
	return false;
}

static bool has_place(struct call *call)
{
	if (call != &call->loop->call && !call_may_wait(call))
		return false;
	if (!call->keeps || lane_has_room(call->lane))
		return true;
	dispatch_set_failure(
		&call->base, WAT_OVERLOADED,
		"the client has not confirmed %u answers of %zu bytes; this call was not run",
		call->lane->n_replies,
		call->lane->replies.n - call->lane->start + call->lane->taken_bytes);
	return false;
}

bool call_has_state(struct call *call)
{
	if (call->loop->instance->service->self)
		return call_has_self(call);
	if (state_begin(&call->loop->state) == 0)
		return true;
	dispatch_set_failure(&call->base, WAT_OVERLOADED,
			     "no memory for the state; the call was not run");
	return false;
}

static bool decode(struct call *call, const struct frame *frame, const uint8_t *body)
{
	wat_status status =
		dispatch_decode(&call->base, interface_of(call->loop), call->channel->method_mask,
				frame->method, body, frame->body_len);

	if (status == WAT_ACCESS_DENIED)
		denied_add(call->channel, call->base.base.method->name);
	return status == WAT_OK;
}

/* Of the grant. Open are the calls of this lane whose answers the client has not taken, and those
 * of the grant that a handler took. */
static bool is_within_limits(struct call *call, const struct frame *frame)
{
	struct grant *grant = call->channel->grant;
	uint64_t open = (uint64_t)frame->window + grant->n_taken - (call != &call->loop->call);
	char text[160];

	if ((grant->limits.rate | grant->limits.in_flight) == 0 ||
	    limits_take(&grant->limits, open, call->channel->read_at_ns, text, sizeof text))
		return true;
	dispatch_set_failure(&call->base, WAT_OVERLOADED, "%s", text);
	return false;
}

static bool admit(struct call *call, const struct frame *frame, const uint8_t *body)
{
	call->request = body;
	call->n_request = frame->body_len;
	call->keeps = is_mutating(call->loop, frame->method);
	if (call->keeps)
		call->hash = hash_of(call->loop, body, frame->body_len);
	return is_in_time(call, frame) && decode(call, frame, body) &&
	       is_within_limits(call, frame) && has_place(call) && call_has_state(call);
}

/* What runs stands in the page, for whoever asks after a death. */

void call_mark(struct call *call, uint32_t method_plus_1)
{
	struct attribution_slot *slot = call->loop->instance->slot;

	atomic_store_explicit(&slot->call_id, call->base.base.id, memory_order_relaxed);
	if (call->lane)
		memcpy(slot->lane, call->lane->id, sizeof slot->lane);
	else
		memset(slot->lane, 0, sizeof slot->lane);
	atomic_store_explicit(&slot->begun,
			      atomic_load_explicit(&slot->begun, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&slot->method_plus_1, method_plus_1, memory_order_release);
	call->loop->running = call;
	call->loop->left = false;
	if (method_plus_1 != ATTRIBUTION_SELF)
		call->invocation = ++call->loop->invocations;
}

void call_unmark(struct call *call)
{
	struct attribution_slot *slot = call->loop->instance->slot;

	call->loop->running = NULL;
	call->base.running = false;
	atomic_store_explicit(&slot->method_plus_1, 0, memory_order_release);
}

enum dispatch_outcome call_invoke(struct call *call)
{
	const struct wat_service *service = call->loop->instance->service;
	volatile enum dispatch_outcome outcome = DISPATCH_FAILED;

	call->ran = true;
	call_mark(call, call_method_number(call) + 1u);
	if (_setjmp(call->loop->leave) == 0)
		outcome = dispatch_invoke(&call->base, service, service_loop_live(call->loop));
	call_unmark(call);
	return outcome;
}

/* The handler succeeded and its reply can be sent: what it did is the state, or the call fails. */
static bool commit(struct call *call)
{
	struct service_loop *loop = call->loop;
	struct check_error error;
	bool changed = false;
	int r;

	if (loop->instance->service->self) {
		call_self_changed(call);
		return true;
	}
	if (call->base.base.method && (call->base.base.method->flags & WAT_METHOD_READ_ONLY)) {
		if (state_touched(&loop->state)) {
			state_undo(&loop->state);
			log_warning("a read_only method changed the state; that is discarded",
				    "instance", loop->instance->name, "method",
				    call->base.base.method->name);
		}
		return true;
	}
	r = state_commit(&loop->state, &changed, &error);
	if (r == 0) {
		if (changed)
			service_loop_changed(loop);
		return true;
	}
	call_set_commit_failure(call, r, &error);
	return false;
}

/* A handler that said no, and of which its method promises that it changed nothing then. */
static bool left_nothing(const struct call *call)
{
	const uint32_t careful = WAT_METHOD_VALIDATES_FIRST | WAT_METHOD_READ_ONLY;
	const struct wat_method *method = call->base.base.method;

	return method && (method->flags & careful) && !call->loop->left &&
	       !state_touched(&call->loop->state);
}

static bool is_good(struct call *call, enum dispatch_outcome outcome)
{
	bool good =
		outcome == DISPATCH_TAKEN || (outcome == DISPATCH_REPLY && call_check_reply(call));

	/* What was done to a live form stays done, whatever becomes of the reply. */
	if (outcome == DISPATCH_REPLY && call->loop->instance->service->self) {
		(void)commit(call);
		return true;
	}
	return good && commit(call);
}

bool call_settle(struct call *call, enum dispatch_outcome outcome)
{
	if (is_good(call, outcome)) {
		call_send_answers(call->loop);
		return true;
	}
	if (call->loop->instance->service->self)
		call_self_failed(call);
	else if (outcome != DISPATCH_FAILED || !left_nothing(call))
		state_undo(&call->loop->state);
	call_withdraw_answers(call->loop);
	return false;
}

bool call_panicked(const struct call *call)
{
	return call->loop->left && call->base.status == WAT_SERVER_DIED;
}

static void look_for_mistakes(struct call *call)
{
	if (call->base.neglected)
		log_error("a handler neither answered nor took its call; the caller gets INTERNAL",
			  "instance", call->loop->instance->name, "method",
			  call->base.base.method->name);
	if (call->base.status != WAT_OK && !call->loop->left)
		call_mend_status(call);
}

static void run(struct call *call)
{
	enum dispatch_outcome outcome;
	bool settled;

	call_record_begin(call);
	outcome = call_invoke(call);
	look_for_mistakes(call);
	settled = call_settle(call, outcome);
	call_record_end(call, settled);
	if (call->condemned) {
		call_send_condemned(call);
		end(call);
		return;
	}
	/* The lane knows it from here on: it is not run again. */
	call_note_taken(call);
	if (outcome == DISPATCH_TAKEN) {
		call_keep_taken(call, settled);
		return;
	}
	call_send(call, call_panicked(call));
	end(call);
}

/* What would be journaled is not even begun: its place on the disk is for what ends something. */
static bool has_no_room(const struct channel *channel, const struct frame *frame)
{
	return disk_is_full() && batch_has_journal(channel->loop) &&
	       is_mutating(channel->loop, frame->method) &&
	       (channel->method_mask >> frame->method & 1);
}

static void serve(struct channel *channel, const struct frame *frame, const uint8_t *body)
{
	struct call *call;

	if (has_no_room(channel, frame)) {
		call_refuse(channel, frame->id, WAT_RESOURCE_EXHAUSTED,
			    "not applied: the disk is full");
		return;
	}
	call = begin(channel, frame);
	if (!call) {
		call_refuse(channel, frame->id, WAT_OVERLOADED, "no memory; the call was not run");
		return;
	}
	if (admit(call, frame, body)) {
		run(call);
		return;
	}
	call->keeps = false;
	call_send(call, false);
	end(call);
}

/* One that is run again as often as it is written, unless it killed the host. */
static bool is_repeatable(const struct channel *channel, uint16_t method, uint64_t id)
{
	const struct lane_taken *taken;

	if (is_mutating(channel->loop, method))
		return false;
	taken = lane_find_taken(channel->lane, id);
	return !taken || taken->method != RECORD_ANY_METHOD;
}

/* The call was read before, or the lane says that one with its id was: it is answered from the
 * lane. False: it is to be run. */
static bool repeat(struct channel *channel, const struct frame *frame, const uint8_t *body)
{
	struct record_item item;
	struct lane_taken *taken = NULL;

	/* What can't be run anyway is refused in the usual way. */
	if (!(channel->method_mask >> (frame->method % 64) & 1) ||
	    frame->method >= interface_of(channel->loop)->n_methods ||
	    is_repeatable(channel, frame->method, frame->id))
		return false;
	switch (lane_look(channel->lane, frame->id, frame->method,
			  hash_of(channel->loop, body, frame->body_len), &item, &taken)) {
	case LANE_STORED:
		call_send_kept(channel, &item);
		return true;
	case LANE_OPEN:
		call_reattach(taken->call, channel);
		return true;
	case LANE_OTHER:
		call_refuse(channel, frame->id, WAT_INVALID_ARGUMENT,
			    "another call of this lane had this id; not run");
		return true;
	case LANE_PASSED:
		/* The window says nothing of these. */
		if (is_later(channel->loop, frame->method))
			return false;
		/* fall through */
	case LANE_PAST:
		call_refuse(channel, frame->id, WAT_TOO_OLD,
			    "a call with this id, or a later one, was done; not run again");
		return true;
	case LANE_UNSEEN:
	default:
		return false;
	}
}

void call_run(struct channel *channel, const struct frame *frame, const uint8_t *body)
{
	const struct lane *lane = channel->lane;

	/* Only on a channel that goes on with a lane. */
	if ((frame->id <= lane->last_applied || frame->id < lane->confirmed || lane->n_taken > 0) &&
	    repeat(channel, frame, body))
		return;
	serve(channel, frame, body);
}
