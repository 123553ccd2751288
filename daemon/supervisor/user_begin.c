/* user_begin.c - how a User begins. Loop thread. */
#include "daemon/supervisor/user_begin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/host.pb-c.h>

#include "daemon/base/clock.h"
#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/user_end.h"
#include "proto/attribution.h"
#include "proto/check.h"
#include "proto/dispatch.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* Under way. The instance and the grant are found by their ids: the incarnation may end meanwhile.
 * While it waits for its instance, the operation holds it. */
struct beginning {
	struct node *node;
	struct operation *operation;
	uint8_t instance_id[16], grant_id[16];
	uint8_t token[TOKEN_SIZE];
	bool ran;       /* the handler */
	uint32_t epoch; /* of the token */
};

static struct grant *grant_of(const struct beginning *beginning)
{
	return grant_table_find(beginning->node->grants, beginning->grant_id);
}

static void note_refusal(const struct beginning *beginning,
			 const struct grant *grant,
			 wat_status status,
			 const char *text)
{
	const struct audit refused = {
		.kind = AUDIT_GRANT_REFUSED,
		.origin = &beginning->operation->origin,
		.instance =
			instance_table_by_id(&beginning->node->instances, beginning->instance_id),
		.grant = grant ? &grant->row : NULL,
		.status = status,
		.detail = text,
	};

	audit_record(beginning->node, &refused);
}

/* Nothing is minted. Frees. */
static void refuse(struct beginning *beginning,
		   wat_status status,
		   const Wat__Envelope__Failure *failure,
		   const char *text)
{
	struct grant *grant = grant_of(beginning);

	note_refusal(beginning, grant, status, failure ? failure->text : text);
	if (grant) {
		list_remove(&grant->of_instance);
		grant_table_remove(beginning->node->grants, grant);
	}
	operation_fail(beginning->operation, status, failure, "%s", text);
	free(beginning);
}

/* The handler let in a user that does not come: it leaves again. */
static void take_back(const struct beginning *beginning)
{
	const struct grant *grant = grant_of(beginning);
	const struct instance *instance = grant ? grant->instance : NULL;
	Wat__Host__DeprovisionRequest request = WAT__HOST__DEPROVISION_REQUEST__INIT;

	if (!beginning->ran || !instance || !instance->host)
		return;
	request.instance_id = (ProtobufCBinaryData){16, (uint8_t *)instance->id};
	request.grant_id = (ProtobufCBinaryData){16, (uint8_t *)grant->row.id};
	request.user = (char *)grant->row.user;
	if (host_request(instance->host, HOST_DEPROVISION, &request.base, -1, NULL, NULL) < 0)
		log_error("no memory to take back a user that could not be stored", "instance",
			  instance->name, "user", grant->row.user);
}

/* All tokens of the instance were taken back while this one was made. */
static void end_if_revoked(const struct beginning *beginning, struct grant *grant)
{
	const struct instance *instance = grant ? grant->instance : NULL;

	if (instance && instance->epoch != beginning->epoch)
		user_end(beginning->node, grant, NULL, "taken back with all others");
}

/* The instance may have ended while the database wrote. */
static void on_stored(void *arg, int r)
{
	struct beginning *beginning = arg;
	struct grant *grant = grant_of(beginning);

	if (r < 0) {
		log_error("a grant was not stored", "error", lifecycle_store_error(r));
		take_back(beginning);
		refuse(beginning, WAT_RESOURCE_EXHAUSTED, NULL,
		       "the grant could not be stored, nobody was provisioned; see the log of "
		       "watd");
		return;
	}
	CRASH_HERE(provision_stored);
	if (grant)
		grant->row.state = 2;
	operation_conclude(beginning->operation);
	end_if_revoked(beginning, grant);
	free(beginning);
}

/* Where no journal has what the handler did. */
static int add_state(struct store_txn *txn,
		     struct instance *instance,
		     const Wat__Host__UserReply *reply,
		     int fd)
{
	Wat__Host__Snapshot snapshot;
	int r;

	if (!reply->snapshot)
		return 0;
	r = lifecycle_take_snapshot(instance, reply->snapshot, fd);
	if (r < 0)
		return r;
	snapshot = instance_snapshot(instance);
	return lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_CHECKPOINT, &snapshot);
}

