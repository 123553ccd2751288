/* lifecycle_start.c - from nothing, from a crash or from suspension to READY. Loop thread.
 * begin: place -> Start -> commit {instance, Admin's grant, state, answer} -> READY -> answer.
 * Others: place -> Start -> READY. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/isolation.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/user_end.h"
#include "proto/carried.h"
#include "proto/check.h"
#include "proto/failure.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"
#include <wat/node.pb-c.h>

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* One whose plugins may do what this one may, and no more. NULL: there is none. */
static struct host *find_pool(const struct instance *instance)
{
	list_for_each (i, &instance->node->hosts) {
		struct host *host = container_of(i, struct host, link);

		if (host->pool && !host->ending && !host->killed &&
		    confinement_suits(&host->confinement, instance))
			return host;
	}
	return NULL;
}

static int find_host(struct instance *instance, struct host **ret_host)
{
	bool pool = isolation_is_pooled(instance);
	struct host *host = pool ? find_pool(instance) : NULL;
	struct confinement confinement;
	int r;

	if (host) {
		*ret_host = host;
		return 0;
	}
	r = confinement_of(instance, &confinement);
	if (r == 0)
		r = host_new(instance->node, pool, &confinement, ret_host);
	confinement_deinit(&confinement);
	return r;
}

static int place(struct instance *instance)
{
	struct host *host;
	int r = find_host(instance, &host);

	if (r == 0)
		r = host_take_slot(host, &instance->slot);
	if (r < 0)
		return r;
	instance->host = host;
	instance->words_before = host_words(host);
	list_append(&host->instances, &instance->of_host);
	lifecycle_note_place(instance);
	return 0;
}

static void on_started(void *arg, const struct host_answer *answer);

enum start { START_FIRST, START_AGAIN, START_TO_RECOVER };

static int request_start(struct instance *instance, enum start how, host_answered *answered)
{
	Wat__Host__StartRequest request = WAT__HOST__START_REQUEST__INIT;
	Wat__Host__Snapshot snapshot = instance_snapshot(instance);
	Wat__Host__Carried from = WAT__HOST__CARRIED__INIT;
	Wat__Host__Verdict verdict = WAT__HOST__VERDICT__INIT;
	int fd, r = carried_put(&snapshot, &from, &fd);

	if (r < 0)
		return r;
	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.instance = instance->name;
	request.service = instance->service;
	request.plugin = instance->plugin_copy;
	request.generation = instance->generation;
	request.from = &from;
	request.durability = (uint32_t)instance->durability;
	if (instance->running.judged) {
		verdict.lane = (ProtobufCBinaryData){16, instance->running.lane};
		verdict.id = instance->running.id;
		verdict.status = WAT_SERVER_DIED;
		verdict.failure = instance->verdict;
		request.verdict = &verdict;
	}
	request.run_start = how == START_FIRST;
	request.recover_only = how == START_TO_RECOVER;
	request.slot = instance->slot;
	request.interface_hash = instance->interface_hash;
	request.pool = isolation_is_pooled(instance);
	request.disk_full = instance->node->nospace;
	return host_request(instance->host, HOST_START, &request.base, fd, answered, instance);
}

/* A start that this machine or the host refused: no repetition would change it. */
static void refused(struct instance *instance,
		    wat_status status,
		    const Wat__Envelope__Failure *failure,
		    const char *text)
{
	struct operation *operation = TAKE(instance->operation);
	Wat__Envelope__Failure *kept =
		failure ? failure_copy(failure)
			: lifecycle_failure(instance, WAT__ENVELOPE__CAUSE_KIND__REFUSED, 0, "",
					    text);

	lifecycle_detach(instance);
	if (instance->beginning) {
		instance->operation = operation;
		lifecycle_abandon(instance, status, kept, text);
		failure_free(kept);
		return;
	}
	if (operation)
		operation_fail(operation, status, kept, "%s", text);
	if (lifecycle_has_diverged(kept))
		lifecycle_quarantine(instance, kept);
	else
		lifecycle_give_up(instance, kept);
}

static int start_with(struct instance *instance,
		      enum start how,
		      struct segment_files *segments,
		      host_answered *answered)
{
	int r;

	/* The host before has ended: its lock on the segments is gone. */
	lifecycle_adopt_verdict(instance);
	r = place(instance);
	if (r == 0 && segments->n > 0)
		r = segment_files_send(instance, segments);
	if (r == 0)
		r = request_start(instance, how, answered);
	if (r == 0 && instance->running.judged)
		CRASH_HERE(verdict_sent);
	return r;
}

