/* snapshot.c - an instance as it is now. Instance's thread. */
#include "daemon/host/snapshot.h"

#include <stdlib.h>

#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

static int save_lanes(const struct service_loop *loop, struct bytes *bytes)
{
	int r = 0;

	list_for_each (i, &loop->grants) {
		const struct grant *grant = container_of(i, struct grant, link);

		list_for_each (j, &grant->lanes) {
			r = lane_save(container_of(j, struct lane, link), bytes);
			if (r < 0)
				return r;
		}
	}
	return r;
}

Wat__Host__Snapshot *snapshot_new(const struct service_loop *loop)
{
	Wat__Host__Snapshot *snapshot = malloc(sizeof *snapshot);
	struct bytes lanes = {0};

	if (!snapshot)
		return NULL;
	wat__host__snapshot__init(snapshot);
	if (state_pack(&loop->state, &snapshot->state.data, &snapshot->state.len) < 0 ||
	    save_lanes(loop, &lanes) < 0) {
		bytes_deinit(&lanes);
		wat__host__snapshot__free_unpacked(snapshot, NULL);
		return NULL;
	}
	snapshot->lanes.data = lanes.data;
	snapshot->lanes.len = lanes.n;
	snapshot->last_seq = loop->journal.last_seq;
	return snapshot;
}
