/* call.c - calls: made, submitted, waited for, completed. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/failure.h"
#include "proto/support/bytes.h"
#include "proto/support/cleanup.h"

/* What is farther away is measured by the coarse clock, a quarter of the price, which is behind by
 * up to a tick of the kernel. */
#define NEAR_MS 1000u
#define TICK_MS 10u

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

uint64_t now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* Not before now. */
static uint64_t coarse_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC_COARSE) + TICK_MS;
}

/* Compared before it is added: the caller's number may be anything. */
uint64_t deadline_after(uint64_t timeout_ms)
{
	uint64_t now = timeout_ms > NEAR_MS ? coarse_ms() : now_ms();

	return timeout_ms == 0 || timeout_ms > UINT64_MAX - now ? UINT64_MAX : now + timeout_ms;
}

uint32_t call_budget(const struct call *call)
{
	uint64_t now;

	if (call->deadline_ms == UINT64_MAX)
		return 0;
	if (call->fresh_ms > 0)
		return call->fresh_ms;
	now = coarse_ms();
	if (call->deadline_ms < now + NEAR_MS)
		now = now_ms();
	if (call->deadline_ms <= now)
		return 1;
	return call->deadline_ms - now > UINT32_MAX ? UINT32_MAX
						    : (uint32_t)(call->deadline_ms - now);
}

void call_limit(struct call *call, uint64_t timeout_ms)
{
	call->deadline_ms = deadline_after(timeout_ms);
	call->fresh_ms = timeout_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)timeout_ms;
}

static struct call *call_init(struct call *call,
			      size_t room,
			      wat_capability *capability,
			      enum call_kind kind,
			      uint16_t method,
			      size_t n)
{
	memset(call, 0, offsetof(struct call, n));
	list_init(&call->link);
	call->capability = capability;
	call->kind = kind;
	call->method = method;
	call->n = n;
	call->reply_len = 0;
	call->room = room;
	call_limit(call, capability->owner->timeout_ms);
	return call;
}

struct call *call_new(wat_capability *capability, enum call_kind kind, uint16_t method, size_t n)
{
	size_t room = n > CALL_ROOM ? n : CALL_ROOM;
	struct call *call = malloc(sizeof *call + room);

	return call ? call_init(call, room, capability, kind, method, n) : NULL;
}

struct call *call_new_locked(wat_capability *capability,
			     enum call_kind kind,
			     uint16_t method,
			     size_t n)
{
	wat *w = capability->owner;

	if (!w->spare || n > CALL_ROOM)
		return call_new(capability, kind, method, n);
	return call_init(TAKE(w->spare), CALL_ROOM, capability, kind, method, n);
}

static void call_deinit(struct call *call)
{
	list_remove(&call->link);
	if (call->reply != call->data)
		free(call->reply);
	call->reply = NULL;
	if (call->failure)
		call->failure = failure_free(call->failure);
}

struct call *call_free(struct call *call)
{
	if (!call)
		return NULL;
	call_deinit(call);
	free(call);
	return NULL;
}

/* Its capability may have gone. */
struct call *call_free_locked(wat *w, struct call *call)
{
	if (w->spare || call->room != CALL_ROOM)
		return call_free(call);
	call_deinit(call);
	w->spare = call;
	return NULL;
}

/* Takes the failure. */
static void finish(struct call *call, int status, Wat__Envelope__Failure *failure)
{
	wat *w = call->capability->owner;

	list_remove(&call->link);
	call->done = true;
	call->status = status;
	call->failure = failure;
	if (call->callback) {
		call->completed = w->n_completed++;
		list_append(&w->completed, &call->link);
	}
	changed_tell(w);
}

void call_complete(struct call *call,
		   int status,
		   const Wat__Envelope__Failure *failure,
		   const char *text)
{
	if (status == 0)
		finish(call, 0, NULL);
	else if (failure)
		finish(call, status, failure_copy(failure));
	else
		finish(call, status, failure_new("%s", text ? text : wat_status_text(status)));
}

