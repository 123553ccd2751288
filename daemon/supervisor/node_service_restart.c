/* node_service_restart.c - Restart, ResetFailed and Release of wat.node.Node. Loop thread. */
#include <wat/node.service.h>

#include "daemon/supervisor/isolation.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"

wat_status node_on_restart(struct node_restart_call *c,
			   wat_empty *state,
			   const node_restart_request *in)
{
	struct instance *instance = NULL;
	struct operation *operation;
	wat_status status = WAT_OK;

	(void)state;
	operation =
		operation_begin(&c->base, ANSWER_OF_NODE(NODE_RESTART), &in->request_id, &status);
	if (!operation)
		return status;
	status = node_find_instance(&c->base, in->name, &instance);
	if (status != WAT_OK) {
		operation_forget(operation);
		return status;
	}
	operation->instance = instance;
	lifecycle_restart_when_settled(operation);
	return WAT_OK;
}

static void reset(struct operation *operation, struct instance *instance)
{
	const struct audit forgotten = {.kind = AUDIT_RESET_FAILED,
					.origin = &operation->origin,
					.instance = instance,
					.detail = instance_state_name(instance->state)};

	audit_record(operation->node, &forgotten);
	instance->restarts = (struct restart_history){0};
	groups_forget(instance);
	if (instance->state == INSTANCE_FAILED) {
		lifecycle_revive(operation, instance);
		return;
	}
	if (instance->state == INSTANCE_BACKOFF)
		lifecycle_skip_pause(instance);
	operation->instance = instance;
	lifecycle_answer_as_it_is(operation);
}

static wat_status check_reset(struct wat_call *call, const struct instance *instance)
{
	if (instance->node->suspending)
		return call->api->fail(call, WAT_UNAVAILABLE, "watd is going down; try again");
	if (instance_is_over(instance))
		return call->api->fail(call, WAT_STOPPED,
				       "\"%s\" was stopped (watctl start begins it anew)",
				       instance->name);
	if (instance->state == INSTANCE_QUARANTINED)
		return call->api->fail(call, WAT_FAILED_PRECONDITION,
				       "\"%s\" is quarantined; watctl start says that it shall "
				       "go on",
				       instance->name);
	if (instance->state == INSTANCE_FAILED && !instance->committed)
		return call->api->fail(call, WAT_DATA_LOSS,
				       "\"%s\" has no committed state that can be read",
				       instance->name);
	return WAT_OK;
}

wat_status node_on_reset_failed(struct node_reset_failed_call *c,
				wat_empty *state,
				const node_restart_request *in)
{
	struct instance *instance = NULL;
	struct operation *operation;
	wat_status status = WAT_OK;

	(void)state;
	operation = operation_begin(&c->base, ANSWER_OF_NODE(NODE_RESET_FAILED), &in->request_id,
				    &status);
	if (!operation)
		return status;
	status = node_find_instance(&c->base, in->name, &instance);
	if (status == WAT_OK)
		status = check_reset(&c->base, instance);
	if (status != WAT_OK)
		operation_forget(operation);
	else
		reset(operation, instance);
	return status;
}

wat_status node_on_release(struct node_release_call *c,
			   wat_empty *state,
			   const node_restart_request *in)
{
	struct instance *instance = NULL;
	struct operation *operation;
	wat_status status = WAT_OK;

	(void)state;
	operation =
		operation_begin(&c->base, ANSWER_OF_NODE(NODE_RELEASE), &in->request_id, &status);
	if (!operation)
		return status;
	status = node_find_instance(&c->base, in->name, &instance);
	if (status == WAT_OK)
		status = isolation_check_release(&c->base, instance);
	if (status != WAT_OK) {
		operation_forget(operation);
		return status;
	}
	operation->instance = instance;
	isolation_release(operation);
	return WAT_OK;
}
