/* deliver.c - callbacks: run without the lock, by whichever thread is inside libwat. */
#include "client/private.h"

/* A callback that runs; on the stack of its thread. */
struct delivery {
	struct list link; /* wat->deliveries */
	const wat_capability *capability;
	pthread_t thread;
};

static void run_callback(wat *w, struct call *call)
{
	struct delivery delivery = {.capability = call->capability, .thread = pthread_self()};

	list_remove(&call->link);
	list_append(&w->deliveries, &delivery.link);
	(void)pthread_mutex_unlock(&w->lock);
	call->callback(call->arg, call->status, call->reply, call->reply_len,
		       call->status == 0 ? NULL : failure_public(call->status, call->failure));
	(void)pthread_mutex_lock(&w->lock);
	list_remove(&delivery.link);
	call_free_locked(w, call);
	w->outstanding--;
	send_deferred_soon(w);
	changed_tell(w);
}

/* What a callback sends anew, and fails at once, waits for the next time. */
void deliver(wat *w)
{
	uint64_t end = w->n_completed;
	struct list *first;

	while ((first = list_first(&w->completed))) {
		struct call *call = container_of(first, struct call, link);

		if (call->completed >= end)
			break;
		run_callback(w, call);
	}
	send_deferred(w);
}

bool deliver_is_here(const wat *w)
{
	list_for_each (i, &w->deliveries) {
		if (pthread_equal(container_of(i, struct delivery, link)->thread, pthread_self()))
			return true;
	}
	return false;
}

static struct call *completed_of(const wat_capability *capability)
{
	list_for_each (i, &capability->owner->completed) {
		struct call *call = container_of(i, struct call, link);

		if (call->capability == capability)
			return call;
	}
	return NULL;
}

/* On another thread: a callback may free the handle that it was called for. */
static bool runs_elsewhere(const wat_capability *capability)
{
	list_for_each (i, &capability->owner->deliveries) {
		const struct delivery *delivery = container_of(i, struct delivery, link);

		if (delivery->capability == capability &&
		    !pthread_equal(delivery->thread, pthread_self()))
			return true;
	}
	return false;
}

void deliver_last(wat_capability *capability)
{
	wat *w = capability->owner;
	struct call *call;

	while ((call = completed_of(capability)))
		run_callback(w, call);
	send_deferred(w);
	while (runs_elsewhere(capability))
		changed_wait(w, NULL);
}
