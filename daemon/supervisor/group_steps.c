/* group_steps.c - what follows the death of a member, one step at a time: members end in order,
 * start again, or are stopped. Loop thread. Each step ends with a change of a member's state, and
 * the next one begins from the loop: what moves an instance never moves another one below it. */
#include <event2/event.h>
#include <stdio.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/group_parts.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"

void groups_changed(struct node *node)
{
	list_for_each (i, &node->groups.all) {
		if (container_of(i, struct group, link)->phase != GROUP_IDLE) {
			event_active(node->groups.step, EV_TIMEOUT, 0);
			return;
		}
	}
}

static enum group_member stand_of(const struct group *group, const struct instance *instance)
{
	if (!instance)
		return MEMBER_OUT;
	/* One whose turn at the start of watd has not come may wait for one that is held. */
	if (instance->waits)
		return group->phase == GROUP_FAILING ? MEMBER_MOVING : MEMBER_OUT;
	if (instance->held)
		return MEMBER_HELD;
	switch (instance->state) {
	case INSTANCE_READY:
		if (instance->operation || instance_is_doomed(instance))
			return MEMBER_MOVING;
		return instance->left ? MEMBER_OUT : MEMBER_UP;
	case INSTANCE_STOPPING:
		/* Its final state could not be stored, and it waits for another Stop. */
		return instance->drained && !instance->operation ? MEMBER_OUT : MEMBER_MOVING;
	case INSTANCE_STARTING:
	case INSTANCE_RESTARTING:
	case INSTANCE_BACKOFF:
		return MEMBER_MOVING;
	case INSTANCE_STOPPED:
	case INSTANCE_REMOVING:
	case INSTANCE_SUSPENDED:
	case INSTANCE_FAILED:
	case INSTANCE_QUARANTINED:
	default:
		return MEMBER_OUT;
	}
}

static void on_stopped(void *arg,
		       const struct operation *operation,
		       wat_status status,
		       const char *text)
{
	struct instance *instance = operation->instance;

	if (status != WAT_OK && status != WAT_SERVER_DIED) {
		log_warning("an instance is not stopped with its group", "instance", instance->name,
			    "why", text, "help", "stop it again when that is mended");
		instance->left = true;
		group_unmark(instance);
	}
	groups_changed(arg);
}

static void stop(struct group *group, struct instance *instance)
{
	struct operation *operation =
		operation_own(group->node, ANSWER_OF_ADMIN(ADMIN_STOP), on_stopped, group->node);

	if (!operation) {
		log_error("no memory to stop an instance with its group", "instance",
			  instance->name);
		instance->left = true;
		groups_changed(group->node);
		return;
	}
	operation->instance = instance;
	operation->origin = group->origin;
	lifecycle_stop(operation, instance);
}

/* One that could not be ended goes on as it is. */
static void end(const struct group *group, struct instance *instance)
{
	instance->left = true;
	instance->origin = group->origin;
	lifecycle_restart(instance);
}

static void tell_failed(const struct group *group)
{
	const struct instance *culprit =
		instance_table_by_name(&group->node->instances, group->culprit);
	const struct audit failed = {
		.kind = AUDIT_GROUP_FAILED,
		.origin = &group->origin,
		.instance = culprit,
		.status = WAT_SERVER_DIED,
		.detail = culprit && culprit->failure ? culprit->failure->text : group->name,
	};

	audit_record(group->node, &failed);
}

static void begin_starting(struct group *group)
{
	group->phase = GROUP_STARTING;
	groups_changed(group->node);
}

void group_on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct group *group = arg;

	(void)fd;
	(void)what;
	if (group->phase == GROUP_PAUSING)
		begin_starting(group);
}

static void pause_or_start(struct group *group)
{
	struct timeval pause = {.tv_sec = (time_t)(group->pause_ms / 1000),
				.tv_usec = (long)(group->pause_ms % 1000) * 1000};

	group->phase = GROUP_PAUSING;
	if (group->pause_ms == 0 || evtimer_add(group->pause, &pause) < 0)
		begin_starting(group);
}

static void end_phase(struct group *group)
{
	switch (group->phase) {
	case GROUP_ENDING:
		pause_or_start(group);
		return;
	case GROUP_FAILING:
		group->phase = GROUP_IDLE;
		tell_failed(group);
		return;
	case GROUP_STARTING:
	case GROUP_IDLE:
	case GROUP_PAUSING:
	default:
		group->phase = GROUP_IDLE;
	}
}

/* Once for all that died together. */
static void note_restart(const struct group *group)
{
	const struct instance *culprit =
		instance_table_by_name(&group->node->instances, group->culprit);
	char detail[160];
	const struct audit restart = {.kind = AUDIT_GROUP_RESTART,
				      .origin = &group->origin,
				      .instance = culprit,
				      .detail = detail};

	(void)snprintf(detail, sizeof detail, "group %s (%s): %zu of its %zu instances",
		       group->name, group_strategy_name(group->policy.strategy),
		       group->n_members - group->from, group->n_members);
	audit_record(group->node, &restart);
}

static void step(struct group *group)
{
	struct group_next next;

	if (group->news)
		note_restart(group);
	group->news = false;
	for (size_t m = 0; m < group->n_members; m++)
		group->stand[m] = stand_of(group, group_instance(group, m));
	next = group_next(group->phase, group->stand, group->n_members, group->from);
	switch (next.step) {
	case GROUP_END:
		end(group, group_instance(group, next.member));
		return;
	case GROUP_START:
		lifecycle_start_again(group_instance(group, next.member));
		return;
	case GROUP_STOP:
		stop(group, group_instance(group, next.member));
		return;
	case GROUP_DONE:
		end_phase(group);
		return;
	case GROUP_WAIT:
	default:
		return;
	}
}

/* A step that changes a member's state asks for the next one. */
void groups_on_step(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	/* What is left to be done is done by the next watd. */
	if (node->suspending)
		return;
	list_for_each (i, &node->groups.all) {
		struct group *group = container_of(i, struct group, link);

		if (group->phase != GROUP_IDLE)
			step(group);
	}
}
