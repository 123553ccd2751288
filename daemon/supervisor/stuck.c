/* stuck.c - handlers that don't come back. Loop thread. */
#include "daemon/supervisor/stuck.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/lifecycle_parts.h"

#define PERIOD_MIN_MS 10u
#define PERIOD_MAX_MS 15000u

static void record(struct instance *instance, enum audit_kind kind, uint64_t ms)
{
	struct origin origin = origin_new(instance->node);
	char text[192];
	const struct audit what = {
		.kind = kind, .origin = &origin, .instance = instance, .detail = text};

	(void)snprintf(text, sizeof text, "%s, for %" PRIu64 " ms", instance->stuck, ms);
	audit_record(instance->node, &what);
	notify_changed(instance->node);
}

static void came_back(struct instance *instance, uint64_t now_ms)
{
	record(instance, AUDIT_UNSTUCK, now_ms - instance->runs_since_ms);
	*instance->stuck = '\0';
}

void stuck_forget(struct instance *instance)
{
	instance->runs_since_ms = 0;
	*instance->stuck = '\0';
}

/* What ends is left to end: an operator sees it by name. */
static bool may_kill(const struct instance *instance)
{
	return instance->stuck_kills && !instance->node->suspending && !instance->host->killed &&
	       (instance->state == INSTANCE_READY || instance->state == INSTANCE_STARTING);
}

static void is_stuck(struct instance *instance, uint32_t running, uint64_t now_ms)
{
	const char *name = lifecycle_method_name(instance, running);

	(void)snprintf(instance->stuck, sizeof instance->stuck, "%s", *name ? name : "a handler");
	record(instance, AUDIT_STUCK, now_ms - instance->runs_since_ms);
	if (!may_kill(instance))
		return;
	instance->condemned = instance->overran = true;
	instance->origin = origin_new(instance->node);
	host_kill(instance->host);
}

static void look_at(struct instance *instance, uint64_t now_ms)
{
	uint32_t running = 0, begun = 0;

	if (instance->host)
		host_runs_now(instance->host, instance->slot, &running, &begun);
	if (running != 0 && instance->runs_since_ms && begun == instance->runs_begun) {
		if (!*instance->stuck &&
		    now_ms - instance->runs_since_ms >= instance->stuck_after_ms)
			is_stuck(instance, running, now_ms);
		return;
	}
	if (*instance->stuck)
		came_back(instance, now_ms);
	instance->runs_begun = begun;
	instance->runs_since_ms = running != 0 ? now_ms : 0;
}

void stuck_look(struct node *node, uint64_t now_ms)
{
	list_for_each (i, &node->instances.all)
		look_at(container_of(i, struct instance, all), now_ms);
}

static void look_after(struct node *node, uint64_t ms)
{
	struct timeval after = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (long)(ms % 1000) * 1000};

	node->stuck_period_ms = ms;
	if (evtimer_add(node->stuck, &after) < 0)
		log_error("no memory to look for handlers that don't come back");
}

static uint64_t period_for(uint64_t stuck_after_ms)
{
	uint64_t period = stuck_after_ms / 4;

	if (period < PERIOD_MIN_MS)
		return PERIOD_MIN_MS;
	return period < PERIOD_MAX_MS ? period : PERIOD_MAX_MS;
}

void stuck_attend(struct node *node, uint64_t stuck_after_ms)
{
	uint64_t period = period_for(stuck_after_ms);

	if (node->stuck && period < node->stuck_period_ms)
		look_after(node, period);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;
	uint64_t shortest_ms = UINT64_MAX;

	(void)fd;
	(void)what;
	stuck_look(node, clock_monotonic_ms());
	list_for_each (i, &node->instances.all) {
		uint64_t own_ms = container_of(i, struct instance, all)->stuck_after_ms;

		shortest_ms = own_ms < shortest_ms ? own_ms : shortest_ms;
	}
	look_after(node, period_for(shortest_ms));
}

int stuck_init(struct node *node)
{
	node->stuck = evtimer_new(node->base, on_due, node);
	if (!node->stuck)
		return -ENOMEM;
	look_after(node, PERIOD_MAX_MS);
	return 0;
}

void stuck_deinit(struct node *node)
{
	if (node->stuck)
		event_free(node->stuck);
	node->stuck = NULL;
}
