/* keys.h - the keys that tokens are signed with, over time: a new one signs, the one of before only
 * verifies, for a grace time, and then its tokens are good for nothing. Loop thread. */
#ifndef WAT_SUPERVISOR_KEYS_H
#define WAT_SUPERVISOR_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/store.h"
#include "proto/support/must_check.h"

struct event;
struct node;

/* Embedded in the node. */
struct keys {
	struct event *timer; /* the next one is over */
	bool recorded;       /* a row says which key signed */
	struct store_issuer last;
};

/* A row of the store, at the start. */
int keys_load(struct node *node, const struct store_issuer *row) WAT_MUST_CHECK;
/* After all rows: whoever replaced the file, or its credential, has changed the key. Negative
 * errno. */
int keys_begin(struct node *node) WAT_MUST_CHECK;
/* There is one more, or one that ends sooner. */
void keys_plan(struct node *node);
void keys_deinit(struct node *node);

#endif
