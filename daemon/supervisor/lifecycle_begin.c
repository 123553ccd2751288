/* lifecycle_begin.c - an instance that is new, a new incarnation, or one that failed and goes on.
 * Loop thread. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/policy.h"

static struct instance *instance_for(struct operation *operation,
				     const struct lifecycle_begin *begin)
{
	struct instance *instance = instance_new(operation->node, begin->name);

	if (!instance ||
	    instance_set_committed(instance, begin->state, begin->state_len, clock_unix_ms()) < 0)
		return instance_free(instance);
	randombytes_buf(instance->id, sizeof instance->id);
	(void)snprintf(instance->service, sizeof instance->service, "%s", begin->service->name);
	instance_set_service(instance, begin->file->path, begin->file->schema_digest,
			     begin->service);
	instance->wants_admin = begin->holder_pk != NULL;
	if (begin->holder_pk)
		memcpy(instance->admin_holder_pk, begin->holder_pk,
		       sizeof instance->admin_holder_pk);
	instance->interface_hash = begin->service->interface_hash;
	instance->tier = begin->tier;
	instance->durability = begin->durability;
	if (begin->owner)
		memcpy(instance->owner, begin->owner, sizeof instance->owner);
	instance->owner_session = begin->owner_session;
	/* The same code is no better for having been stopped. */
	if (begin->previous && strcmp(begin->previous->service, instance->service) == 0)
		memcpy(instance->isolated, begin->previous->isolated, sizeof instance->isolated);
	/* Nothing that was allowed after the snapshot is allowed by it. */
	instance->epoch = begin->previous ? begin->previous->epoch + begin->back : 1;
	instance->begun_from = begin->from;
	if (begin->note)
		(void)snprintf(instance->begun_note, sizeof instance->begun_note, ", %s",
			       begin->note);
	instance->looked = begin->back;
	instance->earlier = begin->earlier;
	if (begin->restart)
		instance->policy.when = begin->restart;
	policy_take(instance);
	instance->generation = 1;
	instance->created_ms = clock_unix_ms();
	instance->beginning = true;
	instance->operation = operation;
	instance->origin = operation->origin;
	instance->previous = begin->previous;
	return instance;
}

/* Nobody does anything with it, until it has made room or is shown again. */
static void hide_previous(struct instance *previous)
{
	previous->before_removal = previous->state;
	if (instance_is_given_up(previous))
		instance_move(previous, INSTANCE_REMOVING);
	instance_table_hide(&previous->node->instances, previous);
}

void lifecycle_begin(struct operation *operation, const struct lifecycle_begin *begin)
{
	struct instance *instance = instance_for(operation, begin);

	if (!instance) {
		operation_fail(operation, WAT_OVERLOADED, NULL, "no memory");
		return;
	}
	lifecycle_warn(instance, begin->file, begin->service);
	if (begin->previous)
		hide_previous(begin->previous);
	instance_table_add(&operation->node->instances, instance);
	groups_forget(instance);
	lifecycle_start(instance, true);
}

void lifecycle_revive(struct operation *operation, struct instance *instance)
{
	instance->operation = operation;
	instance->origin = operation->origin;
	instance->restarts = (struct restart_history){0};
	groups_forget(instance);
	instance->in_order = false;
	instance->generation++;
	lifecycle_take_installed_plugin(instance);
	instance_move(instance, INSTANCE_STARTING);
	lifecycle_start(instance, false);
}
