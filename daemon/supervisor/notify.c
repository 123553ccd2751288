/* notify.c - what the service manager is told. Loop thread. */
#include "daemon/supervisor/notify.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/status_line.h"

#define STATUS_DELAY_MS 100 /* each line wakes whoever watches the service */

static enum status_phase phase_of(const struct node *node)
{
	if (node->suspending)
		return STATUS_ENDING;
	return node->ready ? STATUS_READY : STATUS_STARTING;
}

static void tell_later(struct node *node)
{
	struct event *changed = node->notify.changed;
	struct timeval delay = {.tv_usec = STATUS_DELAY_MS * 1000};

	if (changed && !evtimer_pending(changed, NULL))
		(void)event_add(changed, &delay);
}

/* False: not now, but later. A manager that is not there is its own trouble. */
static bool send_text(struct node *node, const char *text)
{
	if (notify_socket_send(&node->notify.socket, text) != -EAGAIN)
		return true;
	tell_later(node);
	return false;
}

/* What the configuration says and is not so: the first of it. */
static void add_trouble(const struct node *node, char *status, size_t size)
{
	struct lines troubles = {0};
	size_t n = strlen(status);

	node_troubles(node, &troubles);
	if (troubles.n > 0)
		(void)snprintf(status + n, size - n, "; %s", troubles.texts[0]);
	lines_deinit(&troubles);
}

static void tell(struct node *node)
{
	struct notify *notify = &node->notify;
	char status[NOTIFY_STATUS_MAX], text[NOTIFY_STATUS_MAX + 64];

	if (notify->reloading_us) {
		/* A manager that waits for the reload tells by the time that this is no earlier
		 * one. */
		(void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu",
			       (unsigned long long)notify->reloading_us);
		if (!send_text(node, text))
			return;
		notify->reloading_us = 0;
	}
	status_line(&node->instances, phase_of(node), status, sizeof status);
	if (!node->suspending)
		add_trouble(node, status, sizeof status);
	if (!notify->ready && !notify->stopping && strcmp(status, notify->status) == 0)
		return;
	(void)snprintf(text, sizeof text, "%s%sSTATUS=%s", notify->ready ? "READY=1\n" : "",
		       notify->stopping ? "STOPPING=1\n" : "", status);
	if (!send_text(node, text))
		return;
	notify->ready = notify->stopping = false;
	memcpy(notify->status, status, sizeof notify->status);
}

static void on_changed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell(arg);
}

/* Also looks for what no instance's move told of. */
static void on_ping(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	/* One that can't be told now is not told later: the next one says the same. */
	if (notify_socket_send(&node->notify.socket, "WATCHDOG=1") == 0)
		tell(node);
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
	int r = notify_socket_open(&node->notify.socket);

	if (r < 0) {
		log_error("$NOTIFY_SOCKET can't be used", "value", getenv("NOTIFY_SOCKET"), "error",
			  strerror(-r));
		return r;
	}
	node->notify.changed = evtimer_new(node->base, on_changed, node);
	return node->notify.changed ? start_pings(node) : -ENOMEM;
}

void notify_deinit(struct node *node)
{
	if (node->notify.ping)
		event_free(node->notify.ping);
	if (node->notify.changed)
		event_free(node->notify.changed);
	notify_socket_close(&node->notify.socket);
	node->notify = (struct notify){.socket.fd = -1};
}

void notify_changed(struct node *node)
{
	tell_later(node);
}

void notify_ready(struct node *node)
{
	node->notify.ready = true;
	tell(node);
}

void notify_reloading(struct node *node)
{
	node->notify.reloading_us = clock_monotonic_ns() / 1000;
	tell(node);
}

void notify_stopping(struct node *node)
{
	node->notify.stopping = true;
	tell(node);
}