int lifecycle_recover(struct instance *instance, host_answered *answered)
{
	_cleanup_(segment_files_close) struct segment_files segments = {0};
	char text[PLUGIN_COPY_TEXT_MAX];
	int r = 1;

	if (instance_has_journal(instance))
		r = segment_files_open(instance, false, &segments);
	if (r < 0)
		return r;
	if (segments.n == 0)
		return 1;
	r = lifecycle_provide_plugin(instance, text);
	if (r < 0) {
		log_error("the journal of an instance can't be read without its plugin", "instance",
			  instance->name, "why", text);
		return r;
	}
	r = start_with(instance, START_TO_RECOVER, &segments, answered);
	if (r < 0)
		lifecycle_detach(instance);
	return r;
}

void lifecycle_start(struct instance *instance, bool run_start)
{
	_cleanup_(segment_files_close) struct segment_files segments = {0};
	char text[WAT_FAILURE_TEXT_MAX];
	int r = 0;

	if (confinement_refuses(instance, text, sizeof text)) {
		log_error("an instance can't be started", "instance", instance->name, "why", text);
		refused(instance, WAT_START_FAILED, NULL, text);
		return;
	}
	if (lifecycle_provide_plugin(instance, text) < 0) {
		log_error("an instance can't be started", "instance", instance->name, "why", text);
		refused(instance, WAT_START_FAILED, NULL, text);
		return;
	}
	if (instance_has_journal(instance))
		r = segment_files_open(instance, true, &segments);
	if (r == -EWOULDBLOCK) {
		lifecycle_wait_for_lock(instance);
		return;
	}
	if (r == 0)
		r = start_with(instance, run_start ? START_FIRST : START_AGAIN, &segments,
			       on_started);
	if (r == 0)
		return;
	(void)snprintf(text, sizeof text, "no host for %s: %s", instance->name,
		       r == -ENOSPC && !instance_has_journal(instance) ? "the pool is full"
								       : strerror(-r));
	log_error("an instance can't be started", "instance", instance->name, "error",
		  strerror(-r));
	refused(instance, WAT_START_FAILED, NULL, text);
}

void lifecycle_ready(struct instance *instance)
{
	instance_move(instance, INSTANCE_READY);
	user_end_go_on(instance);
	grant_files_ready(instance->node, instance);
	/* If watd goes down, so does it. */
	node_check_progress(instance->node);
}

void lifecycle_abandon(struct instance *instance,
		       wat_status status,
		       const Wat__Envelope__Failure *failure,
		       const char *text)
{
	struct operation *operation = TAKE(instance->operation);
	struct node *node = instance->node;
	struct instance *previous = TAKE(instance->previous);

	lifecycle_audit_abandoned(instance, status, failure ? failure->text : text);
	lifecycle_detach(instance);
	lifecycle_drop_segments(instance, SEGMENTS_ALL);
	instance_move(instance, INSTANCE_FAILED);
	instance_table_remove(&node->instances, instance);
	instance_free(instance);
	if (previous && previous->state == INSTANCE_REMOVING)
		instance_move(previous, previous->before_removal);
	if (previous)
		instance_table_show(&node->instances, previous);
	if (operation)
		operation_fail(operation, status, failure, "%s", text);
	node_wait_notice(node);
	node_check_progress(node);
}

/* The incarnation before makes room: its tokens are STALE from now on. */
static void retire_previous(struct instance *instance)
{
	struct node *node = instance->node;
	struct instance *previous = TAKE(instance->previous);

	if (!previous)
		return;
	if (instance_table_add_ended(&node->instances, previous->id) < 0)
		log_error("no memory to remember an earlier incarnation", "instance",
			  previous->name);
	if (previous->before_removal != INSTANCE_STOPPED)
		lifecycle_set_aside_segments(previous);
	list_for_each_safe (i, &previous->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		list_remove(i);
		grant_table_remove(node->grants, grant);
	}
	instance_table_remove(&node->instances, previous);
	instance_wake(previous);
	instance_free(previous);
}

/* The Admin that was made for a beginning which came to nothing. */
static void take_back_admin(struct instance *instance)
{
	struct grant *grant = TAKE(instance->operation->grant);

	if (!grant)
		return;
	list_remove(&grant->of_instance);
	grant_table_remove(instance->node->grants, grant);
}

/* It runs, but nobody will ever hear of it. A process of its own ends with its control socket; in
 * the pool it must be told. */
