/* lifecycle_stop.c - Stop. Loop thread. Drain (Stop handler) -> commit {final state, stopped,
 * answer} -> Finish -> STOPPED -> answer. Of an instance that failed: recover its journal in a host
 * -> commit -> STOPPED -> answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "proto/check.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"
#include <wat/admin.pb-c.h>

#define USERS_LEFT_MAX 256u

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

int lifecycle_request_finish(struct instance *instance,
			     wat_status status,
			     const char *text,
			     host_answered *answered)
{
	Wat__Host__FinishRequest request = WAT__HOST__FINISH_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.status = (uint32_t)status;
	request.text = (char *)text;
	return host_request(instance->host, HOST_FINISH, &request.base, -1, answered, instance);
}

int lifecycle_request_drain(struct instance *instance, bool run_stop, host_answered *answered)
{
	Wat__Host__DrainRequest request = WAT__HOST__DRAIN_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.run_stop = run_stop;
	return host_request(instance->host, HOST_DRAIN, &request.base, -1, answered, instance);
}

/* The state that Drain answered becomes the newest in memory. */
int lifecycle_take_state(struct instance *instance, const struct host_answer *answer)
{
	ProtobufCMessage *message;
	const Wat__Host__DrainReply *reply;
	int r = check_unpack(&wat__host__drain_reply__descriptor, NULL, answer->body, answer->n,
			     &message, NULL);

	if (r < 0)
		return r;
	reply = (const Wat__Host__DrainReply *)message;
	r = lifecycle_take_snapshot(instance, reply->snapshot, answer->fd);
	protobuf_c_message_free_unpacked(message, NULL);
	return r;
}

static void stopped(struct instance *instance)
{
	struct operation *operation = TAKE(instance->operation);
	struct node *node = instance->node;

	lifecycle_detach(instance);
	instance->final_committed = instance->drained = false;
	instance_move(instance, INSTANCE_STOPPED);
	lifecycle_step(instance, END_ENDED);
	if (operation && operation->stopped)
		operation->stopped(operation);
	else if (operation)
		operation_conclude(operation);
	node_check_progress(node);
}

static void on_finished(void *arg, const struct host_answer *answer)
{
	/* A host that died after it gave the final state has nothing left to do;
	 * lifecycle_host_died sees to it. */
	if (!answer->died)
		stopped(arg);
}

static void on_stop_committed(void *arg, int r)
{
	struct instance *instance = arg;
	struct operation *operation;

	if (r == 0) {
		instance->final_committed = true;
		lifecycle_step(instance, END_COMMITTED);
		CRASH_HERE(stop_stored);
		lifecycle_drop_segments(instance, SEGMENTS_ALL);
		if (!instance->host ||
		    lifecycle_request_finish(instance, WAT_STOPPED,
					     instance->owner_gone
						     ? "the instance ended: its owner has gone"
						     : "the instance was stopped",
					     on_finished) < 0)
			stopped(instance);
		return;
	}
	operation = TAKE(instance->operation);
	log_error("a final state could not be stored; it is kept in memory", "instance",
		  instance->name, "error", lifecycle_store_error(r));
	operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL,
		       "%s gave its final state, but it could not be stored: %s; it is kept, stop "
		       "it again when that is mended",
		       instance->name, lifecycle_store_error(r));
}

/* Who was never deprovisioned, but should have been: watd sees to those of its configuration. */
struct left {
	Wat__Admin__UserLeft users[USERS_LEFT_MAX], *list[USERS_LEFT_MAX];
	uint32_t n;
};

static void note_left(struct left *left, const struct instance *instance)
{
	left->n = 0;
	list_for_each (i, &instance->grants) {
		const struct grant *grant = container_of(i, struct grant, of_instance);
		Wat__Admin__UserLeft *user = &left->users[left->n];

		if (grant->row.role != TOKEN_USER || grant->row.state != 2 || grant->row.configured)
			continue;
		log_info("a user was left at the stop", "instance", instance->name, "user",
			 grant->row.user);
		if (left->n++ >= USERS_LEFT_MAX)
			continue;
		wat__admin__user_left__init(user);
		user->name = (char *)grant->row.user;
		user->grant_id = (ProtobufCBinaryData){16, (uint8_t *)grant->row.id};
		user->channels = grant->channels;
		left->list[left->n - 1] = user;
	}
}

