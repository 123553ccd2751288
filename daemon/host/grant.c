/* grant.c - counts per grant. Instance's thread. */
#include "daemon/host/grant.h"

#include <stdlib.h>
#include <string.h>
#include <wat/host.pb-c.h>

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

struct grant *grant_get(struct service_loop *loop, const uint8_t id[static WAT_ID_SIZE])
{
	struct grant *grant = grant_find(loop, id);

	if (grant)
		return grant;
	grant = calloc(1, sizeof *grant);
	if (!grant)
		return NULL;
	memcpy(grant->id, id, WAT_ID_SIZE);
	list_append(&loop->grants, &grant->link);
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
	grant_release(grant);
}

void grant_release(struct grant *grant)
{
	if (grant->n_channels > 0 || grant->n_taken > 0)
		return;
	list_remove(&grant->link);
	free(grant);
}
