/* grant.h - what one grant has at an instance: channels and open calls. Instance's thread. */
#ifndef WAT_HOST_GRANT_H
#define WAT_HOST_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/host/limits.h"
#include "proto/limits.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

#include <wat/interface.h>

struct service_loop;

/* Lives as long as it has anything; the loop's list holds it. */
struct grant {
	struct list link;
	uint8_t id[WAT_ID_SIZE];
	struct wat_user user; /* as handlers see it; its name is the one below */
	char name[WAT_NAME_MAX + 1];
	uint32_t n_attached; /* channels that point to it */
	uint32_t n_channels; /* those of them that count */
	uint32_t n_taken;    /* calls on the heap */
	struct list lanes;   /* struct lane */
	uint32_t n_lanes;
	struct service_loop *loop;
	struct limits limits;
	bool to_be_told; /* its last channel has gone, and the handler was not run yet */
};

/* NULL if it has nothing here. */
struct grant *grant_find(struct service_loop *loop, const uint8_t id[static WAT_ID_SIZE]);
/* Finds or makes, by the name if that was not known yet; give it back with grant_release. NULL when
 * memory is out. */
struct grant *grant_get(struct service_loop *loop,
			const uint8_t id[static WAT_ID_SIZE],
			const char *name);
/* One channel more or less, of which watd is told. */
void grant_add_channel(struct service_loop *loop, struct grant *grant);
void grant_remove_channel(struct service_loop *loop, struct grant *grant);
/* All its lanes end; it may go with them. */
void grant_end_lanes(struct service_loop *loop, struct grant *grant);
/* Lanes that have been without a channel for too long end. now_ms: Unix time. */
void grants_expire_lanes(struct service_loop *loop, uint64_t now_ms);
/* Runs the Disconnect handler for grants whose last channel has gone since. */
void grants_tell_disconnects(struct service_loop *loop);
/* At the end of the instance, which was not drained: nobody is told any more. */
void grants_drop(struct service_loop *loop);
/* Frees it if it has nothing left: whoever used up its rate would else begin anew with a new
 * channel. Then the next look at its lanes does. */
void grant_release(struct grant *grant);

#endif
