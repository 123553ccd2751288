/* grant.c - counts per grant. Instance's thread. */
#include "daemon/host/grant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <event2/event.h>
#include <wat/host.pb-c.h>

#include "daemon/base/clock.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_loop.h"

#define EVENT_CHANNEL_COUNT 1

struct grant *grant_find(struct service_loop *loop, const uint8_t id[static WAT_ID_SIZE])
{
	list_for_each (i, &loop->grants) {
		struct grant *grant = container_of(i, struct grant, link);

		if (memcmp(grant->id, id, WAT_ID_SIZE) == 0)
			return grant;
	}
	return NULL;
}

static struct grant *grant_new(struct service_loop *loop, const uint8_t id[static WAT_ID_SIZE])
{
	struct grant *grant = calloc(1, sizeof *grant);

	if (!grant)
		return NULL;
	memcpy(grant->id, id, WAT_ID_SIZE);
	memcpy(grant->user.id, id, WAT_ID_SIZE);
	grant->user.name = grant->name;
	grant->loop = loop;
	list_init(&grant->lanes);
	list_append(&loop->grants, &grant->link);
	return grant;
}

struct grant *grant_get(struct service_loop *loop,
			const uint8_t id[static WAT_ID_SIZE],
			const char *name)
{
	struct grant *grant = grant_find(loop, id);

	if (!grant) {
		grant = grant_new(loop, id);
		if (!grant)
			return NULL;
	}
	/* Lanes that were recovered have none. */
	if (!*grant->name)
		(void)snprintf(grant->name, sizeof grant->name, "%s", name);
	return grant;
}

static void tell(struct service_loop *loop, struct grant *grant)
{
	Wat__Host__ChannelCount message = WAT__HOST__CHANNEL_COUNT__INIT;

	message.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, loop->instance->id};
	message.grant_id = (ProtobufCBinaryData){WAT_ID_SIZE, grant->id};
	message.channels = grant->n_channels;
	service_loop_post_event(loop, EVENT_CHANNEL_COUNT, &message.base);
}

void grant_add_channel(struct service_loop *loop, struct grant *grant)
{
	grant->n_channels++;
	tell(loop, grant);
}

void grant_remove_channel(struct service_loop *loop, struct grant *grant)
{
	grant->n_channels--;
	tell(loop, grant);
	/* Not from here: a handler of this instance may be running. */
	if (grant->n_channels == 0 && !loop->drained &&
	    dispatch_has_lifecycle(loop->instance->service, DISPATCH_DISCONNECT)) {
		grant->to_be_told = true;
		event_active(loop->disconnected, EV_READ, 0);
	}
}

static struct grant *next_to_be_told(struct service_loop *loop)
{
	list_for_each (i, &loop->grants) {
		struct grant *grant = container_of(i, struct grant, link);

		if (grant->to_be_told)
			return grant;
	}
	return NULL;
}

void grants_tell_disconnects(struct service_loop *loop)
{
	struct grant *grant;

	while ((grant = next_to_be_told(loop))) {
		grant->to_be_told = false;
		if (!loop->drained)
			service_loop_run_disconnect(loop, &grant->user);
		grant_release(grant);
		/* Should the next one break off, this one stays done. */
		(void)batch_commit(loop);
	}
}

void grant_release(struct grant *grant)
{
	if (grant->n_attached > 0 || grant->n_taken > 0 || grant->to_be_told ||
	    grant->n_lanes > 0 || !limits_are_full(&grant->limits, clock_monotonic_ns()))
		return;
	list_remove(&grant->link);
	free(grant);
}

void grant_end_lanes(struct service_loop *loop, struct grant *grant)
{
	struct record_item item = {.kind = RECORD_GRANT_END, .grant = grant->id};

	if (grant->n_lanes == 0)
		return;
	batch_note(loop, NULL, &item);
	grant->n_attached++;
	list_for_each_safe (i, &grant->lanes) {
		struct lane *lane = container_of(i, struct lane, link);

		if (!lane->channel)
			(void)service_loop_free_lane(loop, lane);
	}
	grant->n_attached--;
	grant_release(grant);
}

void grants_expire_lanes(struct service_loop *loop, uint64_t now_ms)
{
	list_for_each_safe (i, &loop->grants) {
		struct grant *grant = container_of(i, struct grant, link);

		/* It must not go with its last lane while that is looked at. */
		grant->n_attached++;
		lanes_expire(grant, now_ms);
		grant->n_attached--;
		grant_release(grant);
	}
}

void grants_drop(struct service_loop *loop)
{
	list_for_each_safe (i, &loop->grants) {
		struct grant *grant = container_of(i, struct grant, link);

		grant->to_be_told = false;
		grant->limits = (struct limits){0};
		grant->n_attached++;
		list_for_each_safe (j, &grant->lanes)
			(void)service_loop_free_lane(loop, container_of(j, struct lane, link));
		grant->n_attached--;
		grant_release(grant);
	}
}
