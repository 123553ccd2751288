/* startup.h - starting what was running and what is configured, each after those that its `after`
 * names are ready; others together. At watd's start, and for what a reload brings. Loop thread.
 *
 * An instance that is there is resumed, in its turn, even if one before it is not up: it has
 * clients and a state. A new one is begun only after all before it are ready. */
#ifndef WAT_SUPERVISOR_STARTUP_H
#define WAT_SUPERVISOR_STARTUP_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/support/list.h"

struct event;
struct node;

struct startup {
	struct list starts; /* struct start: what waits, what is under way, what failed */
	struct event *overdue;
	bool running, again;
};

void startup_init(struct startup *startup);
void startup_deinit(struct startup *startup);

/* At watd's start: every instance that shall run, and the configured ones that are not there. */
void startup_begin(struct node *node);
/* After a reload: the configured ones that are not there, those that failed before too. */
void startup_add(struct node *node);
/* Something may have become ready, or not. */
void startup_run(struct node *node);
/* watd goes down: nothing more is started. */
void startup_cancel(struct node *node);
/* The instance waits for its turn, or is being begun. */
bool startup_is_under_way(const struct node *node, const char *name);
/* Nothing waits, nothing is under way. */
bool startup_is_over(const struct node *node);

/* Why a configured instance was not started: the next from *at (NULL at first) on; NULL: no more.
 */
const char *startup_trouble(const struct node *node, const struct list **at);

#endif
