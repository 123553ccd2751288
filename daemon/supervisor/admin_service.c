/* admin_service.c - handlers of wat.admin.Admin. Loop thread. */
#include <stdlib.h>
#include <string.h>
#include <wat/admin.service.h>
#include <wat/host.pb-c.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

static struct grant *find_user(const struct instance *instance, const char *user)
{
	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role == TOKEN_USER && grant->row.state != 4 &&
		    strcmp(grant->row.user, user) == 0)
			return grant;
	}
	return NULL;
}

static void forget_grant(struct node *node, struct grant *grant)
{
	list_remove(&grant->of_instance);
	grant_table_remove(node->grants, grant);
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
				       "method_mask: names methods that %s does not have",
				       instance->service);
	if (in->not_after && in->not_after <= node_time(instance->node))
		return call->api->fail(call, WAT_INVALID_ARGUMENT,
				       "not_after: expected a time to come");
	if (instance->state == INSTANCE_STOPPED)
		return call->api->fail(call, WAT_STOPPED, "\"%s\" was stopped", instance->name);
	return WAT_OK;
}

/* The instance may have ended while the database wrote. */
static void on_provisioned(void *arg, int r)
{
	struct operation *operation = arg;
	struct grant *grant = operation->grant;

	if (r == 0) {
		grant->row.state = 2;
		operation_conclude(operation);
		return;
	}
	forget_grant(operation->node, grant);
	operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL, "the grant could not be stored: %s",
		       lifecycle_store_error(r));
}

static int add_grant(struct operation *operation,
		     const admin_provision_request *in,
		     struct instance *instance,
		     struct store_txn *txn)
{
	Wat__Admin__ProvisionReply reply = WAT__ADMIN__PROVISION_REPLY__INIT;
	uint8_t token[TOKEN_SIZE];
	struct store_grant row;
	uint64_t mask = in->method_mask ? in->method_mask : instance->all_methods;
	int r = node_mint(operation->node, instance, TOKEN_USER, in->user, in->holder_pk.data, mask,
			  in->not_after, &row, token);

	if (r < 0)
		return r;
	row.state = 2;
	reply.token = (ProtobufCBinaryData){TOKEN_SIZE, token};
	reply.grant_id = (ProtobufCBinaryData){16, row.id};
	if ((r = store_txn_put_grant(txn, &row)) < 0 ||
	    (r = operation_decide(operation, &reply.base, txn)) < 0 ||
	    (r = store_txn_add_event(txn, "provision", instance->name, instance->id, in->user)) < 0)
		return r;
	row.state = 1;
	r = grant_table_add(operation->node->grants, &row, &operation->grant);
	if (r < 0)
		return r;
	operation->grant->instance = instance;
	list_append(&instance->grants, &operation->grant->of_instance);
	return 0;
}

static void provision(struct operation *operation,
		      const admin_provision_request *in,
		      struct instance *instance)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();

	if (!txn || add_grant(operation, in, instance, txn) < 0)
		operation_fail(operation, WAT_OVERLOADED, NULL, "no memory");
	else
		store_submit(operation->node->store, TAKE(txn), on_provisioned, operation);
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
	if (status == WAT_OK && find_user(instance, in->user))
		status = wat_fail(c, WAT_ALREADY_EXISTS,
				  "\"%s\" has a user \"%s\" already (watctl users %s)",
				  instance->name, in->user, instance->name);
	if (status != WAT_OK)
		operation_forget(operation);
	else
		provision(operation, in, instance);
	return status;
}

/* No call of the grant runs any more: the host said so, or has ended. */
static void on_detached(void *arg, const struct host_answer *answer)
{
	struct operation *operation = arg;
	struct node *node = operation->node;

	(void)answer;
	forget_grant(node, operation->grant);
	operation_conclude(operation);
}

static int detach(struct operation *operation, const struct instance *instance)
{
	Wat__Host__DetachRequest request = WAT__HOST__DETACH_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, (uint8_t *)instance->id};
	request.grant_id = (ProtobufCBinaryData){16, operation->grant->row.id};
	return host_request(instance->host, HOST_DETACH, &request.base, -1, on_detached, operation);
}

static void on_revoked(void *arg, int r)
{
	struct operation *operation = arg;
	struct instance *instance = operation->grant->instance;
	static const struct host_answer no_host = {.died = true};

	if (r < 0) {
		operation->grant->row.state = 2;
		operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the revocation could not be stored, the user stays: %s",
			       lifecycle_store_error(r));
		return;
	}
	operation->grant->row.state = 4;
	if (!instance->host) {
		on_detached(operation, &no_host);
	} else if (detach(operation, instance) < 0) {
		/* Revoked in the store, but its channels can't be ended by asking: end the host
		 * instead. */
		log_error("no memory to end a revoked user's channels; its host is killed",
			  "instance", instance->name);
		host_kill(instance->host);
		on_detached(operation, &no_host);
	}
}

static int revoke_grant(struct operation *operation, struct instance *instance)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	Wat__Empty reply = WAT__EMPTY__INIT;
	struct store_grant row = operation->grant->row;

	row.state = 4;
	if (!txn || store_txn_put_grant(txn, &row) < 0 ||
	    operation_decide(operation, &reply.base, txn) < 0 ||
	    store_txn_add_event(txn, "deprovision", instance->name, instance->id, row.user) < 0)
		return -1;
	/* From here on no BIND of this grant succeeds. */
	operation->grant->row.state = 3;
	store_submit(operation->node->store, TAKE(txn), on_revoked, operation);
	return 0;
}

wat_status admin_on_deprovision(struct admin_deprovision_call *c,
				wat_empty *state,
				const admin_deprovision_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct operation *operation;
	struct instance *instance;
	wat_status status = WAT_OK;

	(void)state;
	instance = control_call_instance(call, &status);
	if (!instance)
		return status;
	operation = operation_begin(&c->base, ANSWER_OF_ADMIN(ADMIN_DEPROVISION), &in->request_id,
				    &status);
	if (!operation)
		return status;
	operation->grant = find_user(instance, in->user);
	if (instance->state == INSTANCE_STOPPED) {
		status = wat_fail(c, WAT_STOPPED, "\"%s\" was stopped, its users with it",
				  instance->name);
	} else if (!operation->grant || operation->grant->row.state != 2) {
		status =
			wat_fail(c, WAT_NOT_FOUND, "\"%s\" has no user \"%.80s\" (watctl users %s)",
				 instance->name, in->user, instance->name);
	} else if (revoke_grant(operation, instance) == 0) {
		return WAT_OK;
	} else {
		status = wat_fail(c, WAT_OVERLOADED, "no memory");
	}
	operation_forget(operation);
	return status;
}

/* Stop when it can be: now, or after a start, a pause or another stop. */
static void stop_settled(struct operation *operation)
{
	struct instance *instance = operation->instance;

	if (instance->operation)
		operation_wait(operation, instance, stop_settled);
	else if (instance->state == INSTANCE_READY || instance->state == INSTANCE_FAILED ||
		 (instance->state == INSTANCE_STOPPING && instance->drained))
		lifecycle_stop(operation, instance);
	else if (instance->state == INSTANCE_STOPPED)
		operation_fail(operation, WAT_STOPPED, NULL, "\"%s\" was stopped already",
			       instance->name);
	else if (instance->node->suspending)
		operation_fail(operation, WAT_UNAVAILABLE, NULL, "watd is going down; try again");
	else
		operation_wait(operation, instance, stop_settled);
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
	stop_settled(operation);
	return WAT_OK;
}
