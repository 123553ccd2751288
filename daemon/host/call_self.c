/* call_self.c - the live form of a service's state. Instance's thread. */
#include "daemon/host/call_self.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/host/call_answer.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/channel.h"
#include "daemon/host/instance.h"
#include "daemon/host/lane.h"
#include "daemon/host/replay.h"
#include "daemon/host/report.h"
#include "daemon/host/service_loop.h"
#include "proto/attribution.h"
#include "proto/support/cleanup.h"
#include "proto/utf8.h"

#define EVENT_REBUILT 2

/* Builds with WAT_DEBUG save before and after each failed handler and compare. */
#ifdef WAT_DEBUG
#define COMPARES true
#else
#define COMPARES false
#endif

/* Live forms that a panic left in doubt. Their number is that of the panics. */
static struct given_up {
	struct given_up *next;
	void *self;
} * given_up;
static pthread_mutex_t given_up_mutex = PTHREAD_MUTEX_INITIALIZER;

static const struct wat_service *service_of(const struct service_loop *loop)
{
	return loop->instance->service;
}

static wat_status WAT_PRINTF(3, 4)
	fail(struct service_loop *loop, wat_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(loop->self_text, sizeof loop->self_text, format, arguments);
	va_end(arguments);
	utf8_clean(loop->self_text);
	return status;
}

/* load, or save into the message. A call of its own: the one at hand may be under way. */
static wat_status run(struct service_loop *loop, ProtobufCMessage *save_into)
{
	struct call *call = &loop->self_call;
	bool left = loop->left;
	volatile wat_status status = WAT_OK;

	call_prepare(call, &loop->self_arena, 0, NULL, NULL);
	call->lifecycle = save_into ? "save" : "load";
	call_mark(call, ATTRIBUTION_SELF);
	if (_setjmp(loop->leave) != 0)
		status = call->base.status;
	else if (save_into)
		status = dispatch_save(&call->base, service_of(loop), loop->self, save_into);
	else
		status =
			dispatch_load(&call->base, service_of(loop), loop->state.live, &loop->self);
	call_unmark(call);
	if (!loop->left && status != WAT_OK) {
		call_mend_status(call);
		status = call->base.status;
	}
	loop->left = left;
	return status == WAT_OK ? WAT_OK : fail(loop, status, "%s", call->base.text);
}

static wat_status keep(struct service_loop *loop, const ProtobufCMessage *message)
{
	struct check_error error;
	bool changed = false;
	char text[512];

	switch (state_save(&loop->state, message, &changed, &error)) {
	case STATE_OK:
		return WAT_OK;
	case STATE_E_TOO_LARGE:
		return fail(loop, WAT_RESOURCE_EXHAUSTED,
			    "the state has %zu bytes, at most %zu are possible",
			    protobuf_c_message_get_packed_size(message), loop->state.max);
	case STATE_E_FORM:
		check_error_format(&error, text, sizeof text);
		return fail(loop, WAT_INTERNAL, "save made a state that can't be read: %s", text);
	default:
		return fail(loop, WAT_RESOURCE_EXHAUSTED, "no memory for the state");
	}
}

wat_status call_save_self(struct service_loop *loop, const char **ret_text)
{
	const ProtobufCMessageDescriptor *descriptor = loop->state.descriptor;
	ProtobufCMessage *message;
	wat_status status;

	if (!service_of(loop)->self)
		return WAT_OK;
	*ret_text = loop->self_text;
	if (!loop->self)
		return fail(loop, WAT_UNAVAILABLE, "the live form could not be built again");
	message = arena_alloc(&loop->self_arena, descriptor->sizeof_message);
	if (!message)
		return fail(loop, WAT_RESOURCE_EXHAUSTED, "no memory for the state");
	descriptor->message_init(message);
	status = run(loop, message);
	if (status == WAT_OK)
		status = keep(loop, message);
	arena_reset(&loop->self_arena);
	return status;
}

wat_status call_load_self(struct service_loop *loop, const char **ret_text)
{
	wat_status status;

	if (!service_of(loop)->self)
		return WAT_OK;
	*ret_text = loop->self_text;
	status = run(loop, NULL);
	arena_reset(&loop->self_arena);
	return status;
}

void call_free_self(struct service_loop *loop)
{
	void *self = TAKE(loop->self);

	if (self)
		service_of(loop)->self->free(self);
}

