/* user_end.c - how a User ends. Loop thread. */
#include "daemon/supervisor/user_end.h"

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
#include "proto/check.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* Several that are answered for together. */
struct together {
	struct operation *operation;
	size_t n_left;
};

/* A step under way. The grant is found by its id: its incarnation may end meanwhile. */
struct ending {
	struct node *node;
	struct operation *operation; /* NULL: nobody waits for this one */
	struct together *together;   /* the same */
	uint8_t grant_id[16];
};

static struct grant *grant_of(const struct ending *ending)
{
	return grant_table_find(ending->node->grants, ending->grant_id);
}

static void leave(struct together *together)
{
	if (!together || --together->n_left > 0)
		return;
	operation_conclude(together->operation);
	free(together);
}

/* No call of the grant can run any more. */
static void tell(struct ending *ending)
{
	struct operation *operation = TAKE(ending->operation);

	if (operation)
		operation_conclude(operation);
	leave(TAKE(ending->together));
}

static void on_ended(void *arg, int r)
{
	_cleanup_(freep) struct ending *ending = arg;
	struct grant *grant = grant_of(ending);

	if (r < 0) {
		log_error("the end of a user was not stored; it is finished at the next start",
			  "error", lifecycle_store_error(r));
	} else if (grant) {
		list_remove(&grant->of_instance);
		grant_table_remove(ending->node->grants, grant);
	}
	/* Not before: whoever hears of it may want to give the name away again at once. */
	tell(ending);
}

/* state NULL: there was no handler, so the state is what it was. */
static int commit_end(struct ending *ending,
		      struct grant *grant,
		      const Wat__Host__UserReply *reply,
		      int fd)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	struct instance *instance = grant->instance;
	struct store_grant row = grant->row;
	int r;

	if (!txn)
		return -ENOMEM;
	row.state = 4;
	grant->finishing = true;
	if ((r = store_txn_put_grant(txn, &row)) < 0)
		return r;
	if (reply && reply->ran && reply->snapshot) {
		Wat__Host__Snapshot snapshot;

		r = lifecycle_take_snapshot(instance, reply->snapshot, fd);
		snapshot = instance_snapshot(instance);
		if (r == 0)
			r = lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_CHECKPOINT,
						       &snapshot);
		if (r < 0)
			return r;
	}
	store_submit(ending->node->store, TAKE(txn), on_ended, ending);
	return 0;
}

static void finish(struct ending *ending, const Wat__Host__UserReply *reply, int fd)
{
	struct grant *grant = grant_of(ending);
	const struct instance *instance = grant ? grant->instance : NULL;
	/* A row that came after the removal of its instance would stay for good. */
	bool gone = !instance || instance->state == INSTANCE_REMOVING;
	int r = gone ? -ENOENT : commit_end(ending, grant, reply, fd);

	if (r == 0)
		return;
	if (!gone)
		log_error("the end of a user is not finished; the next start does", "user",
			  grant->row.user, "error", lifecycle_store_error(r));
	tell(ending);
	free(ending);
}

static void on_host_said(void *arg, const struct host_answer *answer)
{
	struct ending *ending = arg;
	ProtobufCMessage *reply = NULL;

	/* The handler did not run, or what it did went with the host: it runs at the next start. */
	if (answer->died || answer->status != WAT_OK ||
	    check_unpack(&wat__host__user_reply__descriptor, NULL, answer->body, answer->n, &reply,
			 NULL) < 0) {
		tell(ending);
		free(ending);
		return;
	}
	CRASH_HERE(deprovision_ran);
	finish(ending, (const Wat__Host__UserReply *)reply, answer->fd);
	protobuf_c_message_free_unpacked(reply, NULL);
}

static int ask_host(struct ending *ending, const struct grant *grant)
{
	const struct instance *instance = grant->instance;
	Wat__Host__DeprovisionRequest request = WAT__HOST__DEPROVISION_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, (uint8_t *)instance->id};
	request.grant_id = (ProtobufCBinaryData){16, (uint8_t *)grant->row.id};
	request.user = (char *)grant->row.user;
	return host_request(instance->host, HOST_DEPROVISION, &request.base, -1, on_host_said,
			    ending);
}

/* The second step: at the host, if there is one. */
static void end_at_host(struct ending *ending)
{
	struct grant *grant = grant_of(ending);
	struct instance *instance = grant ? grant->instance : NULL;

	if (!instance) {
		tell(ending);
		free(ending);
	} else if (instance->host && !instance->drained && instance->state != INSTANCE_STARTING) {
		if (ask_host(ending, grant) == 0)
			return;
		/* Its channels can't be ended by asking: end the host instead. */
		log_error("no memory to end a revoked user's channels; its host is killed",
			  "instance", instance->name);
		host_kill(instance->host);
		tell(ending);
		free(ending);
	} else if (instance_has(instance, INSTANCE_HAS_DEPROVISION)) {
		/* The handler runs when the instance is ready. */
		tell(ending);
		free(ending);
	} else {
		finish(ending, NULL, -1);
	}
}

static void on_revoking(void *arg, int r)
{
	struct ending *ending = arg;
	struct grant *grant = grant_of(ending);

	if (r == 0) {
		CRASH_HERE(revoking_stored);
		end_at_host(ending);
		return;
	}
	if (grant)
		grant->row.state = 2;
	if (ending->operation)
		operation_fail(ending->operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the revocation could not be stored, the user stays: %s",
			       lifecycle_store_error(r));
	else
		log_error("the end of a User could not be stored; its grant stays", "error",
			  lifecycle_store_error(r));
	free(ending);
}

