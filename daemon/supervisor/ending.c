/* ending.c - the order in which watd goes down: that of `after`, backward. Loop thread. */
#include "daemon/supervisor/ending.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "proto/token.h"

#define OVERDUE_S 5    /* how often an end that takes long says what it waits for: */
#define LATE_MS 2500u  /* this is long */
#define OVERDUE_MAX 10 /* of so many instances at a time */

static bool is_down(const struct instance *instance)
{
	return instance->state == INSTANCE_SUSPENDED || instance_is_over(instance) ||
	       instance_is_given_up(instance);
}

static bool comes_after(const struct config_section *section, const char *name)
{
	const char *at = config_text(section, INSTANCE_KEY_after);
	char word[VALUE_WORD_SIZE];

	while (at && value_next(&at, word, sizeof word))
		if (strcmp(word, name) == 0)
			return true;
	return false;
}

static bool is_needed(const struct node *node, const char *name)
{
	config_for_each (section, node->options->config, CONFIG_INSTANCE) {
		const struct instance *other =
			instance_table_by_name(&node->instances, section->name);

		if (other && !is_down(other) && comes_after(section, name))
			return true;
	}
	return false;
}

static void consider(struct instance *instance)
{
	if (is_down(instance) || instance->suspends || is_needed(instance->node, instance->name))
		return;
	/* The others come back here when they are ready, or go by themselves. */
	instance->suspends = instance->state == INSTANCE_READY;
	/* Ready to the end: it moves to no other state before it is down. */
	notify_changed(instance->node);
	lifecycle_suspend(instance);
}

void ending_wake(struct node *node)
{
	list_for_each_safe (i, &node->instances.all) {
		instance_wake(container_of(i, struct instance, all));
	}
}

/* Over the gate's connections the channels of their Users run, too. */
static bool carries_channels(const struct session *session)
{
	for (size_t i = 0; session->gated && i < session->n_bindings; i++)
		if (session->bindings[i].used && session->bindings[i].role == TOKEN_USER)
			return true;
	return false;
}

static bool only_waits(const struct session *session)
{
	if (session->closing || list_empty(&session->calls) || carries_channels(session))
		return false;
	list_for_each (i, &session->calls) {
		if (!container_of(i, struct control_call, of_session)->parked)
			return false;
	}
	return true;
}

void ending_release(struct node *node)
{
	list_for_each_safe (i, &node->sessions) {
		struct session *session = container_of(i, struct session, link);

		if (!only_waits(session))
			continue;
		session_go_away(session, WAT_UNAVAILABLE, "watd is going down");
	}
}

/* One that is down at once calls this again. */
void ending_run(struct node *node)
{
	node->ending_again = true;
	if (node->ending)
		return;
	node->ending = true;
	while (node->ending_again) {
		node->ending_again = false;
		list_for_each_safe (i, &node->instances.all) {
			consider(container_of(i, struct instance, all));
		}
	}
	node->ending = false;
}

const struct instance *ending_waits_for(const struct node *node)
{
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (!is_down(instance) && (instance->suspends || instance->state != INSTANCE_READY))
			return instance;
	}
	return NULL;
}

static void start_timer(struct node *node)
{
	struct timeval overdue = {.tv_sec = OVERDUE_S};

	(void)event_add(node->overdue, &overdue);
}

void ending_watch(struct node *node)
{
	if (!evtimer_pending(node->overdue, NULL))
		start_timer(node);
}

static bool is_ending(const struct instance *instance)
{
	return instance->end_step != END_NONE && instance->end_step != END_ENDED;
}

static void say(const struct instance *instance, uint64_t now_ms)
{
	char seconds[24], pid[24];

	(void)snprintf(seconds, sizeof seconds, "%" PRIu64,
		       (now_ms - instance->end_since_ms) / 1000);
	(void)snprintf(pid, sizeof pid, "%d", instance->host ? (int)instance->host->pid : 0);
	log_warning("the end of an instance takes its time, and is not cut short", "instance",
		    instance->name, "seconds", seconds, "waits_for", lifecycle_under_way(instance),
		    "host", pid, "help", "killing that process ends the wait");
}

/* How many are on their way. */
static size_t say_late(const struct node *node)
{
	uint64_t now_ms = clock_monotonic_ms();
	size_t n = 0, late = 0;

	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (!is_ending(instance))
			continue;
		n++;
		if (now_ms - instance->end_since_ms >= LATE_MS && late++ < OVERDUE_MAX)
			say(instance, now_ms);
	}
	return n;
}

void ending_overdue(struct node *node)
{
	size_t n = say_late(node);
	const struct instance *instance = node->suspending ? ending_waits_for(node) : NULL;

	if (instance && !is_ending(instance))
		log_warning("the end of watd waits for an instance", "instance", instance->name,
			    "state", instance_state_name(instance->state));
	if (n > 0 || node->suspending)
		start_timer(node);
}
