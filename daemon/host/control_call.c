/* control_call.c - calls of wat.host.Host, by dispatch. Main thread. */
#include "daemon/host/control_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/host.service.h>

#include "daemon/base/log.h"
#include "daemon/host/control.h"
#include "daemon/host/instance.h"
#include "daemon/host/label.h"
#include "proto/carried.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

static struct control_call *control_call_new(struct control *control, uint64_t id, int fd)
{
	static const struct dispatch_ops ops = {0};
	struct control_call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	arena_init(&call->arena, WAT_CALL_MEMORY_MAX);
	dispatch_call_init(&call->base, &ops, &call->arena, id);
	call->control = control;
	request_init(&call->request, REQUEST_START, NULL, fd);
	list_append(&control->calls, &call->link);
	return call;
}

static struct control_call *control_call_free(struct control_call *call)
{
	list_remove(&call->link);
	request_deinit(&call->request);
	arena_deinit(&call->arena);
	free(call);
	return NULL;
}

/* Takes the descriptor. */
static void send_message(struct control_call *call,
			 struct frame *frame,
			 const ProtobufCMessage *message,
			 int fd)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	_cleanup_(freep) uint8_t *body = malloc(n ? n : 1);

	frame->id = call->base.base.id;
	if (body)
		protobuf_c_message_pack(message, body);
	else
		n = 0;
	control_send(call->control, frame, body, n, fd);
}

/* The text is the dispatch's where the request never got to an instance. */
static void send_fail(struct control_call *call, wat_status status)
{
	struct frame frame = {.type = FRAME_FAIL, .budget = (uint32_t)status};
	Wat__Envelope__Failure plain = WAT__ENVELOPE__FAILURE__INIT;

	plain.text = call->base.text;
	send_message(call, &frame,
		     call->request.failure ? &call->request.failure->base : &plain.base, -1);
}

/* The lives of a recovered journal, into memory of the call. */
static void put_lives(struct control_call *call, Wat__Host__StartReply *reply)
{
	struct arena *arena = &call->arena;
	size_t n = 0;

	list_for_each (i, &call->request.lives)
		n++;
	reply->lives = arena_alloc(arena, n * sizeof *reply->lives);
	list_for_each (i, &call->request.lives) {
		struct recovered_life *life = container_of(i, struct recovered_life, link);
		Wat__Host__Life *message = arena_alloc(arena, sizeof *message);

		if (!reply->lives || !message)
			return;
		wat__host__life__init(message);
		message->grant_id = (ProtobufCBinaryData){sizeof life->grant_id, life->grant_id};
		message->ended = life->lifecycle == DISPATCH_DEPROVISION;
		message->user = life->user;
		reply->lives[reply->n_lives++] = message;
	}
}

static void send_reply(struct control_call *call)
{
	struct frame frame = {.type = FRAME_REPLY};
	Wat__Host__Carried carried = WAT__HOST__CARRIED__INIT;
	Wat__Host__StartReply started = WAT__HOST__START_REPLY__INIT;
	Wat__Host__DrainReply drained = WAT__HOST__DRAIN_REPLY__INIT;
	Wat__Host__UserReply user = WAT__HOST__USER_REPLY__INIT;
	Wat__Host__SegmentReply segment = WAT__HOST__SEGMENT_REPLY__INIT;
	Wat__Host__SnapshotReply taken = WAT__HOST__SNAPSHOT_REPLY__INIT;
	Wat__Empty empty = WAT__EMPTY__INIT;
	const ProtobufCMessage *const messages[] = {
		[REQUEST_START] = &started.base,    [REQUEST_ATTACH] = &empty.base,
		[REQUEST_DETACH] = &empty.base,     [REQUEST_DRAIN] = &drained.base,
		[REQUEST_FINISH] = &empty.base,     [REQUEST_PROVISION] = &user.base,
		[REQUEST_DEPROVISION] = &user.base, [REQUEST_SEGMENT] = &segment.base,
		[REQUEST_SNAPSHOT] = &taken.base,
	};
	int fd = -1;

	if (call->request.snapshot) {
		if (carried_put(call->request.snapshot, &carried, &fd) < 0) {
			dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED,
					     "no memory for the snapshot");
			send_fail(call, WAT_RESOURCE_EXHAUSTED);
			return;
		}
		started.snapshot = drained.snapshot = user.snapshot = segment.before = &carried;
		taken.snapshot = &carried;
	}
	put_lives(call, &started);
	user.ran = call->request.ran;
	send_message(call, &frame, messages[call->request.kind], fd);
}

void control_call_run(struct control *control,
		      const struct frame *frame,
		      const uint8_t *body,
		      int fd)
{
	struct control_call *call = control_call_new(control, frame->id, fd);
	enum dispatch_outcome outcome = DISPATCH_FAILED;
	struct frame refused = {
		.type = FRAME_FAIL, .id = frame->id, .budget = WAT_RESOURCE_EXHAUSTED};

	if (!call) {
		fd_close(fd);
		control_send(control, &refused, NULL, 0, -1);
		return;
	}
	if (dispatch_decode(&call->base, host_service.interface, UINT64_MAX, frame->method, body,
			    frame->body_len) == WAT_OK)
		outcome = dispatch_invoke(&call->base, &host_service, NULL);
	/* Most are handed over to an instance. */
	if (outcome == DISPATCH_TAKEN)
		return;
	if (outcome == DISPATCH_REPLY)
		send_message(call, &(struct frame){.type = FRAME_REPLY}, call->base.reply, -1);
	else
		send_fail(call, call->base.status);
	control_call_free(call);
}

static void unserved(struct request *request)
{
	request->status = WAT_NOT_FOUND;
	request->failure = failure_new("the instance has ended");
}

/* The instance's thread is about to return: this is the one place where it is joined. */
static void join(struct control *control, struct instance *instance)
{
	struct list late = LIST_INIT(late);
	struct list *first;

	instance_free(instance, &late);
	label_pool(control);
	while ((first = list_first(&late))) {
		struct request *request = container_of(container_of(first, struct outgoing, link),
						       struct request, out);

		list_remove(first);
		unserved(request);
		control_call_served(control, request);
	}
}

void control_call_served(struct control *control, struct request *request)
{
	struct control_call *call = container_of(request, struct control_call, request);

	if (request->over)
		join(control, call->instance);
	if (request->status == WAT_OK)
		send_reply(call);
	else
		send_fail(call, request->status);
	if (request->over && request->kind == REQUEST_FINISH && control->single)
		control->ending = true;
	control_call_free(call);
}