static struct ending *ending_new(struct node *node,
				 const struct grant *grant,
				 struct operation *operation)
{
	struct ending *ending = calloc(1, sizeof *ending);

	if (!ending)
		return NULL;
	ending->node = node;
	ending->operation = operation;
	memcpy(ending->grant_id, grant->row.id, sizeof ending->grant_id);
	return ending;
}

/* The first step: it is decided, whatever happens from here on. */
static int begin_end(struct ending *ending, struct grant *grant, const char *why)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	const struct instance *instance = grant->instance;
	Wat__Empty reply = WAT__EMPTY__INIT;
	struct store_grant row = grant->row;
	struct origin own = origin_new(ending->node);
	const struct audit revoked = {
		.kind = AUDIT_REVOKE,
		.origin = ending->operation ? &ending->operation->origin : &own,
		.instance = instance,
		.grant = &row,
		.detail = why,
	};
	int r;

	if (!txn)
		return -ENOMEM;
	row.state = 3;
	if ((r = store_txn_put_grant(txn, &row)) < 0 ||
	    (ending->operation &&
	     (r = operation_decide(ending->operation, &reply.base, txn)) < 0) ||
	    (r = audit_add(txn, &revoked)) < 0)
		return r;
	/* From here on no BIND of this grant succeeds. */
	grant->row.state = 3;
	store_submit(ending->node->store, TAKE(txn), on_revoking, ending);
	return 0;
}

void user_end(struct node *node, struct grant *grant, struct operation *operation, const char *why)
{
	struct ending *ending = ending_new(node, grant, operation);

	if (ending && begin_end(ending, grant, why) == 0)
		return;
	free(ending);
	if (operation)
		operation_fail(operation, WAT_OVERLOADED, NULL, "no memory; the user stays");
	else
		log_error("no memory to end a User by itself; its grant stays", "user",
			  grant->row.user);
}

/* The Deprovision handler of a user that watd does not know: the store never heard that it began.
 */
static void take_back(struct instance *instance, const Wat__Host__Life *life)
{
	Wat__Host__DeprovisionRequest request = WAT__HOST__DEPROVISION_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.grant_id = life->grant_id;
	request.user = life->user;
	log_warning("a user was let in and never stored; it leaves again", "instance",
		    instance->name, "user", life->user);
	if (host_request(instance->host, HOST_DEPROVISION, &request.base, -1, NULL, NULL) < 0)
		log_error("no memory to take back a user", "instance", instance->name, "user",
			  life->user);
}

/* Its Deprovision handler has run: what is left is to store so. */
static void finish_ended(struct instance *instance, struct grant *grant)
{
	struct ending *ending = ending_new(instance->node, grant, NULL);

	if (ending)
		finish(ending, NULL, -1);
}

static bool is_ended_later(const Wat__Host__StartReply *reply, size_t at)
{
	const Wat__Host__Life *life = reply->lives[at];

	for (size_t i = at + 1; i < reply->n_lives; i++)
		if (reply->lives[i]->ended && reply->lives[i]->grant_id.len == 16 &&
		    memcmp(reply->lives[i]->grant_id.data, life->grant_id.data, 16) == 0)
			return true;
	return false;
}

void user_end_take_lives(struct instance *instance, const Wat__Host__StartReply *reply)
{
	for (size_t i = 0; i < reply->n_lives; i++) {
		const Wat__Host__Life *life = reply->lives[i];
		struct grant *grant =
			life->grant_id.len == 16
				? grant_table_find(instance->node->grants, life->grant_id.data)
				: NULL;

		if (life->grant_id.len != 16 || is_ended_later(reply, i))
			continue;
		if (!life->ended && !grant)
			take_back(instance, life);
		else if (!life->ended && grant->row.state == 1)
			grant->let_in = true;
		else if (life->ended && grant && grant->row.state == 3)
			finish_ended(instance, grant);
	}
}

void user_end_go_on(struct instance *instance)
{
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);
		struct ending *ending;

		if (grant->row.role != TOKEN_USER || grant->row.state != 3 || grant->finishing)
			continue;
		ending = ending_new(instance->node, grant, NULL);
		if (ending)
			end_at_host(ending);
	}
}

/* Whoever is not asked for an answer has its channels ended with the host. */
static void end_without_memory(struct instance *instance)
{
	log_error("no memory to end revoked users' channels; their host is killed", "instance",
		  instance->name);
	if (instance->host)
		host_kill(instance->host);
}

static int end_together(struct instance *instance, struct grant *grant, struct together *together)
{
	struct ending *ending = ending_new(instance->node, grant, NULL);

	if (!ending)
		return -ENOMEM;
	ending->together = together;
	together->n_left++;
	end_at_host(ending);
	return 0;
}

void user_end_all(struct instance *instance, struct operation *operation)
{
	struct together *together = calloc(1, sizeof *together);

	if (!together) {
		end_without_memory(instance);
		operation_conclude(operation);
		return;
	}
	*together = (struct together){.operation = operation, .n_left = 1};
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role != TOKEN_USER || !grant->taken_with_all)
			continue;
		grant->taken_with_all = false;
		if (end_together(instance, grant, together) < 0)
			end_without_memory(instance);
	}
	leave(together);
}
