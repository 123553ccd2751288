/* call_answer.c - the answer of a call. Instance's thread. */
#include "daemon/host/call_answer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/channel.h"
#include "daemon/host/lane.h"
#include "daemon/host/report.h"
#include "daemon/host/service_loop.h"
#include "proto/support/bytes.h"
#include "proto/support/cleanup.h"

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
	const struct wat_interface *interface = call->loop->interface;

	return call->loop->checked_replies >> (call->base.base.method - interface->methods) & 1;
}

/* What a taken call did was applied when it was taken, what was done to a live form when it was
 * done. */
static const char *not_applied(const struct call *call)
{
	return call->base.taken || call->loop->self ? "" : "; not applied";
}

/* Before the state is settled: the reply may point into it. */
static bool pack_reply(struct call *call)
{
	const ProtobufCMessage *reply = call->base.reply;
	uint8_t *bytes;

	call->packed = call->flat;
	if (flat_pack(reply, call->flat, &call->n_packed))
		return true;
	call->n_packed = protobuf_c_message_get_packed_size(reply);
	if (call->n_packed > WAT_BODY_MAX) {
		dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED,
				     "the reply has %zu bytes, at most %u are possible%s",
				     call->n_packed, WAT_BODY_MAX, not_applied(call));
		return false;
	}
	bytes = arena_alloc_raw(call->base.arena, call->n_packed);
	if (!bytes) {
		dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED,
				     "the call takes more memory than it may%s", not_applied(call));
		return false;
	}
	protobuf_c_message_pack(reply, bytes);
	call->packed = bytes;
	return true;
}

/* A reply that its reader would refuse is the service's mistake, not the reader's. */
static bool check_form(struct call *call)
{
	const char *method = call->base.base.method->name;
	struct check_error error;
	char text[512];

	if (check_message(call->base.base.method->output, call->packed, call->n_packed, &error) ==
	    0)
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
	if (call->base.status != WAT_OK)
		return true;
	return pack_reply(call) && (!is_checked(call) || check_form(call));
}

static const char *handler_name(const struct call *call)
{
	return call->base.base.method ? call->base.base.method->name : call->lifecycle;
}