/* reply NULL: no handler ran. */
static int store(struct beginning *beginning,
		 struct grant *grant,
		 const Wat__Host__UserReply *host_reply,
		 int fd)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	struct instance *instance = grant->instance;
	Wat__Admin__ProvisionReply reply = WAT__ADMIN__PROVISION_REPLY__INIT;
	struct store_grant row = grant->row;
	const struct audit granted = {
		.kind = AUDIT_GRANT,
		.origin = &beginning->operation->origin,
		.instance = instance,
		.grant = &row,
		.detail = row.session ? "User for a session" : "User",
	};
	int r;

	if (!txn)
		return -ENOMEM;
	row.state = 2;
	reply.token = (ProtobufCBinaryData){TOKEN_SIZE, beginning->token};
	reply.grant_id = (ProtobufCBinaryData){16, row.id};
	if ((host_reply && host_reply->ran && (r = add_state(txn, instance, host_reply, fd)) < 0) ||
	    (r = store_txn_put_grant(txn, &row)) < 0 ||
	    (r = operation_decide(beginning->operation, &reply.base, txn)) < 0 ||
	    (r = audit_add(txn, &granted)) < 0)
		return r;
	store_submit(beginning->node->store, TAKE(txn), on_stored, beginning);
	return 0;
}

static void store_or_refuse(struct beginning *beginning, const Wat__Host__UserReply *reply, int fd)
{
	struct grant *grant = grant_of(beginning);

	if (!grant) {
		refuse(beginning, WAT_STOPPED, NULL, "the instance was stopped meanwhile");
	} else if (store(beginning, grant, reply, fd) < 0) {
		take_back(beginning);
		refuse(beginning, WAT_OVERLOADED, NULL, "no memory; nobody was provisioned");
	}
}

static void run_handler(struct operation *operation);

/* What the host died of is in the instance. */
static void refuse_after_death(struct beginning *beginning)
{
	const struct instance *instance =
		instance_table_by_id(&beginning->node->instances, beginning->instance_id);

	refuse(beginning, WAT_SERVER_DIED, instance ? instance->death : NULL,
	       instance && instance->death ? instance->death->text
					   : "the host died before the user was let in");
}

/* The handler's own doing, or somebody else's: then what it did may be in the journal, and if it is
 * not, it runs in the next host. */
static void go_on_after_death(struct beginning *beginning)
{
	struct instance *instance =
		instance_table_by_id(&beginning->node->instances, beginning->instance_id);

	if (!instance || instance->died_in == ATTRIBUTION_LIFECYCLE + DISPATCH_PROVISION ||
	    beginning->node->suspending)
		refuse_after_death(beginning);
	else
		operation_wait(beginning->operation, instance, run_handler);
}

