/* service_loop.c - the thread of an instance: what the control thread asks of it, and the
 * checkpoint. The same for both tiers; in a process of its own there is just one. */
#include "daemon/host/service_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/host/call_answer.h"
#include "daemon/host/call_self.h"
#include "daemon/host/channel.h"
#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_lifecycle.h"
#include "daemon/host/service_requests.h"
#include "daemon/host/snapshot.h"
#include "proto/carried.h"
#include "proto/support/cleanup.h"

#define EVENT_CHECKPOINT 0
#define EVENT_WANTS_SEGMENT 3
#define EVENT_PANICKED 4

/* A journal begins anew when it is this large, or many times the state, or this old. */
#ifdef WAT_DEBUG
#define SEGMENT_BYTES_MIN (64u * 1024u) /* so that tests see many */
#else
#define SEGMENT_BYTES_MIN (4u * 1024u * 1024u)
#endif
#ifdef WAT_DEBUG
#define SEGMENT_STATES 0u
#else
#define SEGMENT_STATES 32u
#endif
#define ASK_AGAIN_NS 10000000000u

static const struct timeval checkpoint_after = {.tv_sec = 1}, segment_after = {.tv_sec = 300};

/* Takes the descriptor; -1: none. */
static void post_event(struct service_loop *loop,
		       uint16_t method,
		       const ProtobufCMessage *message,
		       int fd)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	struct outgoing_event *event = malloc(sizeof *event + n);

	if (!event) {
		(void)fd_close(fd);
		log_error("no memory to tell watd", "instance", loop->instance->name);
		return;
	}
	event->out.is_event = true;
	event->method = method;
	event->fd = fd;
	event->n = n;
	protobuf_c_message_pack(message, event->body);
	queue_post(loop->instance->outbox, &event->out.link);
}

void service_loop_post_event(struct service_loop *loop,
			     uint16_t method,
			     const ProtobufCMessage *message)
{
	post_event(loop, method, message, -1);
}

void service_loop_tell_panic(struct service_loop *loop, const char *method, const char *text)
{
	Wat__Host__Panicked message = WAT__HOST__PANICKED__INIT;

	/* Of a live form it was told that it was built again, and why. */
	if (loop->instance->service->self || !loop->started)
		return;
	message.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, loop->instance->id};
	message.generation = loop->instance->generation;
	message.method = (char *)method;
	message.text = (char *)text;
	message.stack = loop->stack;
	message.n_stack = loop->n_stack;
	service_loop_post_event(loop, EVENT_PANICKED, &message.base);
}

void service_loop_changed(struct service_loop *loop)
{
	batch_changed(loop, loop->given.recording);
	if (loop->dirty || !loop->started || loop->journal.fd >= 0)
		return;
	loop->dirty = event_add(loop->checkpoint, &checkpoint_after) == 0;
}

void service_loop_settled(struct service_loop *loop)
{
	(void)event_del(loop->checkpoint);
	loop->dirty = false;
	loop->asked_ns = 0;
}

static void on_disconnected(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	grants_tell_disconnects(arg);
	(void)batch_commit(arg);
}

static void on_denied_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	denied_end_second(arg);
}

static void post_carried(struct service_loop *loop, Wat__Host__Snapshot *snapshot)
{
	Wat__Host__Checkpoint message = WAT__HOST__CHECKPOINT__INIT;
	Wat__Host__Carried carried = WAT__HOST__CARRIED__INIT;
	int fd = -1, r = carried_put(snapshot, &carried, &fd);

	if (r < 0) {
		log_error("a checkpoint was not made; the one before is kept", "instance",
			  loop->instance->name, "error", strerror(-r));
		service_loop_changed(loop);
		return;
	}
	message.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, loop->instance->id};
	message.generation = loop->instance->generation;
	message.snapshot = &carried;
	post_event(loop, EVENT_CHECKPOINT, &message.base, fd);
}

/* Without a journal, some time after a change. */
static void checkpoint(struct service_loop *loop)
{
	Wat__Host__Snapshot *snapshot;
	const char *text = "";

	if (call_save_self(loop, &text) != WAT_OK) {
		log_error("a checkpoint was not made; the one before is kept", "instance",
			  loop->instance->name, "why", text);
		service_loop_changed(loop);
		return;
	}
	snapshot = snapshot_new(loop);
	if (!snapshot) {
		service_loop_changed(loop);
		return;
	}
	post_carried(loop, snapshot);
	wat__host__snapshot__free_unpacked(snapshot, NULL);
}

static void ask_for_segment(struct service_loop *loop)
{
	Wat__Host__WantsSegment message = WAT__HOST__WANTS_SEGMENT__INIT;

	loop->asked_ns = clock_monotonic_ns();
	message.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, loop->instance->id};
	message.generation = loop->instance->generation;
	service_loop_post_event(loop, EVENT_WANTS_SEGMENT, &message.base);
}

static void on_checkpoint(evutil_socket_t fd, short what, void *arg)
{
	struct service_loop *loop = arg;

	(void)fd;
	(void)what;
	loop->dirty = false;
	if (loop->drained)
		return;
	grants_expire_lanes(loop, clock_unix_ms());
	(void)batch_commit(loop);
	if (loop->journal.fd < 0)
		checkpoint(loop);
	else
		ask_for_segment(loop);
}

/* A request that ends the instance is the last: nothing is posted after it. */
static void on_posted(evutil_socket_t fd, short what, void *arg)
{
	struct service_loop *loop = arg;
	struct list items = LIST_INIT(items);
	struct list *first;

	(void)fd;
	(void)what;
	queue_take(&loop->instance->inbox, &items);
	while ((first = list_first(&items))) {
		struct outgoing *out = container_of(first, struct outgoing, link);

		list_remove(first);
		service_loop_serve(loop, container_of(out, struct request, out));
	}
}

