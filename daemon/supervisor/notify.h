/* notify.h - what the service manager that started watd is told: readiness, a line of status, that
 * the loop turns. Without $NOTIFY_SOCKET nobody is. Loop thread. */
#ifndef WAT_SUPERVISOR_NOTIFY_H
#define WAT_SUPERVISOR_NOTIFY_H

#include "proto/support/must_check.h"

struct event;
struct node;

#define NOTIFY_STATUS_MAX 512

struct notify {
	struct event *ping;    /* NULL: no watchdog was asked for */
	struct event *changed; /* runs while a change waits to be told */
	char status[NOTIFY_STATUS_MAX];
};

/* Pings the watchdog from here on, twice in the time that $WATCHDOG_USEC allows. */
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
