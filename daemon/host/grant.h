/* grant.h - what one grant has at an instance: channels and open calls. Instance's thread. */
#ifndef WAT_HOST_GRANT_H
#define WAT_HOST_GRANT_H

#include <stdint.h>

#include "proto/limits.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct service_loop;

/* Lives as long as it has anything; the loop's list holds it. */
struct grant {
	struct list link;
	uint8_t id[WAT_ID_SIZE];
	uint32_t n_channels;
	uint32_t n_taken; /* calls on the heap */
};

/* NULL if it has nothing here. */
struct grant *grant_find(struct service_loop *loop, const uint8_t id[static WAT_ID_SIZE]);
/* Finds or makes; give it back with grant_release. NULL when memory is out. */
struct grant *grant_get(struct service_loop *loop, const uint8_t id[static WAT_ID_SIZE]);
/* One channel more or less, of which watd is told. */
void grant_add_channel(struct service_loop *loop, struct grant *grant);
void grant_remove_channel(struct service_loop *loop, struct grant *grant);
/* Frees it if it has nothing left. */
void grant_release(struct grant *grant);

#endif
