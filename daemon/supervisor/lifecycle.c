/* lifecycle.c - parts that every way through an instance's life uses. Loop thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/denials.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/stack.h"
#include "daemon/supervisor/stuck.h"
#include "proto/carried.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

void lifecycle_detach(struct instance *instance)
{
	struct host *host = instance->host;

	if (!host)
		return;
	list_remove(&instance->of_host);
	host_release_slot(host, instance->slot);
	stuck_forget(instance);
	instance->host = NULL;
	lifecycle_note_place(instance);
	if (!host->pool)
		host_end(host);
}

void lifecycle_warn(const struct instance *instance,
		    const struct plugin_file *file,
		    const Wat__Manifest__Service *service)
{
	if (file->warning && service->deterministic)
		log_warning("a journal may not run again as it ran", "instance", instance->name,
			    "plugin", file->path, "why", file->warning);
}

int lifecycle_txn_put(struct store_txn *txn,
		      const struct instance *instance,
		      enum store_instance_state state)
{
	_cleanup_(freep) uint8_t *failure = NULL;
	struct store_instance row;
	int r = instance_to_row(instance, state, &row, &failure);

	return r < 0 ? r : store_txn_put_instance(txn, &row);
}

struct store_txn *lifecycle_txn(struct instance *instance, enum store_instance_state state)
{
	struct store_txn *txn = store_txn_new();

	return txn && lifecycle_txn_put(txn, instance, state) < 0 ? store_txn_free(txn) : txn;
}

int lifecycle_txn_add_snapshot(struct store_txn *txn,
			       struct instance *instance,
			       enum store_snapshot_kind kind,
			       const Wat__Host__Snapshot *snapshot)
{
	struct node *node = instance->node;
	struct store_snapshot row = {
		.seq = store_next_snapshot(node->store),
		.generation = instance->generation,
		.kind = kind,
		.at_ms = clock_unix_ms(),
		.state = snapshot->state.data,
		.state_len = snapshot->state.len,
		.lanes = snapshot->lanes.data,
		.lanes_len = snapshot->lanes.len,
		.last_seq = snapshot->last_seq,
		.has_interface = true,
	};

	memcpy(row.name, instance->name, sizeof row.name);
	memcpy(row.instance_id, instance->id, sizeof row.instance_id);
	memcpy(row.service, instance->service, sizeof row.service);
	memcpy(row.schema, instance->schema, sizeof row.schema);
	memcpy(row.interface, instance->interface, sizeof row.interface);
	instance->snapshot = row.seq;
	instance->damaged = false;
	return store_txn_put_snapshot(txn, &row, &node->options->limits.keep);
}

static void on_committed(void *arg, int r)
{
	(void)arg;
	if (r < 0)
		log_error("the database does not take a change; what is running goes on", "error",
			  lifecycle_store_error(r));
}

void lifecycle_commit(struct instance *instance, struct store_txn *txn)
{
	if (txn)
		store_submit(instance->node->store, txn, on_committed, NULL);
	else
		log_error("no memory for a change of the database", "instance", instance->name);
}

void lifecycle_commit_with(struct instance *instance,
			   struct store_txn *txn,
			   const struct audit *what)
{
	struct store_event event;

	audit_event(what, &event);
	event.stands = true;
	if (txn && store_txn_add_event(txn, &event) < 0)
		txn = store_txn_free(txn);
	if (!txn)
		audit_record_event(instance->node, &event);
	lifecycle_commit(instance, txn);
}

Wat__Envelope__Failure *lifecycle_failure(const struct instance *instance,
					  Wat__Envelope__CauseKind kind,
					  int signal,
					  const char *method,
					  const char *text)
{
	struct failure_cause cause = {
		.kind = kind,
		.service = instance->service,
		.instance = instance->name,
		.method = method,
		.text = text,
		.generation = instance->generation,
		.time_ms = clock_unix_ms(),
		.signal = (uint32_t)signal,
	};
	Wat__Envelope__Failure *failure = failure_new("%s", text);

	if (failure && failure_add_cause(failure, &cause) < 0)
		return failure_free(failure);
	return failure;
}

const char *lifecycle_store_error(int r)
{
	switch (r) {
	case -ENOSPC:
		return "the disk is full";
	case -EIO:
		return "the disk can't be written";
	case -EBADMSG:
		return "the database is damaged";
	default:
		return strerror(-r);
	}
}

int lifecycle_take_snapshot(struct instance *instance, const Wat__Host__Carried *carried, int fd)
{
	Wat__Host__Snapshot *snapshot;
	int r = carried_open(carried, fd, &snapshot);

	if (r < 0)
		return r;
	r = instance_set_snapshot(instance, snapshot, clock_unix_ms());
	wat__host__snapshot__free_unpacked(snapshot, NULL);
	return r;
}

/* Checkpoint: a snapshot on its way into the store. */
struct checkpoint {
	struct node *node;
	uint8_t instance_id[16];
	uint64_t at_ms;
	uint64_t segment;                                  /* the first one that is not in it */
	Wat__Host__Snapshot *snapshot;                     /* NULL: none */
	void (*then)(struct instance *, void *arg, int r); /* NULL: nothing */
	void *arg;
	uint64_t generation;
};