void call_refuse(struct call *call, int status, const Wat__Envelope__Failure *failure)
{
	Wat__Envelope__Failure *copy;
	char *text = NULL;

	if (!call->maybe_ran) {
		call_complete(call, status, failure, NULL);
		return;
	}
	/* These mean that it was not executed. */
	if (status < 0 || status == WAT_UNAVAILABLE || status == WAT_OVERLOADED)
		status = WAT_DISCONNECTED;
	copy = failure ? failure_copy(failure) : failure_new("%s", "");
	if (copy && asprintf(&text, "%s; this call may have run",
			     *copy->text ? copy->text : wat_status_text(status)) >= 0) {
		if (copy->text != protobuf_c_empty_string)
			free(copy->text);
		copy->text = text;
	}
	finish(call, status, copy);
}

void call_lose(struct call *call, const char *why)
{
	unwanted_add(call);
	if (call->maybe_ran)
		finish(call, WAT_DISCONNECTED, failure_new("%s; the call may have run", why));
	else
		finish(call, WAT_UNAVAILABLE, failure_new("%s; the call was not made", why));
}

void calls_lose(wat_capability *capability, const char *why)
{
	struct list *first;

	while ((first = list_first(&capability->calls)))
		call_lose(container_of(first, struct call, link), why);
}

void calls_refuse(wat_capability *capability, int status, const Wat__Envelope__Failure *failure)
{
	struct list *first;

	while ((first = list_first(&capability->calls)))
		call_refuse(container_of(first, struct call, link), status, failure);
}

/* Where the request was, if there is room: it is not sent again. */
void call_reply(struct call *call, const uint8_t *body, size_t n)
{
	call->reply = n <= call->room ? call->data : malloc(n);
	if (!call->reply) {
		call_complete(call, WAT_RESOURCE_EXHAUSTED, NULL,
			      "done, but there is no memory for the reply");
		return;
	}
	bytes_copy(call->reply, body, n);
	call->reply_len = n;
	call_complete(call, 0, NULL, NULL);
}

int call_status(uint32_t sent)
{
	if (sent == 0)
		return WAT_INTERNAL;
	return sent > INT_MAX ? WAT_UNKNOWN : (int)sent;
}

void call_fail(struct call *call, uint32_t status, const uint8_t *body, size_t n)
{
	ProtobufCMessage *failure = NULL;

	if (check_unpack(&wat__envelope__failure__descriptor, NULL, body, n, &failure, NULL) < 0)
		failure = NULL;
	call_complete(call, call_status(status), (const Wat__Envelope__Failure *)failure, NULL);
	if (failure)
		protobuf_c_message_free_unpacked(failure, NULL);
}

void call_submit(struct call *call)
{
	wat_capability *capability = call->capability;
	wat *w = capability->owner;
	uint64_t n_completed = w->n_completed;

	/* What was tried for earlier calls does not count against this one. */
	if (list_empty(&capability->calls) && capability->binding == UNBOUND) {
		capability->lost_ms = capability->retry_at_ms = capability->pause_ms = 0;
		if (!w->connected)
			w->lost_ms = w->retry_at_ms = 0;
	}
	call->submitted = w->n_submitted++;
	list_append(&capability->calls, &call->link);
	loop_due(w, call->deadline_ms);
	if (capability->binding == BOUND)
		call_send(call);
	else
		drive(w);
	call->fresh_ms = 0;
	/* It may have ended at once; whoever ended others delivers them. */
	if (w->n_completed != n_completed || capability->leaving)
		loop_wake(w);
}

int call_run(struct call *call)
{
	wat *w = call->capability->owner;

	(void)pthread_mutex_lock(&w->lock);
	call_submit(call);
	while (!call->done)
		if (loop_wait(w) < 0 && !call->done)
			call_lose(call, "no memory to wait for the answer");
	deliver(w);
	(void)pthread_mutex_unlock(&w->lock);
	if (call->status != 0)
		return failure_set(call->status, call->failure, "%s",
				   call->failure && *call->failure->text
					   ? call->failure->text
					   : wat_status_text(call->status));
	return 0;
}
