/* call_lifecycle.c - handlers that run for no request: Start, Stop, Provision, Deprovision,
 * Disconnect. Instance's thread. */
#include "daemon/host/call_answer.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/instance.h"
#include "daemon/host/service_loop.h"
#include "proto/attribution.h"

static wat_status invoke(struct call *call,
			 enum dispatch_lifecycle which,
			 const struct wat_user *user)
{
	const struct wat_service *service = call->loop->instance->service;
	volatile wat_status status = WAT_OK;

	call_mark(call, ATTRIBUTION_LIFECYCLE + (uint32_t)which);
	if (_setjmp(call->loop->leave) == 0)
		status = dispatch_lifecycle(&call->base, service, which,
					    service_loop_live(call->loop), user);
	call_unmark(call);
	if (call->loop->left)
		return call->base.status;
	if (status != WAT_OK) {
		call_mend_status(call);
		status = call->base.status;
	}
	return status;
}

wat_status call_run_lifecycle(struct service_loop *loop,
			      enum dispatch_lifecycle which,
			      const struct wat_user *user,
			      const char **ret_text,
			      bool *ret_panicked)
{
	struct call *call = &loop->call;
	wat_status status;

	if (!dispatch_has_lifecycle(loop->instance->service, which))
		return WAT_OK;
	call_prepare(call, &loop->arena, 0, NULL, user);
	call->lifecycle = dispatch_lifecycle_name(which);
	loop->left = false;
	if (call_has_state(call)) {
		status = invoke(call, which, user);
		call->base.status = status;
		(void)call_settle(call, status == WAT_OK ? DISPATCH_TAKEN : DISPATCH_FAILED);
	}
	status = call->base.status;
	arena_reset(&loop->arena);
	*ret_text = call->base.text;
	*ret_panicked = call_panicked(call);
	return status;
}