static void checkpoint_free(struct checkpoint *checkpoint)
{
	if (checkpoint && checkpoint->snapshot)
		wat__host__snapshot__free_unpacked(checkpoint->snapshot, NULL);
	free(checkpoint);
}

static void drop_segments(const struct instance *instance, uint64_t below)
{
	CRASH_HERE(checkpoint_stored);
	lifecycle_drop_segments(instance, below);
}

static void take_stored(const struct checkpoint *checkpoint, struct instance *instance, int r)
{
	if (r < 0)
		log_error("a checkpoint was not stored; the one before is kept", "instance",
			  instance ? instance->name : "", "error", lifecycle_store_error(r));
	else if (instance && checkpoint->snapshot &&
		 instance_set_snapshot(instance, checkpoint->snapshot, checkpoint->at_ms) < 0)
		log_error("no memory for a checkpoint's state", "instance", instance->name);
	else if (instance && checkpoint->snapshot && checkpoint->segment > 0)
		drop_segments(instance, checkpoint->segment);
}

/* What comes then comes also if nothing could be stored: the instance runs, and its journal has
 * everything. */
static void on_checkpointed(void *arg, int r)
{
	struct checkpoint *checkpoint = arg;
	struct instance *instance =
		instance_table_by_id(&checkpoint->node->instances, checkpoint->instance_id);

	take_stored(checkpoint, instance, r);
	if (checkpoint->then)
		checkpoint->then(instance && instance->generation == checkpoint->generation
					 ? instance
					 : NULL,
				 checkpoint->arg, r);
	checkpoint_free(checkpoint);
}

/* Whom a host's event is about; NULL: nobody that it runs now. */
struct instance *lifecycle_of_event(struct host *host,
				    const ProtobufCBinaryData *id,
				    uint64_t generation)
{
	struct instance *instance =
		id->len == 16 ? instance_table_by_id(&host->node->instances, id->data) : NULL;

	if (!instance || instance->host != host || generation != instance->generation)
		return NULL;
	return instance;
}

/* The host may say anything: what it says is cut to size. */
static void set_panic(struct instance *instance,
		      const char *method,
		      const char *text,
		      const uint64_t *stack,
		      size_t n_stack)
{
	Wat__Envelope__Failure *failure;
	char name[128];

	(void)snprintf(name, sizeof name, "%s", method);
	failure = lifecycle_failure(instance, WAT__ENVELOPE__CAUSE_KIND__PANIC, 0, name, text);
	if (failure) {
		stack_add_panic(failure->chain[0], instance, stack, n_stack);
		stack_log(failure->chain[0], instance);
	}
	instance_set_failure(instance, failure);
}

void lifecycle_panicked(struct host *host, const Wat__Host__Panicked *message)
{
	struct instance *instance =
		lifecycle_of_event(host, &message->instance_id, message->generation);
	char text[WAT_FAILURE_TEXT_MAX];

	if (!instance)
		return;
	(void)snprintf(text, sizeof text, "%.100s panicked: %s", message->method, message->text);
	set_panic(instance, message->method, text, message->stack, message->n_stack);
}