static int add_event(struct store_txn *txn, const struct instance *instance, uint32_t n_left)
{
	char detail[64];
	const struct audit stop = {
		.kind = AUDIT_STOP,
		.origin = &instance->origin,
		.instance = instance,
		.detail = n_left > 0 ? detail : NULL,
	};

	(void)snprintf(detail, sizeof detail, "%u %s left without deprovision", n_left,
		       n_left == 1 ? "user was" : "users were");
	return audit_add(txn, &stop);
}

static int decide(struct instance *instance, struct store_txn *txn, struct left *left)
{
	Wat__Admin__StopReply reply = WAT__ADMIN__STOP_REPLY__INIT;

	/* Of one that goes on the last step decides. */
	if (instance->operation->stopped)
		return 0;
	reply.state = (ProtobufCBinaryData){instance->committed_len, instance->committed};
	reply.generation = instance->generation;
	reply.users = left->list;
	reply.n_users = left->n < USERS_LEFT_MAX ? left->n : USERS_LEFT_MAX;
	reply.n_left = left->n;
	return operation_decide(instance->operation, &reply.base, txn);
}

/* instance->committed is the final state. */
static int commit_stop(struct instance *instance)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = lifecycle_txn(instance, STORE_STOPPED);
	_cleanup_(freep) struct left *left = malloc(sizeof *left);
	Wat__Host__Snapshot snapshot = instance_snapshot(instance);
	int r;

	if (!txn || !left)
		return -ENOMEM;
	note_left(left, instance);
	/* Nobody goes on with its lanes. */
	snapshot.lanes = (ProtobufCBinaryData){0};
	if ((r = lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_FINAL, &snapshot)) < 0 ||
	    (r = decide(instance, txn, left)) < 0 || (r = add_event(txn, instance, left->n)) < 0)
		return r;
	store_submit(instance->node->store, TAKE(txn), on_stop_committed, instance);
	return 0;
}

static void store_final(struct instance *instance)
{
	int r = commit_stop(instance);

	if (r < 0)
		on_stop_committed(instance, r);
}

static void note_refusal(const struct instance *instance, const struct host_answer *answer)
{
	const struct audit refused = {
		.kind = AUDIT_STOP_REFUSED,
		.origin = &instance->origin,
		.instance = instance,
		.status = answer->status,
		.detail = answer->failure ? answer->failure->text : NULL,
	};

	audit_record(instance->node, &refused);
}

static void on_stop_drained(void *arg, const struct host_answer *answer)
{
	struct instance *instance = arg;
	struct operation *operation;

	if (answer->died)
		return;
	if (answer->status == WAT_OK && lifecycle_take_state(instance, answer) == 0) {
		instance->drained = true;
		lifecycle_step(instance, END_GIVEN);
		CRASH_HERE(stop_drained);
		store_final(instance);
		return;
	}
	/* The Stop handler said no: the instance goes on. */
	note_refusal(instance, answer);
	operation = TAKE(instance->operation);
	operation_fail(operation, answer->status == WAT_OK ? WAT_INTERNAL : answer->status,
		       answer->failure, "%s",
		       answer->failure ? answer->failure->text
				       : "the host gave no state that can be read");
	lifecycle_ready(instance);
}

/* It stays as it failed: what its journal has was acknowledged, and is not thrown away. */
static void not_recovered(struct instance *instance,
			  wat_status status,
			  const Wat__Envelope__Failure *failure,
			  const char *why)
{
	struct operation *operation = TAKE(instance->operation);

	instance->recovering = false;
	lifecycle_detach(instance);
	if (instance->before_stop == INSTANCE_QUARANTINED)
		instance_move(instance, INSTANCE_QUARANTINED);
	else if (lifecycle_has_diverged(failure))
		lifecycle_quarantine(instance, failure_copy(failure));
	else
		instance_move(instance, INSTANCE_FAILED);
	if (operation)
		operation_fail(
			operation, status, failure,
			"%s can't be stopped: its last state can't be had from its journal, "
			"which is kept: %s. Mend that and stop it again; watctl rm %s removes "
			"it, and throws its journal and its states away",
			instance->name, why, instance->name);
	node_check_progress(instance->node);
}

static int take_recovered(struct instance *instance, const struct host_answer *answer)
{
	ProtobufCMessage *message;
	int r = check_unpack(&wat__host__start_reply__descriptor, NULL, answer->body, answer->n,
			     &message, NULL);

	if (r < 0)
		return r;
	r = lifecycle_take_snapshot(instance, ((const Wat__Host__StartReply *)message)->snapshot,
				    answer->fd);
	protobuf_c_message_free_unpacked(message, NULL);
	return r;
}

