/* call_record.c - calls that go into a journal of calls. Instance's thread. */
#include <sodium.h>
#include <string.h>

#include "daemon/host/call_parts.h"
#include "daemon/host/recorded.h"
#include "daemon/host/service_loop.h"
#include "proto/limits.h"
#include "proto/support/bytes.h"

/* More than that, and the state is recorded instead. */
#define GIVEN_MAX WAT_BODY_MAX

void call_record_begin(struct call *call)
{
	struct loop_given *given = &call->loop->given;

	given->recording = call->keeps && batch_is_of_calls(call->loop);
	given->too_much = false;
	given->entries.n = 0;
}

static void give(struct call *call, const struct recorded_given *entry)
{
	struct loop_given *given = &call->loop->given;

	if (!given->recording || call->loop->running != call)
		return;
	if (entry->n > GIVEN_MAX || given->entries.n > GIVEN_MAX ||
	    recorded_give(&given->entries, entry) < 0)
		given->too_much = true;
}

void call_record_time(struct call *call, uint64_t now_ns)
{
	uint8_t bytes[8];
	const struct recorded_given entry = {RECORDED_TIME, bytes, sizeof bytes};

	bytes_put64(bytes, now_ns);
	give(call, &entry);
}

void call_record_random(struct call *call, const void *bytes, size_t n)
{
	const struct recorded_given entry = {RECORDED_RANDOM, bytes, n};

	give(call, &entry);
}

void call_record_context(struct call *call)
{
	uint8_t bytes[RECORDED_CONTEXT_SIZE + WAT_NAME_MAX];
	const char *name = call->user ? call->user->name : "";
	size_t n = strnlen(name, WAT_NAME_MAX);
	const struct recorded_given entry = {RECORDED_CONTEXT, bytes, RECORDED_CONTEXT_SIZE + n};

	bytes_put64(bytes, call->invocation);
	bytes_put64(bytes + 8, call->connection);
	memcpy(bytes + RECORDED_CONTEXT_SIZE, name, n);
	give(call, &entry);
}

uint64_t call_reply_hash(const struct call *call)
{
	uint8_t bytes[8];

	if (call->base.status != WAT_OK || !call->packed)
		return 0;
	(void)crypto_shorthash(bytes, call->packed, call->n_packed, call->loop->hash_key);
	return bytes_get64(bytes);
}

static void note(struct call *call)
{
	const struct bytes *entries = &call->loop->given.entries;
	struct record_item item = {
		.kind = RECORD_CALL,
		.id = call->base.base.id,
		.hash = call_reply_hash(call),
		.method = call_method_number(call),
		.status = (uint32_t)call->base.status,
		.n_body = recorded_size(call->n_request, entries),
	};
	uint8_t *room = batch_note_room(call->loop, call->lane, &item);

	if (room)
		recorded_put(room, call->request, call->n_request, entries);
}

void call_record_end(struct call *call, bool settled)
{
	struct loop_given *given = &call->loop->given;
	bool recording = given->recording;

	given->recording = false;
	if (!recording || !settled)
		return;
	if (given->too_much)
		call->loop->batch.as_state = true;
	else
		note(call);
}
