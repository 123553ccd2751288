/* lifecycle_audit.c - what the audit hears of an instance's life. Loop thread. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

static enum audit_kind kind_of(const struct operation *operation)
{
	switch (operation->answer) {
	case ANSWER_OF_NODE(NODE_SPAWN):
		return AUDIT_SPAWN;
	case ANSWER_OF_NODE(NODE_IMPORT):
		return AUDIT_IMPORT;
	default:
		return AUDIT_START;
	}
}

int lifecycle_audit_begun(const struct instance *instance, struct store_txn *txn)
{
	const struct grant *admin = instance->operation->grant;
	char detail[sizeof instance->service + sizeof instance->begun_note];
	const struct audit begun = {
		.kind = kind_of(instance->operation),
		.origin = &instance->origin,
		.instance = instance,
		.detail = detail,
	};
	const struct audit granted = {
		.kind = AUDIT_GRANT,
		.origin = &instance->origin,
		.instance = instance,
		.grant = admin ? &admin->row : NULL,
		.detail = "Admin",
	};
	int r;

	(void)snprintf(detail, sizeof detail, "%s%s", instance->service, instance->begun_note);
	r = audit_add(txn, &begun);
	/* Watd begins what its configuration says without one. */
	return r < 0 || !admin ? r : audit_add(txn, &granted);
}

int lifecycle_audit_again(const struct instance *instance, struct store_txn *txn)
{
	const struct audit again = {
		.kind = instance->in_order    ? AUDIT_RESTART_ORDERED
			: instance->operation ? AUDIT_START
			: instance->resuming  ? AUDIT_RESUME
					      : AUDIT_RESTART,
		.origin = &instance->origin,
		.instance = instance,
		.detail = instance->service,
	};

	return audit_add(txn, &again);
}

void lifecycle_audit_abandoned(const struct instance *instance, wat_status status, const char *text)
{
	const struct audit abandoned = {
		.kind = AUDIT_START_FAILED,
		.origin = &instance->origin,
		.instance = instance,
		.status = status,
		.detail = text,
	};

	audit_record(instance->node, &abandoned);
}

/* The event, with what show tells of it. NULL: no memory. */
static struct store_txn *death_txn(const struct instance *instance,
				   const Wat__Envelope__Failure *failure)
{
	struct store_txn *txn = store_txn_new();
	size_t n = wat__envelope__failure__get_packed_size(failure);
	_cleanup_(freep) uint8_t *bytes = malloc(n + 1);

	if (!txn || !bytes)
		return store_txn_free(txn);
	wat__envelope__failure__pack(failure, bytes);
	return store_txn_add_death(txn, instance->id, bytes, n) < 0 ? store_txn_free(txn) : txn;
}

void lifecycle_audit_death(struct instance *instance, const Wat__Envelope__Failure *failure)
{
	const struct audit death = {
		.kind = AUDIT_DEATH,
		.origin = &instance->origin,
		.instance = instance,
		.status = WAT_SERVER_DIED,
		.detail = failure ? failure->text : NULL,
	};

	if (!failure) {
		audit_record(instance->node, &death);
		return;
	}
	instance_add_death(instance, failure_copy(failure));
	lifecycle_commit_with(instance, death_txn(instance, failure), &death);
}
