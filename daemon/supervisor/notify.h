/* notify.h - what the service manager that started watd is told: readiness, a line of status, that
 * the loop turns. Nothing here waits for the manager: what it can't take yet is told later. Without
 * $NOTIFY_SOCKET nobody is. Loop thread. */
#ifndef WAT_SUPERVISOR_NOTIFY_H
#define WAT_SUPERVISOR_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/supervisor/notify_socket.h"
#include "proto/support/must_check.h"

struct event;
struct node;

#define NOTIFY_STATUS_MAX 512

struct notify {
	struct notify_socket socket;
	struct event *ping;    /* NULL: no watchdog was asked for */
	struct event *changed; /* runs while something waits to be told */
	/* Waits to be told, in this order. */
	uint64_t reloading_us; /* monotonic time; 0: no reload */
	bool ready, stopping;
	char status[NOTIFY_STATUS_MAX]; /* was told */
};

/* Pings the watchdog from here on, twice in the time that $WATCHDOG_USEC allows. Negative errno;
 * said in the log. */
int notify_init(struct node *node) WAT_MUST_CHECK;
void notify_deinit(struct node *node);

/* The status line may have changed: it is told soon, once for many changes. Does nothing before
 * notify_init and after notify_deinit. */
void notify_changed(struct node *node);
/* Everything is up; also after notify_reloading. */
void notify_ready(struct node *node);
void notify_reloading(struct node *node);
/* The orderly end has begun. */
void notify_stopping(struct node *node);

#endif
