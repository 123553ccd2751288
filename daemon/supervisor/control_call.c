/* control_call.c - calls on a control connection, by dispatch. Loop thread. */
#include "daemon/supervisor/control_call.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <wat/admin.service.h>
#include <wat/node.service.h>
#include <wat/session.service.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/parked_call.h"
#include "proto/failure.h"
#include "proto/token.h"

struct control_call *control_call_free(struct control_call *call)
{
	if (call->session)
		call->session->n_calls--;
	list_remove(&call->of_session);
	list_remove(&call->of_operation);
	failure_free(call->failure);
	arena_deinit(&call->arena);
	free(call);
	return NULL;
}

void control_calls_orphan(struct session *session)
{
	struct list *first;

	while ((first = list_first(&session->calls))) {
		struct control_call *call = container_of(first, struct control_call, of_session);

		list_remove(first);
		call->session = NULL;
		session->n_calls--;
		if (call->parked)
			call->parked->gone(call->parked);
	}
}

void control_call_cancel(struct session *session, uint64_t id)
{
	list_for_each (i, &session->calls) {
		struct control_call *call = container_of(i, struct control_call, of_session);

		if (call->id != id || !call->parked)
			continue;
		call->parked->gone(call->parked);
		return;
	}
}

/* A client takes no frame that is larger, and would end its connection for it. */
static void check_size(struct control_call *call)
{
	size_t n;

	if (call->base.status != WAT_OK || !call->base.reply)
		return;
	n = protobuf_c_message_get_packed_size(call->base.reply);
	if (n > WAT_CONTROL_BODY_MAX)
		dispatch_set_failure(
			&call->base, WAT_RESOURCE_EXHAUSTED,
			"the reply has %zu bytes, a frame can have %u; ask for less at "
			"a time (limit)",
			n, WAT_CONTROL_BODY_MAX);
}

static void send_answer(struct control_call *call)
{
	struct frame reply = {.type = FRAME_REPLY, .id = call->id, .handle = call->handle};

	if (!call->session)
		return;
	check_size(call);
	if (call->base.status == WAT_OK)
		session_send(call->session, &reply, call->base.reply, -1);
	else
		session_send_fail(call->session, call->id, call->handle, call->base.status,
				  call->base.text, call->failure);
}

static void answer_taken(struct dispatch_call *base)
{
	struct control_call *call = (struct control_call *)(void *)base;

	send_answer(call);
	control_call_free(call);
}

/* Out of a handler that asked for more memory than a call may have. Those that ask for any only
 * read, so nothing is left half done. */
static jmp_buf out_of_handler;

static void __attribute__((noreturn)) leave(struct dispatch_call *base)
{
	(void)base;
	_longjmp(out_of_handler, 1);
}

static const struct dispatch_ops ops = {.answer_taken = answer_taken, .leave = leave};

/* False: it was taken, and is answered later. */
static bool run_handler(struct control_call *call, const struct wat_service *service)
{
	if (_setjmp(out_of_handler) == 0)
		return dispatch_invoke(&call->base, service, NULL) != DISPATCH_TAKEN;
	return true;
}

static const struct wat_service *service_of(const struct control_call *call)
{
	if (call->handle == 0)
		return &session_service;
	return call->binding.role == TOKEN_NODE ? &node_service : &admin_service;
}

static struct control_call *control_call_new(struct session *session, const struct frame *frame)
{
	struct control_call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	arena_init(&call->arena, WAT_CALL_MEMORY_MAX);
	dispatch_call_init(&call->base, &ops, &call->arena, frame->id);
	list_append(&session->calls, &call->of_session);
	list_init(&call->of_operation);
	call->node = session->node;
	call->session = session;
	call->id = frame->id;
	call->handle = frame->handle;
	call->budget_ms = frame->budget;
	call->origin = session_origin(session);
	session->n_calls++;
	return call;
}

/* Something was asked for with a capability that is none, or the wrong one. */
static void deny(struct session *session, const struct frame *frame, const char *text)
{
	struct origin origin = session_origin(session);

	session_deny(session, &origin, session_binding(session, frame->handle), WAT_ACCESS_DENIED,
		     text);
	session_send_fail(session, frame->id, frame->handle, WAT_ACCESS_DENIED, text, NULL);
}

/* An attenuated Admin. A method that there is not is for dispatch to say. */
static bool is_outside_mask(const struct binding *binding, uint16_t method)
{
	return binding->role == TOKEN_ADMIN && method < admin_service.interface->n_methods &&
	       !(binding->method_mask >> method & 1);
}

static bool may_call(struct session *session, const struct frame *frame)
{
	const struct binding *binding = session_binding(session, frame->handle);

	if (session->n_calls >= session->node->options->limits.calls)
		session_send_fail(session, frame->id, frame->handle, WAT_OVERLOADED,
				  "too many calls of this connection are open", NULL);
	else if (frame->handle != 0 && !binding)
		deny(session, frame, "no capability is bound under this handle");
	else if (binding && binding->role == TOKEN_USER)
		deny(session, frame,
		     "a User calls its service on its channel; managing needs the Admin");
	else if (binding && node_time(session->node) >= binding->not_after)
		deny(session, frame, "the token has expired; ask for a new one (watctl admin)");
	else if (binding && binding->role == TOKEN_ADMIN &&
		 !keyring_find(session->node->keyring, binding->kid, node_time(session->node)))
		deny(session, frame,
		     "the key that signed the token is good no more; ask for a new "
		     "one (watctl admin)");
	else if (binding && is_outside_mask(binding, frame->method))
		deny(session, frame, "this Admin's token does not cover the method");
	else
		return true;
	return false;
}

void control_call_run(struct session *session, const struct frame *frame, const uint8_t *body)
{
	const struct wat_service *service;
	struct control_call *call;

	if (!session_take_id(session, frame->id) || !may_call(session, frame))
		return;
	call = control_call_new(session, frame);
	if (!call) {
		session_send_fail(session, frame->id, frame->handle, WAT_OVERLOADED, "no memory",
				  NULL);
		return;
	}
	if (frame->handle != 0)
		call->binding = *session_binding(session, frame->handle);
	service = service_of(call);
	if (dispatch_decode(&call->base, service->interface, UINT64_MAX, frame->method, body,
			    frame->body_len) == WAT_OK &&
	    !run_handler(call, service))
		return;
	send_answer(call);
	control_call_free(call);
}

struct instance *control_call_instance(struct control_call *call, wat_status *ret_status)
{
	struct node *node = call->node;
	struct grant *grant = grant_table_find(node->grants, call->binding.grant_id);
	struct instance *instance =
		instance_table_by_id(&node->instances, call->binding.instance_id);

	if (instance_table_is_ended(&node->instances, call->binding.instance_id)) {
		dispatch_set_failure(&call->base, WAT_STALE,
				     "this Admin belongs to an earlier incarnation");
	} else if (!instance) {
		dispatch_set_failure(&call->base, WAT_NOT_FOUND,
				     "there is no such instance any more");
	} else if (!grant || grant->row.state != 2) {
		dispatch_set_failure(&call->base, WAT_ACCESS_DENIED,
				     "this capability was taken back");
	} else {
		return instance;
	}
	*ret_status = call->base.status;
	session_deny(call->session, &call->origin, &call->binding, call->base.status,
		     call->base.text);
	return NULL;
}