static int make_events(struct service_loop *loop)
{
	struct event_config *config = event_config_new();

	if (!config)
		return -ENOMEM;
	/* Only this thread uses it, and nobody gives a host an environment. */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!loop->base)
		return -ENOMEM;
	loop->posted = event_new(loop->base, loop->instance->inbox.eventfd, EV_READ | EV_PERSIST,
				 on_posted, loop);
	loop->checkpoint = evtimer_new(loop->base, on_checkpoint, loop);
	loop->disconnected = event_new(loop->base, -1, 0, on_disconnected, loop);
	loop->denied_over = evtimer_new(loop->base, on_denied_over, loop);
	if (!loop->posted || !loop->checkpoint || !loop->disconnected || !loop->denied_over ||
	    event_add(loop->posted, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void service_loop_end_lane(struct service_loop *loop, struct lane *lane)
{
	struct record_item item = {
		.kind = RECORD_LANE_END, .grant = lane->grant->id, .lane = lane->id};

	batch_note(loop, NULL, &item);
	(void)service_loop_free_lane(loop, lane);
}

struct lane *service_loop_free_lane(struct service_loop *loop, struct lane *lane)
{
	struct grant *grant = lane->grant;

	call_forget_lane(loop, lane);
	if (loop->batch.lane == lane)
		loop->batch.lane = NULL;
	(void)lane_free(lane);
	grant_release(grant);
	return NULL;
}

static void on_durable(evutil_socket_t fd, short what, void *arg)
{
	struct service_loop *loop = arg;
	eventfd_t count;

	(void)what;
	(void)eventfd_read(fd, &count);
	list_for_each_safe (i, &loop->channels)
		channel_durable(container_of(i, struct channel, link));
}

void service_loop_appended(struct service_loop *loop)
{
	const struct journal *journal = &loop->journal;
	uint64_t limit = SEGMENT_STATES * (uint64_t)loop->batch.committed.n;

	if (!loop->dirty)
		loop->dirty = event_add(loop->checkpoint, &segment_after) == 0;
	if (limit < SEGMENT_BYTES_MIN)
		limit = SEGMENT_BYTES_MIN;
	if (journal->offset < limit)
		return;
	if (loop->asked_ns == 0 || clock_monotonic_ns() - loop->asked_ns > ASK_AGAIN_NS)
		ask_for_segment(loop);
}

bool service_loop_begin_journal(struct service_loop *loop, struct request *request)
{
	const struct journal *journal = &loop->journal;

	batch_forget(loop);
	if (journal->fd < 0)
		return true;
	if (journal->running) {
		loop->durable = event_new(loop->base, journal->eventfd, EV_READ | EV_PERSIST,
					  on_durable, loop);
		if (!loop->durable || event_add(loop->durable, NULL) < 0) {
			request_fail(request, WAT_RESOURCE_EXHAUSTED, "no memory for the journal");
			return false;
		}
	}
	if (batch_set_committed(loop) == 0)
		return true;
	request_fail(request, WAT_RESOURCE_EXHAUSTED, "no memory for the state");
	return false;
}

static uint64_t real_now(void *arg)
{
	(void)arg;
	return clock_unix_ns();
}

static void real_random(void *arg, void *buffer, size_t n)
{
	(void)arg;
	randombytes_buf(buffer, n);
}

int service_loop_new(struct instance *instance, struct service_loop **ret_loop)
{
	struct service_loop *loop = calloc(1, sizeof *loop);
	int r;

	if (!loop)
		return -ENOMEM;
	loop->instance = instance;
	loop->interface = instance->service->interface;
	loop->call.loop = loop->self_call.loop = loop;
	loop->source = (struct loop_source){.now_ns = real_now, .random = real_random};
	loop->checked_replies = call_checked_replies(instance->service->interface);
	arena_init(&loop->arena, WAT_CALL_MEMORY_MAX);
	arena_init(&loop->self_arena, WAT_CALL_MEMORY_MAX);
	batch_init(&loop->batch);
	journal_init(&loop->journal, instance->id, instance->generation, DURABILITY_NONE);
	record_key(instance->id, 0, 0, loop->hash_key);
	list_init(&loop->channels);
	list_init(&loop->grants);
	list_init(&loop->taken);
	list_init(&loop->answered);
	r = make_events(loop);
	if (r < 0) {
		service_loop_free(loop);
		return r;
	}
	*ret_loop = loop;
	return 0;
}

struct service_loop *service_loop_free(struct service_loop *loop)
{
	if (!loop)
		return NULL;
	call_drop_taken(loop);
	grants_drop(loop);
	batch_deinit(&loop->batch);
	bytes_deinit(&loop->given.entries);
	journal_deinit(&loop->journal);
	state_deinit(&loop->state);
	stream_spare_deinit(&loop->spare);
	arena_deinit(&loop->arena);
	arena_deinit(&loop->self_arena);
	if (loop->disconnected)
		event_free(loop->disconnected);
	if (loop->durable)
		event_free(loop->durable);
	if (loop->denied_over)
		event_free(loop->denied_over);
	if (loop->posted)
		event_free(loop->posted);
	if (loop->checkpoint)
		event_free(loop->checkpoint);
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
	return NULL;
}

void service_loop_run(struct service_loop *loop)
{
	struct request *last;

	(void)event_base_dispatch(loop->base);
	call_free_self(loop);
	/* Whoever gets it joins this thread, which touches nothing from here on. */
	last = TAKE(loop->last);
	if (last)
		queue_post(loop->instance->outbox, &last->out.link);
}
