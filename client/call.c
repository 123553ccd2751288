/* call.c - calls: made, submitted, waited for, completed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/private.h"
#include "proto/failure.h"

uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

struct call *call_new(wat_capability *capability,
		      enum call_kind kind,
		      uint16_t method,
		      const void *request,
		      size_t n)
{
	struct call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	list_init(&call->link);
	call->capability = capability;
	call->kind = kind;
	call->method = method;
	call->n = n;
	call->request = malloc(n ? n : 1);
	if (!call->request) {
		free(call);
		return NULL;
	}
	if (n > 0)
		memcpy(call->request, request, n);
	call->deadline_ms = capability->owner->timeout_ms ? now_ms() + capability->owner->timeout_ms
							  : UINT64_MAX;
	return call;
}

struct call *call_free(struct call *call)
{
	if (!call)
		return NULL;
	list_remove(&call->link);
	free(call->request);
	free(call->reply);
	failure_free(call->failure);
	free(call);
	return NULL;
}

void call_complete(struct call *call,
		   int status,
		   const Wat__Envelope__Failure *failure,
		   const char *text)
{
	wat *w = call->capability->owner;

	list_remove(&call->link);
	call->done = true;
	call->status = status;
	if (status != 0)
		call->failure = failure ? failure_copy(failure)
					: failure_new("%s", text ? text : wat_status_text(status));
	if (call->callback)
		list_append(&w->completed, &call->link);
	(void)pthread_cond_broadcast(&w->changed);
}

void calls_fail(wat_capability *capability,
		int status,
		const Wat__Envelope__Failure *failure,
		const char *text)
{
	struct list *first;

	while ((first = list_first(&capability->calls)))
		call_complete(container_of(first, struct call, link), status, failure, text);
}

void call_submit(struct call *call)
{
	wat_capability *capability = call->capability;

	/* What was tried for earlier calls does not count against this one. */
	if (list_empty(&capability->calls) && capability->binding == UNBOUND) {
		capability->lost_ms = capability->retry_at_ms = capability->pause_ms = 0;
		if (!capability->owner->connected)
			capability->owner->lost_ms = capability->owner->retry_at_ms = 0;
	}
	list_append(&capability->calls, &call->link);
	if (capability->binding == BOUND)
		capability_send_calls(capability);
	else
		drive(capability->owner);
	loop_wake(capability->owner);
}

int call_run(struct call *call)
{
	wat *w = call->capability->owner;

	(void)pthread_mutex_lock(&w->lock);
	call_submit(call);
	while (!call->done) {
		if (w->polling) {
			(void)pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		w->polling = true;
		if (loop_step(w, -1) < 0)
			call_complete(call, WAT_RESOURCE_EXHAUSTED, NULL,
				      "no memory to wait for the answer");
		w->polling = false;
		(void)pthread_cond_broadcast(&w->changed);
		loop_deliver(w);
	}
	(void)pthread_mutex_unlock(&w->lock);
	if (call->status != 0)
		return failure_set(call->status, call->failure, "%s",
				   call->failure && *call->failure->text
					   ? call->failure->text
					   : wat_status_text(call->status));
	return 0;
}
