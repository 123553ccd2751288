/* control_call.c - calls of wat.host.Host, by dispatch. Main thread. */
#include "daemon/host/control_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/host.service.h>

#include "daemon/base/log.h"
#include "daemon/host/control.h"
#include "daemon/host/instance.h"
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
	call->request.fd = fd;
	list_append(&control->calls, &call->link);
	return call;
}

static struct control_call *control_call_free(struct control_call *call)
{
	list_remove(&call->link);
	fd_close(call->request.fd);
	failure_free(call->request.failure);
	free(call->request.state);
	arena_deinit(&call->arena);
	free(call);
	return NULL;
}

static void send_message(struct control_call *call,
			 struct frame *frame,
			 const ProtobufCMessage *message)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	_cleanup_(freep) uint8_t *body = malloc(n ? n : 1);

	frame->id = call->base.base.id;
	if (body)
		protobuf_c_message_pack(message, body);
	else
		n = 0;
	control_send(call->control, frame, body, n);
}

/* The text is the dispatch's where the request never got to an instance. */
static void send_fail(struct control_call *call, wat_status status)
{
	struct frame frame = {.type = FRAME_FAIL, .budget = (uint32_t)status};
	Wat__Envelope__Failure plain = WAT__ENVELOPE__FAILURE__INIT;

	plain.text = call->base.text;
	send_message(call, &frame,
		     call->request.failure ? &call->request.failure->base : &plain.base);
}

static void send_reply(struct control_call *call)
{
	struct frame frame = {.type = FRAME_REPLY};
	Wat__Host__StartReply started = WAT__HOST__START_REPLY__INIT;
	Wat__Host__DrainReply drained = WAT__HOST__DRAIN_REPLY__INIT;
	Wat__Host__UserReply user = WAT__HOST__USER_REPLY__INIT;
	Wat__Empty empty = WAT__EMPTY__INIT;
	const ProtobufCMessage *const messages[] = {
		[REQUEST_START] = &started.base,    [REQUEST_ATTACH] = &empty.base,
		[REQUEST_DETACH] = &empty.base,     [REQUEST_DRAIN] = &drained.base,
		[REQUEST_FINISH] = &empty.base,     [REQUEST_PROVISION] = &user.base,
		[REQUEST_DEPROVISION] = &user.base,
	};

	started.state = drained.state = user.state =
		(ProtobufCBinaryData){call->request.n_state, call->request.state};
	user.ran = call->request.state != NULL;
	send_message(call, &frame, messages[call->request.kind]);
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
		control_send(control, &refused, NULL, 0);
		return;
	}
	if (dispatch_decode(&call->base, host_service.interface, UINT64_MAX, frame->method, body,
			    frame->body_len) == WAT_OK)
		outcome = dispatch_invoke(&call->base, &host_service, NULL);
	/* Handlers either fail or hand over to an instance. */
	if (outcome == DISPATCH_TAKEN)
		return;
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
