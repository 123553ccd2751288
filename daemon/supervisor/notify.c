/* notify.c - what the service manager is told. Loop thread. */
#include "daemon/supervisor/notify.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/status_line.h"

#define STATUS_DELAY_MS 100 /* each line wakes whoever watches the service */

static enum status_phase phase_of(const struct node *node)
{
	if (node->suspending)
		return STATUS_ENDING;
	return node->ready ? STATUS_READY : STATUS_STARTING;
}

/* Also says what else there is to say, in lines of its own. Nobody waits for an answer: a manager
 * that does not listen is its own trouble. */
static void tell(struct node *node, const char *more)
{
	struct notify *notify = &node->notify;

	status_line(&node->instances, phase_of(node), notify->status, sizeof notify->status);
	(void)sd_notifyf(0, "%sSTATUS=%s", more, notify->status);
}

static void on_changed(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;
	char status[NOTIFY_STATUS_MAX];

	(void)fd;
	(void)what;
	status_line(&node->instances, phase_of(node), status, sizeof status);
	if (strcmp(status, node->notify.status) != 0)
		tell(node, "");
}

/* Also looks for what no instance's move told of. */
static void on_ping(evutil_socket_t fd, short what, void *arg)
{
	(void)sd_notify(0, "WATCHDOG=1");
	on_changed(fd, what, arg);
}

static int start_pings(struct node *node)
{
	struct timeval interval;
	uint64_t allowed_us;
	int r = sd_watchdog_enabled(0, &allowed_us);

	if (r <= 0)
		return r;
	interval.tv_sec = (time_t)(allowed_us / 2 / 1000000);
	interval.tv_usec = (suseconds_t)(allowed_us / 2 % 1000000);
	node->notify.ping = event_new(node->base, -1, EV_PERSIST, on_ping, node);
	return node->notify.ping && event_add(node->notify.ping, &interval) == 0 ? 0 : -ENOMEM;
}

int notify_init(struct node *node)
{
	node->notify.changed = evtimer_new(node->base, on_changed, node);
	return node->notify.changed ? start_pings(node) : -ENOMEM;
}

void notify_deinit(struct node *node)
{
	if (node->notify.ping)
		event_free(node->notify.ping);
	if (node->notify.changed)
		event_free(node->notify.changed);
	node->notify = (struct notify){0};
}

void notify_changed(struct node *node)
{
	struct event *changed = node->notify.changed;
	struct timeval delay = {.tv_usec = STATUS_DELAY_MS * 1000};

	if (changed && !evtimer_pending(changed, NULL))
		(void)event_add(changed, &delay);
}

void notify_ready(struct node *node)
{
	tell(node, "READY=1\n");
}

void notify_reloading(struct node *node)
{
	char state[64];

	/* A manager that waits for the reload tells by the time that this is no earlier one. */
	(void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu\n",
		       (unsigned long long)(clock_monotonic_ns() / 1000));
	tell(node, state);
}

void notify_stopping(struct node *node)
{
	tell(node, "STOPPING=1\n");
}