void lifecycle_rebuilt(struct host *host, const Wat__Host__Rebuilt *message)
{
	struct instance *instance =
		lifecycle_of_event(host, &message->instance_id, message->generation);
	char text[WAT_FAILURE_TEXT_MAX];
	const struct audit rebuilt = {
		.kind = AUDIT_REBUILT,
		.origin = instance ? &instance->origin : NULL,
		.instance = instance,
		.detail = message->text,
	};

	if (!instance)
		return;
	instance->origin = origin_new(host->node);
	(void)snprintf(text, sizeof text,
		       "a panic left the state in doubt, so it was built again from the last "
		       "committed one; %s: %s",
		       instance_has_journal(instance) ? "nothing acknowledged is lost"
						      : "calls acknowledged since then are lost",
		       message->text);
	audit_record(host->node, &rebuilt);
	set_panic(instance, message->method, text, message->stack, message->n_stack);
}

int lifecycle_store_then(struct instance *instance,
			 struct store_txn *changes,
			 const struct lifecycle_stored *what)
{
	struct checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
	_cleanup_(store_txn_freep) struct store_txn *txn = changes;
	int r = checkpoint && txn ? 0 : -ENOMEM;

	if (checkpoint)
		checkpoint->snapshot = what->added;
	if (r == 0 && what->snapshot)
		r = carried_open(what->snapshot, what->fd, &checkpoint->snapshot);
	if (r == 0 && what->snapshot)
		r = lifecycle_txn_add_snapshot(txn, instance, STORE_SNAPSHOT_CHECKPOINT,
					       checkpoint->snapshot);
	if (r < 0) {
		checkpoint_free(checkpoint);
		return r;
	}
	checkpoint->node = instance->node;
	memcpy(checkpoint->instance_id, instance->id, 16);
	checkpoint->at_ms = clock_unix_ms();
	checkpoint->segment = instance_has_journal(instance) ? instance->segment : 0;
	checkpoint->generation = instance->generation;
	checkpoint->then = what->then;
	checkpoint->arg = what->arg;
	store_submit(instance->node->store, TAKE(txn), on_checkpointed, checkpoint);
	return 0;
}

int lifecycle_store_snapshot(struct instance *instance, const Wat__Host__Carried *carried, int fd)
{
	const struct lifecycle_stored what = {.snapshot = carried, .fd = fd};

	return lifecycle_store_then(instance, store_txn_new(), &what);
}

void lifecycle_denied(struct host *host, const Wat__Host__Denied *message)
{
	const struct instance *instance =
		lifecycle_of_event(host, &message->instance_id, message->generation);
	const struct grant *grant =
		message->grant_id.len == 16
			? grant_table_find(host->node->grants, message->grant_id.data)
			: NULL;
	struct origin origin = {
		.invocation = message->invocation,
		.has_peer = message->uid != (uid_t)-1,
		.uid = message->uid,
		.pid = (pid_t)message->pid,
	};
	char text[160];
	const struct audit denial = {
		.kind = AUDIT_DENY,
		.origin = &origin,
		.instance = instance,
		.grant = grant ? &grant->row : NULL,
		.status = WAT_ACCESS_DENIED,
		.detail = text,
	};

	if (!instance || (grant && grant->instance != instance) || message->count == 0)
		return;
	(void)snprintf(origin.address, sizeof origin.address, "%s", message->address);
	(void)snprintf(text, sizeof text, "this capability does not allow %.64s", message->method);
	denials_add_many(host->node->denials, &denial, message->count);
}

void lifecycle_checkpoint(struct host *host, const Wat__Host__Checkpoint *message, int fd)
{
	struct instance *instance =
		lifecycle_of_event(host, &message->instance_id, message->generation);
	int r;

	/* One that was overtaken by a stop must not replace what came after it. */
	if (!instance || instance->state != INSTANCE_READY)
		return;
	r = lifecycle_store_snapshot(instance, message->snapshot, fd);
	if (r < 0)
		log_error("a checkpoint can't be stored", "instance", instance->name, "error",
			  strerror(-r));
}