static void end_unstored(struct instance *instance)
{
	Wat__Host__FinishRequest request = WAT__HOST__FINISH_REQUEST__INIT;

	if (!instance->host || !instance->host->pool)
		return;
	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.status = WAT_STOPPED;
	if (host_request(instance->host, HOST_FINISH, &request.base, -1, NULL, NULL) < 0)
		log_error("no memory to end an instance that was not stored", "instance",
			  instance->name);
}

static void on_begun(void *arg, int r)
{
	struct instance *instance = arg;
	struct operation *operation;

	if (r < 0) {
		take_back_admin(instance);
		end_unstored(instance);
		lifecycle_abandon(instance, WAT_RESOURCE_EXHAUSTED, NULL,
				  "the new instance can't be stored and was not started; see the "
				  "log of watd");
		log_error("a spawn was not stored", "error", lifecycle_store_error(r));
		return;
	}
	CRASH_HERE(begin_stored);
	operation = TAKE(instance->operation);
	if (operation->grant)
		operation->grant->row.state = 2;
	instance->beginning = instance->looked = false;
	instance->begun_from = 0;
	retire_previous(instance);
	/* The host may have died while the database wrote. */
	if (instance->host) {
		lifecycle_ready(instance);
	} else {
		lifecycle_audit_death(instance, instance->failure);
		lifecycle_died(instance, true);
	}
	operation_conclude(operation);
}

/* The Admin of the incarnation, if it has one from the beginning: its row in memory (pending), in
 * the transaction, and its token in the reply. */
static int add_admin(struct instance *instance, struct store_txn *txn, uint8_t token[TOKEN_SIZE])
{
	struct node *node = instance->node;
	struct store_grant row;
	struct grant *grant;
	int r = node_mint(node, instance, TOKEN_ADMIN, "", instance->admin_holder_pk, UINT64_MAX, 0,
			  &row, token);

	if (r < 0)
		return r;
	row.state = 2;
	r = store_txn_put_grant(txn, &row);
	if (r < 0)
		return r;
	row.state = 1;
	r = grant_table_add(node->grants, &row, &grant);
	if (r < 0)
		return r;
	grant->instance = instance;
	list_append(&instance->grants, &grant->of_instance);
	instance->operation->grant = grant;
	return 0;
}

static int decide_reply(struct instance *instance,
			struct store_txn *txn,
			const uint8_t token[TOKEN_SIZE])
{
	Wat__Node__SpawnReply spawned = WAT__NODE__SPAWN_REPLY__INIT;
	Wat__Node__StartReply started = WAT__NODE__START_REPLY__INIT;
	Wat__Node__ImportReply imported = WAT__NODE__IMPORT_REPLY__INIT;
	ProtobufCBinaryData bytes = {token ? TOKEN_SIZE : 0, (uint8_t *)token};
	ProtobufCBinaryData id = {16, instance->id};

	if (lifecycle_is_restart(instance->operation))
		return lifecycle_decide_restarted(instance->operation, instance, txn);
	if (instance->operation->answer == ANSWER_OF_NODE(NODE_SPAWN)) {
		spawned.token = bytes;
		spawned.incarnation = id;
		spawned.generation = instance->generation;
		spawned.service = instance->service;
		return operation_decide(instance->operation, &spawned.base, txn);
	}
	if (instance->operation->answer == ANSWER_OF_NODE(NODE_IMPORT)) {
		imported.token = bytes;
		imported.incarnation = id;
		imported.generation = instance->generation;
		imported.service = instance->service;
		imported.name = instance->name;
		return operation_decide(instance->operation, &imported.base, txn);
	}
	started.token = bytes;
	started.incarnation = id;
	started.generation = instance->generation;
	started.service = instance->service;
	return operation_decide(instance->operation, &started.base, txn);
}

/* Everything a beginning leaves in the store, in one transaction. */
static int commit_beginning(struct instance *instance)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = lifecycle_txn(instance, STORE_RUNNING);
	Wat__Host__Snapshot snapshot = instance_snapshot(instance);
	uint8_t token[TOKEN_SIZE];
	int r;

	if (!txn)
		return -ENOMEM;
	if (instance->previous && (r = store_txn_end_incarnation(txn, instance->previous->id)) < 0)
		return r;
	if ((r = lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_START, &snapshot)) < 0 ||
	    (instance->wants_admin && (r = add_admin(instance, txn, token)) < 0) ||
	    (r = decide_reply(instance, txn, instance->wants_admin ? token : NULL)) < 0 ||
	    (r = lifecycle_audit_begun(instance, txn)) < 0)
		return r;
	store_submit(instance->node->store, TAKE(txn), on_begun, instance);
	return 0;
}