bool call_restore(struct service_loop *loop, const uint8_t *state, size_t n)
{
	const char *text = "";

	call_free_self(loop);
	if (state_restore(&loop->state, state, n) < 0)
		return false;
	/* A form that can't be built now is built by the next call. */
	if (call_load_self(loop, &text) != WAT_OK)
		log_error("the live form of a state can't be built", "instance",
			  loop->instance->name, "why", text);
	return true;
}

static void give_up(void *self)
{
	struct given_up *entry = malloc(sizeof *entry);

	if (!entry)
		return;
	(void)pthread_mutex_lock(&given_up_mutex);
	*entry = (struct given_up){given_up, self};
	given_up = entry;
	(void)pthread_mutex_unlock(&given_up_mutex);
}

static void tell_rebuilt(struct service_loop *loop, const char *method, const char *why)
{
	Wat__Host__Rebuilt message = WAT__HOST__REBUILT__INIT;

	message.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, loop->instance->id};
	message.generation = loop->instance->generation;
	message.text = (char *)why;
	message.method = (char *)method;
	message.stack = loop->stack;
	message.n_stack = loop->n_stack;
	service_loop_post_event(loop, EVENT_REBUILT, &message.base);
}

/* From the bytes it was last saved as. False: not now; the next call tries again. */
static bool rebuild(struct service_loop *loop)
{
	const char *text = "no memory for the state";

	/* Those bytes may be old: the calls since then are in the journal. */
	if (batch_is_of_calls(loop)) {
		replay_restore(loop);
		return loop->self;
	}
	state_undo(&loop->state);
	if (loop->state.live && call_load_self(loop, &text) == WAT_OK)
		return true;
	log_error("the live form of a state can't be built", "instance", loop->instance->name,
		  "why", text);
	return false;
}

bool call_has_self(struct call *call)
{
	struct service_loop *loop = call->loop;
	const char *text = "";

	if (!loop->self && !rebuild(loop)) {
		dispatch_set_failure(&call->base, WAT_UNAVAILABLE,
				     "the live form of the state can't be built; the call was not "
				     "run: %s",
				     loop->self_text);
		return false;
	}
	if (COMPARES && call_save_self(loop, &text) != WAT_OK)
		log_warning("a live form can't be saved", "instance", loop->instance->name, "why",
			    text);
	return true;
}

void call_self_changed(struct call *call)
{
	const struct wat_method *method = call->base.base.method;

	if (!method || !(method->flags & WAT_METHOD_READ_ONLY))
		service_loop_changed(call->loop);
}

/* Would it be saved as something else than before the call? False if it can't be saved. */
static bool is_other(struct service_loop *loop)
{
	ProtobufCMessage *message =
		arena_alloc(&loop->self_arena, loop->state.descriptor->sizeof_message);
	bool other = false;

	if (!message)
		return false;
	loop->state.descriptor->message_init(message);
	if (run(loop, message) == WAT_OK)
		other = state_is_other(&loop->state, message);
	arena_reset(&loop->self_arena);
	return other;
}

/* Did the handler that did not succeed change something all the same? */
static void check_promise(struct call *call)
{
	struct service_loop *loop = call->loop;

	if (!is_other(loop))
		return;
	log_error("a handler changed the state and failed or panicked then; a service with a live "
		  "form must validate first",
		  "instance", loop->instance->name, "method",
		  call->base.base.method ? call->base.base.method->name : call->lifecycle);
}

/* What the calls before it in the batch did to that form is lost, and nobody has their answers:
 * they are run again, from the state as it was before all of them. */
static void undo_others(struct call *call)
{
	static const char text[] = "not applied: another call broke off, and the state was built "
				   "again as it was before both";

	struct channel *channel = call->channel;
	uint64_t id = call->base.base.id;

	if (channel && !call->spare)
		call->spare = lane_taken_new();
	/* Once: if it runs again all the same, there was no memory for its answer. */
	if (channel && call->spare && channel->again_to != id)
		call->condemned = batch_run_again(channel, id, WAT_UNAVAILABLE, text);
	else
		(void)batch_withdraw(call->loop, WAT_UNAVAILABLE, text);
}

void call_self_failed(struct call *call)
{
	struct service_loop *loop = call->loop;

	if (!loop->self)
		return;
	if (COMPARES)
		check_promise(call);
	if (!loop->left)
		return;
	log_error("a handler was left in the middle; the live form is built again from the last "
		  "committed state",
		  "instance", loop->instance->name, "why", call->base.text);
	give_up(TAKE(loop->self));
	tell_rebuilt(loop, call->base.base.method ? call->base.base.method->name : call->lifecycle,
		     call->base.text);
	if (loop->batch.changed)
		undo_others(call);
	if (!loop->self)
		(void)rebuild(loop);
}
