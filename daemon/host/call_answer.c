/* call_answer.c - the answer of a call. Instance's thread. */
#include "daemon/host/call_answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/host/channel.h"
#include "daemon/host/report.h"
#include "daemon/host/service_loop.h"

uint64_t call_checked_replies(const struct wat_interface *interface)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < interface->n_methods; i++)
		if (!state_is_scalar(interface->methods[i].output))
			bits |= (uint64_t)1 << i;
	return bits;
}

static bool is_checked(const struct call *call)
{
	const struct wat_interface *interface = call->loop->instance->service->interface;

	return call->loop->checked_replies >> (call->base.base.method - interface->methods) & 1;
}

/* What a taken call did was applied when it was taken, what was done to a live form when it was
 * done. */
static const char *not_applied(const struct call *call)
{
	return call->base.taken || call->loop->self ? "" : "; not applied";
}

/* A reply that its reader would refuse is the service's mistake, not the reader's. */
static bool check_form(struct call *call, size_t n)
{
	const char *method = call->base.base.method->name;
	struct check_error error;
	char text[512];
	uint8_t *bytes = arena_alloc(call->base.arena, n);

	if (!bytes) {
		dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED,
				     "the call takes more memory than it may%s", not_applied(call));
		return false;
	}
	protobuf_c_message_pack(call->base.reply, bytes);
	if (check_message(call->base.base.method->output, bytes, n, &error) == 0)
		return true;
	check_error_format(&error, text, sizeof text);
	dispatch_set_failure(&call->base, WAT_INTERNAL, "%s made a reply that can't be read%s: %s",
			     method, not_applied(call), text);
	log_error("a handler made a reply that can't be read", "instance",
		  call->loop->instance->name, "method", method, "why", text);
	return false;
}

bool call_check_reply(struct call *call)
{
	size_t n;

	if (call->base.status != WAT_OK)
		return true;
	n = protobuf_c_message_get_packed_size(call->base.reply);
	if (n > WAT_BODY_MAX) {
		dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED,
				     "the reply has %zu bytes, at most %u are possible%s", n,
				     WAT_BODY_MAX, not_applied(call));
		return false;
	}
	return !is_checked(call) || check_form(call, n);
}

void call_set_commit_failure(struct call *call, int r, const struct check_error *error)
{
	const char *method = call->base.base.method ? call->base.base.method->name : "the handler";
	char text[512];

	if (r == STATE_E_TOO_LARGE) {
		dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED,
				     "the state would have more than %zu bytes; not applied",
				     call->loop->state.max);
	} else if (r == STATE_E_FORM) {
		check_error_format(error, text, sizeof text);
		dispatch_set_failure(&call->base, WAT_INTERNAL,
				     "%s made a state that can't be read; not applied: %s", method,
				     text);
		log_error("a handler made a state that can't be read", "instance",
			  call->loop->instance->name, "method", method, "why", text);
	} else {
		dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED,
				     "no memory for the state; not applied");
	}
}

static void send_reply(struct call *call)
{
	size_t n = protobuf_c_message_get_packed_size(call->base.reply);
	uint8_t *room = channel_reply(call->channel, call->base.base.id, n);

	if (room)
		protobuf_c_message_pack(call->base.reply, room);
}

static void send_panic(struct call *call)
{
	const struct instance *instance = call->loop->instance;
	const char *method = call->base.base.method->name;
	struct report report;

	log_error("a handler panicked; its call is answered SERVER_DIED and the state is as before",
		  "instance", instance->name, "method", method, "text", call->base.text);
	if (!call->channel)
		return;
	report_init(&report, WAT__ENVELOPE__CAUSE_KIND__PANIC, instance, method, call->base.text);
	channel_fail(call->channel, call->base.base.id, WAT_SERVER_DIED, &report.failure);
}

void call_send(struct call *call, bool panicked)
{
	if (call->base.status != WAT_OK)
		report_clean_text(call->base.text);
	if (panicked)
		send_panic(call);
	else if (!call->channel)
		return;
	else if (call->base.status == WAT_OK)
		send_reply(call);
	else
		call_refuse(call->channel, call->base.base.id, call->base.status, call->base.text);
}

void call_refuse(struct channel *channel, uint64_t id, wat_status status, const char *text)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;

	failure.text = (char *)text;
	channel_fail(channel, id, status, &failure);
}