static void on_host_said(void *arg, const struct host_answer *answer)
{
	struct beginning *beginning = arg;
	ProtobufCMessage *message = NULL;
	const Wat__Host__UserReply *reply;

	if (answer->died) {
		go_on_after_death(beginning);
		return;
	}
	if (answer->status != WAT_OK) {
		refuse(beginning, answer->status, answer->failure,
		       answer->failure ? answer->failure->text : "the host refused the user");
		return;
	}
	if (check_unpack(&wat__host__user_reply__descriptor, NULL, answer->body, answer->n,
			 &message, NULL) < 0) {
		refuse(beginning, WAT_INTERNAL, NULL, "the host's answer can't be read");
		return;
	}
	reply = (const Wat__Host__UserReply *)message;
	beginning->ran = reply->ran;
	CRASH_HERE(provision_ran);
	store_or_refuse(beginning, reply, answer->fd);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void ask_host(struct beginning *beginning, struct instance *instance)
{
	const struct grant *grant = grant_of(beginning);
	Wat__Host__ProvisionRequest request = WAT__HOST__PROVISION_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.grant_id = (ProtobufCBinaryData){16, (uint8_t *)grant->row.id};
	request.user = (char *)grant->row.user;
	if (host_request(instance->host, HOST_PROVISION, &request.base, -1, on_host_said,
			 beginning) < 0)
		refuse(beginning, WAT_OVERLOADED, NULL, "no memory; nobody was provisioned");
}

/* Its handler runs in an instance that is up. */
static void run_handler(struct operation *operation)
{
	struct beginning *beginning = operation->arg;
	struct instance *instance =
		instance_table_by_id(&beginning->node->instances, beginning->instance_id);

	if (!instance || !grant_of(beginning) || instance->state == INSTANCE_STOPPED)
		refuse(beginning, WAT_STOPPED, NULL, "the instance was stopped");
	else if (instance_is_given_up(instance))
		refuse(beginning, WAT_SERVER_DIED, instance->failure,
		       "the instance has failed or is quarantined, and is not started again "
		       "by itself, so its Provision handler can't run");
	else if (beginning->node->suspending)
		refuse(beginning, WAT_UNAVAILABLE, NULL, "watd is going down; try again");
	else if (grant_of(beginning)->let_in)
		store_or_refuse(beginning, NULL, -1);
	else if (instance->state == INSTANCE_READY)
		ask_host(beginning, instance);
	else
		operation_wait(operation, instance, run_handler);
}

/* The row is pending from here on: nobody else gets the name, and nobody binds it. */
static int add_grant(struct beginning *beginning,
		     struct instance *instance,
		     const Wat__Admin__ProvisionRequest *in,
		     enum store_configured configured)
{
	struct node *node = beginning->node;
	struct store_grant row;
	struct grant *grant;
	uint64_t mask = in->method_mask ? in->method_mask : instance->all_methods;
	int r = node_mint(node, instance, TOKEN_USER, in->user, in->holder_pk.data, mask,
			  in->not_after, &row, beginning->token);

	if (r < 0)
		return r;
	row.session = in->session;
	row.rate = in->rate;
	row.in_flight = in->in_flight;
	if (in->pid && (r = grant_process_describe(in->pid, in->pid_start, &row.process)) < 0)
		return r;
	row.configured = configured;
	r = grant_table_add(node->grants, &row, &grant);
	if (r < 0)
		return r;
	grant->instance = instance;
	list_append(&instance->grants, &grant->of_instance);
	memcpy(beginning->grant_id, row.id, sizeof beginning->grant_id);
	r = in->pid ? grant_process_watch(node, grant) : 0;
	if (r < 0) {
		list_remove(&grant->of_instance);
		grant_table_remove(node->grants, grant);
	}
	return r;
}

static void fail(struct operation *operation, int r)
{
	if (r == -ESRCH)
		operation_fail(operation, WAT_FAILED_PRECONDITION, NULL,
			       "pid: there is no such process, or it has ended");
	else if (r == -ENOSPC)
		operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "%u Users are bound to processes, as many as there may be",
			       GRANT_PROCESSES_MAX);
	else
		operation_fail(operation, WAT_OVERLOADED, NULL, "%s",
			       r == -ENOMEM ? "no memory" : strerror(-r));
}

void user_begin(struct operation *operation,
		struct instance *instance,
		const Wat__Admin__ProvisionRequest *in,
		enum store_configured configured)
{
	struct beginning *beginning = calloc(1, sizeof *beginning);
	int r = -ENOMEM;

	if (beginning) {
		beginning->node = operation->node;
		beginning->operation = operation;
		beginning->epoch = instance->epoch;
		memcpy(beginning->instance_id, instance->id, 16);
	}
	if (beginning)
		r = add_grant(beginning, instance, in, configured);
	if (r < 0) {
		free(beginning);
		fail(operation, r);
		return;
	}
	operation->arg = beginning;
	if (instance_has(instance, INSTANCE_HAS_PROVISION))
		run_handler(operation);
	else
		store_or_refuse(beginning, NULL, -1);
}
