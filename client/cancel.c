/* cancel.c - calls that are not waited for any more: taken back by the caller, or out of time. */
#include <string.h>

#include "client/private.h"

void unwanted_add(const struct call *call)
{
	wat_capability *capability = call->capability;

	if (!call->later || !call->numbered || (!call->sent && !call->maybe_ran) ||
	    capability->n_unwanted == UNWANTED_MAX)
		return;
	capability->unwanted[capability->n_unwanted++] =
		(struct unwanted){call->id, capability->next_id};
}

void unwanted_answered(wat_capability *capability, uint64_t id)
{
	size_t n = 0;

	while (n < capability->n_unwanted && capability->unwanted[n].then <= id)
		n++;
	if (n == 0)
		return;
	capability->n_unwanted -= n;
	memmove(capability->unwanted, capability->unwanted + n,
		capability->n_unwanted * sizeof *capability->unwanted);
}

void unwanted_send(wat_capability *capability)
{
	/* Without memory the next channel is told. */
	for (size_t i = 0; i < capability->n_unwanted; i++) {
		struct frame frame = {.type = FRAME_CANCEL, .id = capability->unwanted[i].id};

		if (stream_queue(&capability->channel, &frame, NULL, 0, -1) < 0)
			break;
	}
}

void call_take_back(struct call *call)
{
	wat_capability *capability = call->capability;
	bool control = call_on_control(call);
	struct stream *stream = control ? &capability->owner->control : channel_stream(capability);
	struct frame frame = {.type = FRAME_CANCEL, .id = call->id};

	unwanted_add(call);
	if (!call->sent || call->kind == CALL_OPEN)
		return;
	if (!control)
		frame.handle = channel_handle_of(capability);
	else if (call->kind == CALL_METHOD)
		frame.handle = capability->handle;
	/* Without memory the answer comes, and is dropped. */
	if (stream_queue(stream, &frame, NULL, 0, -1) < 0)
		return;
	if (control)
		connection_write(capability->owner);
	else
		channel_write(capability);
}

void calls_expire(wat *w)
{
	uint64_t now = now_ms();

	list_for_each (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		list_for_each_safe (j, &capability->calls) {
			struct call *call = container_of(j, struct call, link);

			if (call->deadline_ms > now)
				continue;
			call_take_back(call);
			call_complete(call, WAT_DEADLINE_EXCEEDED, NULL,
				      "no answer came within the time of the call");
		}
	}
}

static size_t cancel_of(wat_capability *capability, const void *key)
{
	size_t n = 0;

	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (!call->callback || call->key != key)
			continue;
		call_take_back(call);
		call_complete(call, WAT_CANCELLED, NULL, "the caller took the call back");
		n++;
	}
	return n;
}

size_t wat_cancel(wat *w, const void *arg)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&w->lock);
	list_for_each (i, &w->capabilities) {
		n += cancel_of(container_of(i, wat_capability, link), arg);
	}
	if (n > 0)
		loop_wake(w);
	(void)pthread_mutex_unlock(&w->lock);
	return n;
}
