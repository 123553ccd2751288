/* isolation.c - who is kept out of the pool. Loop thread. */
#include "daemon/supervisor/isolation.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/supervisor/lifecycle_parts.h"

/* What ran at two deaths of a pool that are no further apart is under suspicion. */
#define SOON_MS 60000u

bool isolation_is_pooled(const struct instance *instance)
{
	return instance->tier == INSTANCE_THREAD && !*instance->isolated;
}

static enum store_instance_state stored_state(const struct instance *instance)
{
	enum instance_state state = instance->state == INSTANCE_STOPPING ? instance->before_stop
				    : instance->state == INSTANCE_REMOVING
					    ? instance->before_removal
					    : instance->state;

	if (state == INSTANCE_STOPPED)
		return STORE_STOPPED;
	if (state == INSTANCE_QUARANTINED)
		return STORE_QUARANTINED;
	return state == INSTANCE_FAILED ? STORE_FAILED : STORE_RUNNING;
}

static void isolate_as(struct instance *instance, const char *format, const char *method)
{
	const struct audit isolated = {.kind = AUDIT_ISOLATE,
				       .origin = &instance->origin,
				       .instance = instance,
				       .detail = instance->isolated};

	/* What never began leaves nothing behind. */
	if (instance->beginning)
		return;
	(void)snprintf(instance->isolated, sizeof instance->isolated, format,
		       *method ? method : "its own");
	lifecycle_commit_with(instance, lifecycle_txn(instance, stored_state(instance)), &isolated);
}

static void isolate(struct instance *instance, const char *format)
{
	isolate_as(instance, format,
		   instance->death && instance->death->n_chain > 0
			   ? instance->death->chain[0]->method
			   : "");
}

void isolation_adopt(struct instance *instance, const char *method)
{
	if (isolation_is_pooled(instance))
		isolate_as(instance, "the pool died while it ran %s", method);
}

static bool is_fault(const struct host *host, const struct host_death *death)
{
	return !host->ending && !death->because_of &&
	       (death->signal != 0 || death->exit_code != ATTRIBUTION_EXIT_OF_HOST);
}

static bool ran_before(const struct instance *instance)
{
	const struct node *node = instance->node;

	return node->n_pool_faults > 0 && instance->ran_at_fault == node->n_pool_faults &&
	       clock_monotonic_ms() - node->pool_fault_ms <= SOON_MS;
}

void isolation_judge(struct host *host, const struct host_death *death)
{
	bool fault = is_fault(host, death);

	if (!host->pool)
		return;
	list_for_each (i, &host->instances) {
		struct instance *instance = container_of(i, struct instance, of_host);

		if (instance->guilty)
			isolate(instance, "the pool died while it ran %s");
		else if (fault && instance->died_in && ran_before(instance))
			isolate(instance, "it ran %s at two deaths of the pool, one soon after "
					  "the other");
	}
	if (!fault)
		return;
	host->node->n_pool_faults++;
	host->node->pool_fault_ms = clock_monotonic_ms();
	list_for_each (i, &host->instances) {
		struct instance *instance = container_of(i, struct instance, of_host);

		if (instance->died_in)
			instance->ran_at_fault = host->node->n_pool_faults;
	}
}

wat_status isolation_check_release(struct wat_call *call, const struct instance *instance)
{
	if (instance->node->suspending)
		return call->api->fail(call, WAT_UNAVAILABLE, "watd is going down; try again");
	if (*instance->isolated)
		return WAT_OK;
	return call->api->fail(call, WAT_FAILED_PRECONDITION,
			       "\"%s\" is not isolated, so there is nothing to release it from",
			       instance->name);
}

void isolation_release(struct operation *operation)
{
	struct instance *instance = operation->instance;
	char why[sizeof instance->isolated];
	const struct audit released = {.kind = AUDIT_RELEASE,
				       .origin = &operation->origin,
				       .instance = instance,
				       .detail = why};

	memcpy(why, instance->isolated, sizeof why);
	*instance->isolated = '\0';
	instance->ran_at_fault = 0;
	lifecycle_commit_with(instance, lifecycle_txn(instance, stored_state(instance)), &released);
	/* It has no process to leave. */
	if (instance_is_given_up(instance) || instance_is_over(instance) ||
	    instance->state == INSTANCE_BACKOFF)
		lifecycle_answer_as_it_is(operation);
	else
		lifecycle_restart_when_settled(operation);
}
