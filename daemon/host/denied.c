/* denied.c - calls that a capability does not allow. Instance's thread. */
#include "daemon/host/denied.h"

#include <event2/event.h>
#include <stdio.h>

#include "daemon/host/channel.h"
#include "daemon/host/grant.h"
#include "daemon/host/service_loop.h"

#define EVENT_DENIED 5

static const struct timeval second = {.tv_sec = 1};

void denied_init(struct denied *denied, const Wat__Host__AttachRequest *request)
{
	*denied = (struct denied){
		.invocation = request->invocation, .uid = request->uid, .pid = request->pid};
	(void)snprintf(denied->address, sizeof denied->address, "%s", request->address);
}

static void post(struct channel *channel, uint32_t count)
{
	const struct denied *denied = &channel->denied;
	Wat__Host__Denied message = WAT__HOST__DENIED__INIT;

	message.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, channel->loop->instance->id};
	message.generation = channel->loop->instance->generation;
	message.grant_id = (ProtobufCBinaryData){WAT_ID_SIZE, channel->grant->id};
	message.invocation = denied->invocation;
	message.uid = denied->uid;
	message.pid = denied->pid;
	message.address = (char *)(uintptr_t)denied->address;
	message.method = (char *)(uintptr_t)denied->method;
	message.count = count;
	service_loop_post_event(channel->loop, EVENT_DENIED, &message.base);
}

void denied_add(struct channel *channel, const char *method)
{
	struct denied *denied = &channel->denied;
	struct event *over = channel->loop->denied_over;

	denied->method = method;
	if (denied->told) {
		denied->n_held += denied->n_held < UINT32_MAX;
		return;
	}
	post(channel, 1);
	/* Without memory for the timer each is told. */
	denied->told = evtimer_pending(over, NULL) || evtimer_add(over, &second) == 0;
}

void denied_tell(struct channel *channel)
{
	if (channel->denied.n_held > 0)
		post(channel, channel->denied.n_held);
	channel->denied.n_held = 0;
	channel->denied.told = false;
}

void denied_end_second(struct service_loop *loop)
{
	list_for_each (i, &loop->channels) {
		denied_tell(container_of(i, struct channel, link));
	}
}
