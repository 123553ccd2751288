/* replay.c - calls of a journal are run again. Instance's thread. */
#include "daemon/host/replay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/host/call_answer.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/record.h"
#include "daemon/host/service_loop.h"
#include "proto/support/bytes.h"
#include "proto/support/cleanup.h"
#include "proto/utf8.h"

struct replay *replay_new(struct service_loop *loop, char text[static REPLAY_TEXT_MAX])
{
	struct replay *replay = calloc(1, sizeof *replay);

	if (!replay)
		return NULL;
	replay->loop = replay->call.loop = loop;
	replay->method = "";
	replay->text = text;
	arena_init(&replay->arena, WAT_CALL_MEMORY_MAX);
	return replay;
}

struct replay *replay_free(struct replay *replay)
{
	if (!replay)
		return NULL;
	arena_deinit(&replay->arena);
	free(replay);
	return NULL;
}

/* What the running handler gets. */

static void __attribute__((noreturn)) WAT_PRINTF(2, 3)
	leave(struct replay *replay, const char *format, ...)
{
	struct dispatch_call *base = &replay->call.base;
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(replay->wrong, sizeof replay->wrong, format, arguments);
	va_end(arguments);
	dispatch_set_failure(base, WAT_INTERNAL, "%s", replay->wrong);
	base->ops->leave(base);
}

static const char *name_of(enum recorded_kind kind)
{
	switch (kind) {
	case RECORDED_TIME:
		return "the time";
	case RECORDED_RANDOM:
		return "random bytes";
	case RECORDED_CONTEXT:
		return "its context";
	default:
		return "nothing";
	}
}

/* The next thing that it got, which is of this kind. */
static struct recorded_given take(struct replay *replay, enum recorded_kind kind)
{
	struct recorded_given given;

	if (recorded_take(&replay->recorded, &given) == 0)
		leave(replay, "it asked for %s, and had not asked for that", name_of(kind));
	if (given.kind != kind)
		leave(replay, "it asked for %s, and had asked for %s there", name_of(kind),
		      name_of(given.kind));
	return given;
}

uint64_t replay_time(struct replay *replay)
{
	return bytes_get64(take(replay, RECORDED_TIME).bytes);
}

void replay_random(struct replay *replay, void *buffer, size_t n)
{
	struct recorded_given given = take(replay, RECORDED_RANDOM);

	if (given.n != n)
		leave(replay, "it asked for %zu random bytes, and had asked for %zu there", n,
		      given.n);
	if (n > 0)
		memcpy(buffer, given.bytes, n);
}

void replay_context(struct replay *replay)
{
	struct recorded_given given = take(replay, RECORDED_CONTEXT);
	size_t n = given.n - RECORDED_CONTEXT_SIZE;

	replay->call.invocation = bytes_get64(given.bytes);
	replay->call.connection = bytes_get64(given.bytes + 8);
	memcpy(replay->name, given.bytes + RECORDED_CONTEXT_SIZE, n);
	replay->name[n] = '\0';
}

/* A call. */

static int WAT_PRINTF(4, 5) differs(struct replay *replay,
				    uint64_t seq,
				    const struct record_item *item,
				    const char *format,
				    ...)
{
	char what[REPLAY_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	(void)snprintf(replay->text, REPLAY_TEXT_MAX,
		       "run again, call %llu (%s) of record %llu differs: %.300s",
		       (unsigned long long)item->id, replay->method, (unsigned long long)seq, what);
	utf8_clean(replay->text);
	return REPLAY_E_DIFFERS;
}

static int fail(struct replay *replay, int r, uint64_t seq, const char *what)
{
	(void)snprintf(replay->text, REPLAY_TEXT_MAX,
		       "a call of record %llu of its journal: %.400s", (unsigned long long)seq,
		       what);
	return r;
}

/* The call as it stood before its handler. */
static int prepare(struct replay *replay, uint64_t seq, const struct record_item *item)
{
	const struct wat_interface *interface = replay->loop->instance->service->interface;
	struct call *call = &replay->call;

	if (!replay->grant || recorded_open(item->body, item->n_body, &replay->recorded) < 0)
		return fail(replay, -EBADMSG, seq, "it makes no sense");
	memcpy(replay->user.id, replay->grant, sizeof replay->user.id);
	replay->name[0] = replay->wrong[0] = '\0';
	replay->user.name = replay->name;
	call_prepare(call, &replay->arena, item->id, NULL, &replay->user);
	replay->method = item->method < interface->n_methods ? interface->methods[item->method].name
							     : "a method that is no more";
	if (dispatch_decode(&call->base, interface, UINT64_MAX, item->method,
			    replay->recorded.request, replay->recorded.n_request) != WAT_OK)
		return differs(replay, seq, item, "it is refused now: %s", call->base.text);
	if (!call_has_state(call))
		return fail(replay, -ENOMEM, seq, call->base.text);
	return 0;
}

static int compare(struct replay *replay,
		   uint64_t seq,
		   const struct record_item *item,
		   enum dispatch_outcome outcome)
{
	const struct call *call = &replay->call;
	bool settled;

	if (replay->wrong[0])
		return differs(replay, seq, item, "%s", replay->wrong);
	/* A handler that was left is not settled: what it did is of no use to anybody. */
	if (outcome != DISPATCH_REPLY)
		return differs(replay, seq, item, "it %s now: %s",
			       replay->loop->left ? "panics" : "fails", call->base.text);
	settled = call_settle(&replay->call, outcome);
	if (!settled || (uint32_t)call->base.status != item->status)
		return differs(replay, seq, item, "it ended with %s, and ends with %s now: %s",
			       wat_status_name((int)item->status),
			       wat_status_name((int)call->base.status), call->base.text);
	if (call_reply_hash(call) != item->hash)
		return differs(replay, seq, item, "its answer is not the one that was given");
	if (replay->recorded.n_given > 0)
		return differs(replay, seq, item,
			       "it asks for less time or randomness than it did");
	return 0;
}

/* The loop may be in the middle of a call that broke off. */
static int run_again(struct replay *replay, uint64_t seq, const struct record_item *item)
{
	struct service_loop *loop = replay->loop;
	const uint64_t invocations = loop->invocations;
	const bool left = loop->left;
	enum dispatch_outcome outcome;
	int r = prepare(replay, seq, item);

	if (r == 0) {
		loop->given.replay = replay;
		outcome = call_invoke(&replay->call);
		loop->given.replay = NULL;
		r = compare(replay, seq, item, outcome);
	}
	CRASH_HERE(replay_call);
	loop->invocations = invocations;
	loop->left = left;
	arena_reset(&replay->arena);
	return r;
}

bool replay_is_of_calls(const uint8_t *items, size_t n)
{
	struct record_item item;
	bool calls = false;
	size_t at = 0;

	while (record_next(items, n, &at, &item) > 0) {
		if (item.kind == RECORD_STATE)
			return false;
		calls = calls || item.kind == RECORD_CALL;
	}
	return calls;
}

int replay_record(struct replay *replay, uint64_t seq, const uint8_t *items, size_t n)
{
	struct record_item item;
	size_t at = 0;
	int r;

	replay->grant = NULL;
	while ((r = record_next(items, n, &at, &item)) > 0) {
		if (item.kind == RECORD_LANE)
			replay->grant = item.grant;
		if (item.kind != RECORD_CALL)
			continue;
		r = run_again(replay, seq, &item);
		if (r != 0)
			return r;
	}
	return r < 0 ? fail(replay, r, seq, "its items make no sense") : 0;
}