static void begun(struct instance *instance)
{
	int r = commit_beginning(instance);

	if (r == 0)
		return;
	take_back_admin(instance);
	end_unstored(instance);
	refused(instance, WAT_RESOURCE_EXHAUSTED, NULL, "watd has no memory for the new instance");
}

/* The number of the generation is stored, so that no other one gets it. Its host may have died
 * meanwhile: that was seen to. */
static void on_went_on(struct instance *instance, void *arg, int r)
{
	struct operation *operation = arg;

	if (instance && r >= 0)
		lifecycle_verdict_stored(instance);
	if (instance && instance->host && instance->state == INSTANCE_STARTING)
		lifecycle_ready(instance);
	if (operation)
		operation_conclude(operation);
}

/* A later generation: its number is new, and with a journal what was recovered. Until that is
 * stored the old segments stay. */
static int went_on(struct instance *instance,
		   const Wat__Host__StartReply *reply,
		   const struct host_answer *answer)
{
	struct store_txn *txn = lifecycle_txn(instance, STORE_RUNNING);
	struct lifecycle_stored what = {.then = on_went_on, .arg = instance->operation};

	if (instance_has_journal(instance)) {
		user_end_take_lives(instance, reply);
		CRASH_HERE(start_answered);
		what.snapshot = reply->snapshot;
		what.fd = answer->fd;
	}
	if (txn && ((instance->operation && decide_reply(instance, txn, NULL) < 0) ||
		    lifecycle_audit_again(instance, txn) < 0))
		txn = store_txn_free(txn);
	if (lifecycle_store_then(instance, txn, &what) < 0)
		return -ENOMEM;
	instance->operation = NULL;
	instance->resuming = false;
	return 0;
}

static int take_answer(struct instance *instance, const struct host_answer *answer)
{
	ProtobufCMessage *message;
	const Wat__Host__StartReply *reply;
	int r = check_unpack(&wat__host__start_reply__descriptor, NULL, answer->body, answer->n,
			     &message, NULL);

	if (r < 0)
		return r;
	reply = (const Wat__Host__StartReply *)message;
	r = instance->beginning ? lifecycle_take_snapshot(instance, reply->snapshot, answer->fd)
				: went_on(instance, reply, answer);
	protobuf_c_message_free_unpacked(message, NULL);
	return r;
}

/* What does not decode is in a snapshot, and there may be others. */
static void refused_by_host(struct instance *instance, const struct host_answer *answer)
{
	const char *why = answer->failure ? answer->failure->text : "the host refused to start it";
	uint64_t seq = instance->beginning ? instance->begun_from : instance->snapshot;
	char text[WAT_FAILURE_TEXT_MAX], advice[128];

	if (seq == 0 ||
	    (answer->status != WAT_INVALID_ARGUMENT && answer->status != WAT_TOO_LARGE)) {
		refused(instance, answer->status, answer->failure, why);
		return;
	}
	instance_snapshot_advice(instance, advice, sizeof advice);
	(void)snprintf(text, sizeof text, "snapshot %" PRIu64 " of %s can't be started: %s; %s",
		       seq, instance->name, why, advice);
	refused(instance, WAT_DATA_LOSS, NULL, text);
}

static void on_started(void *arg, const struct host_answer *answer)
{
	struct instance *instance = arg;
	int r;

	/* lifecycle_host_died sees to it. */
	if (answer->died)
		return;
	if (answer->status != WAT_OK) {
		refused_by_host(instance, answer);
		return;
	}
	r = take_answer(instance, answer);
	if (r < 0)
		refused(instance, WAT_START_FAILED, NULL,
			r == -ENOMEM ? "watd has no memory to go on with it"
				     : "the host gave no state that can be read");
	else if (instance->beginning)
		begun(instance);
}

void lifecycle_resume(struct instance *instance)
{
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;
	struct node *node = instance->node;
	char text[256];

	instance->generation++;
	instance->resuming = true;
	instance->origin = node->start;
	if (!instance->committed) {
		instance_damage(instance, text, sizeof text);
		refused(instance, WAT_DATA_LOSS, NULL, text);
		return;
	}
	if (catalog_find(&node->catalog, instance->service, &file, &service) != CATALOG_FOUND) {
		refused(instance, WAT_START_FAILED, NULL,
			"its plugin is not in the plugin directory");
		return;
	}
	lifecycle_warn(instance, file, service);
	instance_set_service(instance, file->path, file->schema_digest, service);
	lifecycle_start(instance, false);
}
