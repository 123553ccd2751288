/* node_service_end.c - Kill and Remove of wat.node.Node. Loop thread. */
#include <stdio.h>
#include <wat/node.service.h>

#include "daemon/supervisor/host.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"

static void note_kill(struct node *node, const struct instance *instance, uint32_t others)
{
	char detail[96];
	const struct audit kill = {
		.kind = AUDIT_KILL,
		.origin = &instance->origin,
		.instance = instance,
		.detail = detail,
	};

	(void)snprintf(detail, sizeof detail, "it was %s, in process %d with %u other instances",
		       instance_state_name(instance->state), (int)instance->host->pid, others);
	audit_record(node, &kill);
}

wat_status node_on_kill(struct node_kill_call *c,
			wat_empty *state,
			const node_name_request *in,
			node_kill_reply *out)
{
	struct control_call *call = control_call_of(&c->base);
	struct instance *instance = NULL;
	wat_status status = node_find_instance(&c->base, in->name, &instance);

	(void)state;
	if (status != WAT_OK)
		return status;
	if (!instance->host)
		return wat_fail(c, WAT_FAILED_PRECONDITION, "\"%s\" is %s and has no process",
				instance->name, instance_state_name(instance->state));
	instance->condemned = true;
	instance->origin = call->origin;
	out->pid = (uint32_t)instance->host->pid;
	list_for_each (i, &instance->host->instances)
		out->others += container_of(i, struct instance, of_host) != instance;
	note_kill(call->node, instance, out->others);
	host_kill(instance->host);
	return WAT_OK;
}

/* One that runs is stopped first, if it may be. */
static wat_status check_remove(struct wat_call *call,
			       const node_remove_request *in,
			       const struct instance *instance)
{
	const char *name = instance->name;

	if (instance->state == INSTANCE_REMOVING)
		return call->api->fail(call, WAT_NOT_FOUND, "\"%s\" is being removed already",
				       name);
	if (instance->beginning)
		return call->api->fail(call, WAT_FAILED_PRECONDITION,
				       "\"%s\" is about to begin; wait for it (watctl wait %s), or "
				       "end it (watctl kill %s)",
				       name, name, name);
	if (in->force || instance->state == INSTANCE_STOPPED || instance_is_given_up(instance))
		return WAT_OK;
	return call->api->fail(call, WAT_FAILED_PRECONDITION,
			       "\"%s\" is %s; stop it first (watctl stop %s), or throw its state "
			       "away with it (watctl rm --force %s)",
			       name, instance_state_name(instance->state), name, name);
}

wat_status node_on_remove(struct node_remove_call *c,
			  wat_empty *state,
			  const node_remove_request *in)
{
	struct instance *instance = NULL;
	struct operation *operation;
	wat_status status = WAT_OK;

	(void)state;
	operation =
		operation_begin(&c->base, ANSWER_OF_NODE(NODE_REMOVE), &in->request_id, &status);
	if (!operation)
		return status;
	status = node_find_instance(&c->base, in->name, &instance);
	if (status == WAT_OK)
		status = check_remove(&c->base, in, instance);
	if (status != WAT_OK) {
		operation_forget(operation);
		return status;
	}
	operation->instance = instance;
	operation->stopped = lifecycle_remove;
	if (instance_is_given_up(instance))
		lifecycle_remove(operation);
	else
		lifecycle_stop_when_settled(operation);
	return WAT_OK;
}