void call_set_commit_failure(struct call *call, int r, const struct check_error *error)
{
	const char *method = handler_name(call);
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

/* What a service can know: not that it was stopped, died or never started, which is watd's or
 * libwat's to say. */
static bool is_of_service(wat_status status)
{
	switch ((int)status) {
	case WAT_OK:
	case WAT_CANCELLED:
	case WAT_UNKNOWN:
	case WAT_INVALID_ARGUMENT:
	case WAT_DEADLINE_EXCEEDED:
	case WAT_NOT_FOUND:
	case WAT_ALREADY_EXISTS:
	case WAT_RESOURCE_EXHAUSTED:
	case WAT_FAILED_PRECONDITION:
	case WAT_ABORTED:
	case WAT_OUT_OF_RANGE:
	case WAT_UNIMPLEMENTED:
	case WAT_INTERNAL:
	case WAT_UNAVAILABLE:
	case WAT_DATA_LOSS:
	case WAT_UNAUTHENTICATED:
	case WAT_ACCESS_DENIED:
	case WAT_PEER_DIED:
	case WAT_OVERLOADED:
	case WAT_TOO_LARGE:
	case WAT_DEADLOCK:
		return true;
	default:
		return false;
	}
}

void call_mend_status(struct call *call)
{
	const wat_status said = call->base.status;
	char number[16], text[WAT_FAILURE_TEXT_MAX];

	if (is_of_service(said))
		return;
	(void)snprintf(number, sizeof number, "%d", (int)said);
	(void)snprintf(text, sizeof text, "%s", call->base.text);
	dispatch_set_failure(&call->base, WAT_INTERNAL,
			     "%s ended with status %s (%s), which is not a service's to say: %s",
			     handler_name(call), number, wat_status_name((int)said), text);
	log_error("a handler ended with a status that is not a service's to say; its caller gets "
		  "INTERNAL",
		  "instance", call->loop->instance->name, "method", handler_name(call), "status",
		  number);
}

void call_send_kept(struct channel *channel, const struct record_item *item)
{
	uint8_t *room = channel_answer(channel, item->id, (wat_status)item->status, item->n_body);

	if (room && item->n_body > 0)
		memcpy(room, item->body, item->n_body);
}

/* In the channel's buffer, if there is one. What a handler said goes with its batch. */
static uint8_t *answer_room(const struct call *call, size_t n)
{
	struct channel *channel = call->channel;
	uint8_t *room;
	uint64_t at;

	if (!channel)
		return NULL;
	at = stream_position(&channel->stream);
	room = channel_answer(channel, call->base.base.id, call->base.status, n);
	if (room && call->ran)
		batch_note_answer(channel, call->base.base.id, at);
	return room;
}

/* A reply is packed by now, a failure is packed where it goes. */
struct answer {
	const uint8_t *packed;
	const ProtobufCMessage *message; /* if packed is NULL */
	size_t n;
};

static struct answer answer_of(const ProtobufCMessage *message)
{
	return (struct answer){.message = message,
			       .n = protobuf_c_message_get_packed_size(message)};
}

static void put_answer(const struct answer *answer, uint8_t *room)
{
	if (answer->packed)
		bytes_copy(room, answer->packed, answer->n);
	else
		(void)protobuf_c_message_pack(answer->message, room);
}

static struct record_item item_of(const struct call *call, size_t n)
{
	return (struct record_item){
		.kind = call->taken ? RECORD_ANSWERED : RECORD_DONE,
		.id = call->base.base.id,
		.hash = call->hash,
		.method = call_method_number(call),
		.status = (uint32_t)call->base.status,
		.n_body = n,
	};
}

/* An answer of a call that was taken stays apart. */
static const uint8_t *keep_taken(struct call *call, const struct answer *answer)
{
	struct record_item item = item_of(call, answer->n);
	const struct bytes *kept = &call->taken->answer;
	uint8_t *room;

	batch_note_lane(call->loop, call->lane);
	room = lane_answer(call->lane, call->taken, &item);
	if (!room)
		return NULL;
	put_answer(answer, room);
	call->taken->answered_in_batch = true;
	batch_note_bytes(call->loop, call->lane, kept->data, kept->n);
	return room;
}

/* NULL: no memory. Valid until the lane changes. */
static const uint8_t *keep(struct call *call, const struct answer *answer)
{
	struct record_item item = item_of(call, answer->n);
	struct lane *lane = call->lane;
	uint8_t *room;
	size_t at;

	if (call->taken)
		return keep_taken(call, answer);
	batch_note_lane(call->loop, lane);
	room = lane_add(lane, &item, &at);
	if (!room)
		return NULL;
	put_answer(answer, room);
	batch_note_bytes(call->loop, lane, lane->replies.data + at, lane->replies.n - at);
	return room;
}

static void send_unkept(struct call *call, const struct answer *answer)
{
	uint8_t *room = answer_room(call, answer->n);

	if (room)
		put_answer(answer, room);
}

/* Without memory the lane knows at least that it was done: it is not done again. */
static void keep_without(struct call *call)
{
	if (call->lane->last_applied < call->base.base.id)
		call->lane->last_applied = call->base.base.id;
	call->loop->batch.failed = true;
}

static void send_answer(struct call *call, const struct answer *answer)
{
	const uint8_t *kept;
	uint8_t *room;

	if (!call->keeps || !call->lane) {
		send_unkept(call, answer);
		return;
	}
	kept = keep(call, answer);
	if (!kept) {
		/* Without a journal it can't be withdrawn, and is answered all the same. */
		keep_without(call);
		send_unkept(call, answer);
		return;
	}
	room = answer_room(call, answer->n);
	if (room)
		bytes_copy(room, answer->packed ? answer->packed : kept, answer->n);
}

static void send_reply(struct call *call)
{
	struct answer answer = {.packed = call->packed, .n = call->n_packed};

	assert(call->packed);
	send_answer(call, &answer);
}

static void send_failure(struct call *call)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	struct answer answer;

	failure.text = call->base.text;
	answer = answer_of(&failure.base);
	send_answer(call, &answer);
}

static void send_panic(struct call *call)
{
	const struct instance *instance = call->loop->instance;
	const char *method = call->base.base.method->name;
	struct report report;
	struct answer answer;

	log_error("a handler panicked; its call is answered SERVER_DIED and the state is as before",
		  "instance", instance->name, "method", method, "text", call->base.text);
	service_loop_tell_panic(call->loop, method, call->base.text);
	if (call->loop->candid)
		report_init(&report, WAT__ENVELOPE__CAUSE_KIND__PANIC, instance, method,
			    call->base.text);
	else
		report_init_for_user(&report, WAT__ENVELOPE__CAUSE_KIND__PANIC, instance,
				     "the service panicked in this call; its Admin can see why");
	answer = answer_of(&report.failure.base);
	send_answer(call, &answer);
}

void call_send(struct call *call, bool panicked)
{
	if (panicked)
		send_panic(call);
	else if (call->base.status == WAT_OK)
		send_reply(call);
	else
		send_failure(call);
}

void call_send_condemned(struct call *call)
{
	struct channel *channel = TAKE(call->channel);
	struct record_item item = {
		.kind = RECORD_TAKEN, .id = call->base.base.id, .method = RECORD_ANY_METHOD};

	batch_note_lane(call->loop, call->lane);
	call->taken = TAKE(call->spare);
	lane_take(call->lane, call->taken, item.id, item.method, 0);
	call->taken->of_batch = true;
	batch_note(call->loop, call->lane, &item);
	call->keeps = true;
	call_send(call, true);
	call->channel = channel;
}

void call_refuse(struct channel *channel, uint64_t id, wat_status status, const char *text)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	uint8_t *room;

	failure.text = (char *)text;
	room = channel_answer(channel, id, status,
			      wat__envelope__failure__get_packed_size(&failure));
	if (room)
		(void)wat__envelope__failure__pack(&failure, room);
}
