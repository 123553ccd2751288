/* admin_service.c - handlers of wat.admin.Admin. Loop thread. */
#include <stdlib.h>
#include <string.h>
#include <wat/admin.service.h>

#include "daemon/supervisor/isolation.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/user_begin.h"
#include "daemon/supervisor/user_end.h"
#include "proto/name.h"
#include "proto/token.h"

#define DEPROVISIONED "deprovisioned"

/* An active one, else one that is about to begin or to end. */
struct grant *admin_find_user(const struct instance *instance, const char *user)
{
	struct grant *found = NULL;

	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role != TOKEN_USER || grant->row.state == 4 ||
		    strcmp(grant->row.user, user) != 0)
			continue;
		if (grant->row.state == 2)
			return grant;
		found = grant;
	}
	return found;
}

/* One of the configuration that was renewed has its predecessor beside it. Their ends are on their
 * way before that of the one that is answered for. */
static void end_namesakes(struct instance *instance, const struct grant *one)
{
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant != one && grant->row.role == TOKEN_USER && grant->row.state == 2 &&
		    strcmp(grant->row.user, one->row.user) == 0)
			user_end(instance->node, grant, NULL, DEPROVISIONED);
	}
}

static wat_status check_provision(struct wat_call *call,
				  const admin_provision_request *in,
				  const struct instance *instance)
{
	if (!name_is_valid(in->user))
		return call->api->fail(call, WAT_INVALID_ARGUMENT, "user \"%.80s\": " NAME_RULE,
				       in->user);
	if (in->holder_pk.len != 32)
		return call->api->fail(call, WAT_INVALID_ARGUMENT,
				       "holder_pk: expected 32 bytes, got %zu", in->holder_pk.len);
	if (in->method_mask & ~instance->all_methods)
		return call->api->fail(call, WAT_INVALID_ARGUMENT,
				       "method_mask: names methods that %s does not have for "
				       "Users",
				       instance->service);
	if (in->not_after && in->not_after <= node_time(instance->node))
		return call->api->fail(call, WAT_INVALID_ARGUMENT,
				       "not_after: expected a time to come");
	if (in->pid && !control_call_of(call)->origin.has_peer)
		return call->api->fail(call, WAT_INVALID_ARGUMENT,
				       "pid: a User can end with a process of this machine only, "
				       "asked for by somebody here");
	if (instance_is_over(instance))
		return call->api->fail(call, WAT_STOPPED, "\"%s\" was stopped", instance->name);
	return WAT_OK;
}

wat_status admin_on_provision(struct admin_provision_call *c,
			      wat_empty *state,
			      const admin_provision_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct operation *operation;
	struct instance *instance;
	wat_status status = WAT_OK;

	(void)state;
	instance = control_call_instance(call, &status);
	if (!instance)
		return status;
	operation = operation_begin(&c->base, ANSWER_OF_ADMIN(ADMIN_PROVISION), &in->request_id,
				    &status);
	if (!operation)
		return status;
	status = check_provision(&c->base, in, instance);
	if (status == WAT_OK && admin_find_user(instance, in->user))
		status = wat_fail(c, WAT_ALREADY_EXISTS,
				  "\"%s\" has a user \"%s\" already (watctl users %s)",
				  instance->name, in->user, instance->name);
	if (status != WAT_OK)
		operation_forget(operation);
	else
		user_begin(operation, instance, in, STORE_NOT_CONFIGURED);
	return status;
}

wat_status admin_on_deprovision(struct admin_deprovision_call *c,
				wat_empty *state,
				const admin_deprovision_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct operation *operation;
	struct instance *instance;
	struct grant *grant;
	wat_status status = WAT_OK;

	(void)state;
	instance = control_call_instance(call, &status);
	if (!instance)
		return status;
	operation = operation_begin(&c->base, ANSWER_OF_ADMIN(ADMIN_DEPROVISION), &in->request_id,
				    &status);
	if (!operation)
		return status;
	grant = admin_find_user(instance, in->user);
	if (instance_is_over(instance)) {
		status = wat_fail(c, WAT_STOPPED, "\"%s\" was stopped, its users with it",
				  instance->name);
	} else if (!grant || grant->row.state != 2) {
		status =
			wat_fail(c, WAT_NOT_FOUND, "\"%s\" has no user \"%.80s\" (watctl users %s)",
				 instance->name, in->user, instance->name);
	} else {
		end_namesakes(instance, grant);
		user_end(operation->node, grant, operation, DEPROVISIONED);
		return WAT_OK;
	}
	operation_forget(operation);
	return status;
}

wat_status admin_on_stop(struct admin_stop_call *c, wat_empty *state, const admin_stop_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct operation *operation;
	struct instance *instance;
	wat_status status = WAT_OK;

	(void)state;
	instance = control_call_instance(call, &status);
	if (!instance)
		return status;
	operation =
		operation_begin(&c->base, ANSWER_OF_ADMIN(ADMIN_STOP), &in->request_id, &status);
	if (!operation)
		return status;
	operation->instance = instance;
	lifecycle_stop_when_settled(operation);
	return WAT_OK;
}

wat_status admin_on_release(struct admin_release_call *c,
			    wat_empty *state,
			    const admin_release_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct operation *operation;
	struct instance *instance;
	wat_status status = WAT_OK;

	(void)state;
	instance = control_call_instance(call, &status);
	if (!instance)
		return status;
	operation =
		operation_begin(&c->base, ANSWER_OF_ADMIN(ADMIN_RELEASE), &in->request_id, &status);
	if (!operation)
		return status;
	status = isolation_check_release(&c->base, instance);
	if (status != WAT_OK) {
		operation_forget(operation);
		return status;
	}
	operation->instance = instance;
	isolation_release(operation);
	return WAT_OK;
}
