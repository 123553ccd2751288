/* grant_times.h - grants whose time is over end by themselves; those of which little is left are
 * named before. Loop thread. */
#ifndef WAT_SUPERVISOR_GRANT_TIMES_H
#define WAT_SUPERVISOR_GRANT_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/store.h"

struct event;
struct grant;
struct lines;
struct node;

#define GRANT_SOON_S (7u * 86400u) /* what is called nearly over */

/* Embedded in the node. */
struct grant_times {
	struct event *timer;
	uint64_t next; /* Unix second of what it waits for; UINT64_MAX: nothing */
};

/* After the rows were loaded. No memory is said in the log. */
void grant_times_begin(struct node *node);
void grant_times_deinit(struct node *node);
/* There is one more grant, or one that ends later. */
void grant_times_note(struct node *node, const struct store_grant *row);
/* It was bound. The store hears of it once an hour, and at the end of watd. */
void grant_times_used(struct node *node, struct grant *grant);
void grant_times_store_used(struct node *node);
/* It ends within a week, although it was made for longer, and nobody renews it by itself. */
bool grant_times_is_soon(const struct store_grant *row, uint64_t now);
/* A line for each of those. */
void grant_times_troubles(const struct node *node, struct lines *ret);

#endif
