/* observe.c - a watch over an instance: a call of its Admin that is answered when something
 * happened, and sent again with the place where that ended. A watch is its open call's; it runs in
 * callbacks, without wat->lock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/admin.pb-c.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

/* Number in admin.proto. */
#define ADMIN_WATCH 5

struct observer {
	wat_capability *admin;
	struct wat_watch watch;
	uint64_t after_seq;
};

static void end(struct observer *observer, int status, const struct wat_failure *failure)
{
	struct wat_watch watch = observer->watch;

	free(observer);
	if (watch.ended)
		watch.ended(watch.arg, status, failure);
}

static void on_answer(void *arg,
		      int status,
		      const uint8_t *reply,
		      size_t n,
		      const struct wat_failure *failure);

static int ask(struct observer *observer)
{
	Wat__Admin__WatchRequest request = WAT__ADMIN__WATCH_REQUEST__INIT;
	struct call *call;
	int r;

	request.after_seq = observer->after_seq;
	request.wait = true;
	request.limit = 100;
	r = method_call(observer->admin, ADMIN_WATCH, WAT_METHOD_READ_ONLY, 0,
			protobuf_c_message_get_packed_size(&request.base), call_new, &call);
	if (r != 0)
		return r;
	protobuf_c_message_pack(&request.base, call->data);
	(void)pthread_mutex_lock(&observer->admin->owner->lock);
	method_send(call, on_answer, observer, observer->watch.arg);
	(void)pthread_mutex_unlock(&observer->admin->owner->lock);
	return 0;
}

static int tell(const struct observer *observer, const Wat__Envelope__Event *from)
{
	const struct wat_event event = {
		.size = sizeof event,
		.count = from->count,
		.seq = from->seq,
		.time_ms = from->time_ms,
		.generation = from->generation,
		.invocation = from->invocation,
		.kind = from->kind,
		.user = from->user,
		.detail = from->detail,
		.address = from->address,
		.status = (int)from->status,
	};

	return observer->watch.event(observer->watch.arg, &event);
}

static int tell_all(struct observer *observer, const Wat__Envelope__EventList *list)
{
	int r = 0;

	if (list->oldest_seq > observer->after_seq + 1 && observer->watch.lost)
		observer->watch.lost(observer->watch.arg, observer->after_seq, list->oldest_seq);
	for (size_t i = 0; r == 0 && i < list->n_events; i++)
		r = tell(observer, list->events[i]);
	observer->after_seq = list->next_seq;
	return r;
}

static void go_on(struct observer *observer)
{
	int r = ask(observer);

	if (r != 0)
		end(observer, r, wat_failure());
}

static void on_answer(void *arg,
		      int status,
		      const uint8_t *reply,
		      size_t n,
		      const struct wat_failure *failure)
{
	struct observer *observer = arg;
	ProtobufCMessage *message;
	int r;

	/* Nothing happened while the call had time. */
	if (status == WAT_DEADLINE_EXCEEDED) {
		go_on(observer);
		return;
	}
	if (status != 0) {
		end(observer, status, failure);
		return;
	}
	r = check_unpack(&wat__envelope__event_list__descriptor, NULL, reply, n, &message, NULL);
	if (r < 0) {
		(void)failure_set(WAT_INTERNAL, NULL, "watd's answer can't be read");
		end(observer, WAT_INTERNAL, wat_failure());
		return;
	}
	r = tell_all(observer, (const Wat__Envelope__EventList *)message);
	protobuf_c_message_free_unpacked(message, NULL);
	if (r == 0) {
		go_on(observer);
		return;
	}
	(void)failure_set(WAT_CANCELLED, NULL, "the watch was told that it is enough");
	end(observer, WAT_CANCELLED, wat_failure());
}

/* The place of what has happened so far: the number of the last one. */
static int find_place(struct observer *observer)
{
	Wat__Admin__WatchRequest request = WAT__ADMIN__WATCH_REQUEST__INIT;
	ProtobufCMessage *reply;
	int r;

	request.newest = 1;
	request.limit = 1;
	r = call_message(observer->admin, ADMIN_WATCH, &request.base,
			 &wat__envelope__event_list__descriptor, &reply);
	if (r != 0)
		return r;
	observer->after_seq = ((const Wat__Envelope__EventList *)reply)->next_seq;
	protobuf_c_message_free_unpacked(reply, NULL);
	return 0;
}

int wat_watch_raw(wat_capability *admin, const struct wat_watch *given)
{
	struct observer *observer = calloc(1, sizeof *observer);
	int r = 0;

	if (!observer)
		return failure_set_errno(-ENOMEM, "a watch");
	observer->admin = admin;
	memcpy(&observer->watch, given,
	       given->size < sizeof observer->watch ? given->size : sizeof observer->watch);
	observer->after_seq = observer->watch.after_seq;
	if (observer->after_seq == 0)
		r = find_place(observer);
	if (r == 0)
		r = ask(observer);
	if (r != 0)
		free(observer);
	return r;
}