static void on_recovered(void *arg, const struct host_answer *answer)
{
	struct instance *instance = arg;

	/* lifecycle_host_died sees to it. */
	if (answer->died)
		return;
	if (answer->status != WAT_OK || take_recovered(instance, answer) < 0) {
		not_recovered(instance, answer->status == WAT_OK ? WAT_INTERNAL : answer->status,
			      answer->failure,
			      answer->failure ? answer->failure->text
					      : "what the host answered can't be read");
		return;
	}
	instance->recovering = false;
	lifecycle_detach(instance);
	instance->drained = true;
	store_final(instance);
}

/* No Stop handler: its last committed state is the last, and what the journal has since. */
static void stop_failed(struct instance *instance)
{
	char text[256];
	int r;

	instance->before_stop = instance->state;
	instance_move(instance, INSTANCE_STOPPING);
	if (!instance->committed) {
		instance_damage(instance, text, sizeof text);
		not_recovered(instance, WAT_DATA_LOSS, NULL, text);
		return;
	}
	lifecycle_take_installed_plugin(instance);
	r = lifecycle_recover(instance, on_recovered);
	if (r == 0) {
		instance->recovering = true;
	} else if (r > 0) {
		instance->drained = true;
		store_final(instance);
	} else {
		not_recovered(instance,
			      r == -EWOULDBLOCK ? WAT_UNAVAILABLE : WAT_RESOURCE_EXHAUSTED, NULL,
			      r == -EWOULDBLOCK ? "a former host still has it; try again"
						: strerror(-r));
	}
}

void lifecycle_stop_when_settled(struct operation *operation)
{
	struct instance *instance = operation->instance;

	if (instance->state == INSTANCE_REMOVING)
		operation_fail(operation, WAT_NOT_FOUND, NULL, "\"%s\" is being removed",
			       instance->name);
	else if (instance->operation)
		operation_wait(operation, instance, lifecycle_stop_when_settled);
	else if (operation->stopped &&
		 (instance->state == INSTANCE_STOPPED || instance_is_given_up(instance)))
		operation->stopped(operation);
	else if (instance->state == INSTANCE_READY || instance_is_given_up(instance) ||
		 (instance->state == INSTANCE_STOPPING && instance->drained))
		lifecycle_stop(operation, instance);
	else if (instance->state == INSTANCE_STOPPED)
		operation_fail(operation, WAT_STOPPED, NULL, "\"%s\" was stopped already",
			       instance->name);
	else if (instance->node->suspending)
		operation_fail(operation, WAT_UNAVAILABLE, NULL, "watd is going down; try again");
	else
		operation_wait(operation, instance, lifecycle_stop_when_settled);
}

void lifecycle_stop(struct operation *operation, struct instance *instance)
{
	instance->operation = operation;
	instance->origin = operation->origin;
	if (instance->state == INSTANCE_STOPPING) {
		store_final(instance);
		return;
	}
	if (instance_is_given_up(instance)) {
		stop_failed(instance);
		return;
	}
	instance_move(instance, INSTANCE_STOPPING);
	lifecycle_step(instance, END_CLOSED);
	if (lifecycle_request_drain(instance, true, on_stop_drained) == 0)
		return;
	instance->operation = NULL;
	operation_fail(operation, WAT_OVERLOADED, NULL, "no memory; the instance goes on");
	lifecycle_ready(instance);
}

bool lifecycle_stop_host_gone(struct instance *instance, const Wat__Envelope__Failure *failure)
{
	struct operation *operation;

	if (instance->state == INSTANCE_RESTARTING)
		return lifecycle_restart_host_gone(instance);
	if (instance->recovering) {
		not_recovered(instance, WAT_SERVER_DIED, failure,
			      failure ? failure->text : "the host died meanwhile");
		return true;
	}
	if (instance->final_committed) {
		stopped(instance);
		return true;
	}
	/* The state was given; its transaction is under way, or waits for another Stop. */
	if (instance->drained && !instance->finishing)
		return true;
	if (instance->finishing) {
		lifecycle_suspended(instance);
		return true;
	}
	if (instance->state != INSTANCE_STOPPING)
		return false;
	operation = TAKE(instance->operation);
	/* What must go is stopped again when it is back, or as it is when it is given up. */
	if (operation && operation->stopped)
		operation_wait(operation, instance, lifecycle_stop_when_settled);
	else if (operation)
		operation_fail(operation, WAT_SERVER_DIED, failure, "%s",
			       failure ? failure->text : "the host died while it stopped");
	return false;
}
