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
#include "daemon/supervisor/owner.h"
#include "daemon/supervisor/user_end.h"
#include "proto/carried.h"
#include "proto/check.h"
#include "proto/failure.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

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

void lifecycle_refused(struct instance *instance,
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
		lifecycle_refused(instance, WAT_START_FAILED, NULL, text);
		return;
	}
	if (lifecycle_provide_plugin(instance, text) < 0) {
		log_error("an instance can't be started", "instance", instance->name, "why", text);
		lifecycle_refused(instance, WAT_START_FAILED, NULL, text);
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
	lifecycle_refused(instance, WAT_START_FAILED, NULL, text);
}

void lifecycle_ready(struct instance *instance)
{
	instance_move(instance, INSTANCE_READY);
	user_end_go_on(instance);
	grant_files_ready(instance->node, instance);
	owner_ready(instance);
	/* If watd goes down, so does it. */
	node_check_progress(instance->node);
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
	if (txn && ((instance->operation && lifecycle_decide_reply(instance, txn, NULL) < 0) ||
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
		lifecycle_refused(instance, answer->status, answer->failure, why);
		return;
	}
	instance_snapshot_advice(instance, advice, sizeof advice);
	(void)snprintf(text, sizeof text, "snapshot %" PRIu64 " of %s can't be started: %s; %s",
		       seq, instance->name, why, advice);
	lifecycle_refused(instance, WAT_DATA_LOSS, NULL, text);
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
		lifecycle_refused(instance, WAT_START_FAILED, NULL,
				  r == -ENOMEM ? "watd has no memory to go on with it"
					       : "the host gave no state that can be read");
	else if (instance->beginning)
		lifecycle_begun(instance);
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
		lifecycle_refused(instance, WAT_DATA_LOSS, NULL, text);
		return;
	}
	if (catalog_find(&node->catalog, instance->service, &file, &service) != CATALOG_FOUND) {
		lifecycle_refused(instance, WAT_START_FAILED, NULL,
				  "its plugin is not in the plugin directory");
		return;
	}
	lifecycle_warn(instance, file, service);
	instance_set_service(instance, file->path, file->schema_digest, service);
	lifecycle_start(instance, false);
}
