/* channel.c - the stream of a User to the process that runs its service. */
#include <errno.h>

#include "client/private.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

#define BROKE_PROTOCOL "what the service sent makes no sense"

bool channel_is_open(const wat_capability *capability)
{
	return capability->multiplexed || capability->channel.fd >= 0;
}

struct stream *channel_stream(wat_capability *capability)
{
	return capability->multiplexed ? &capability->owner->control : &capability->channel;
}

uint32_t channel_handle_of(const wat_capability *capability)
{
	return capability->multiplexed ? capability->handle : 0;
}

void channel_open(wat_capability *capability, int fd)
{
	channel_close(capability);
	capability->multiplexed = fd < 0;
	stream_init(&capability->channel, fd, WAT_BODY_MAX);
	capability->binding = ATTACHING;
	capability->leaving = false;
	capability->last_read_id = UINT64_MAX;
	watch_update(capability->owner, &capability->watch, &capability->channel);
}

/* The handle of a multiplexed one goes with it: that tells the other end. */
static void close_multiplexed(wat_capability *capability)
{
	capability->multiplexed = false;
	if (capability->handle && capability->owner->connected)
		connection_drop(capability->owner, capability->handle);
	capability->handle = 0;
}

void channel_close(wat_capability *capability)
{
	list_remove(&capability->deferred);
	if (capability->multiplexed)
		close_multiplexed(capability);
	watch_remove(capability->owner, &capability->watch);
	stream_deinit(&capability->channel);
}

/* Which calls may have run: those that were written, but for the ones that the host says it did not
 * read. What an earlier channel left open stays so. */
static void mark_calls(wat_capability *capability)
{
	const struct stream *stream = channel_stream(capability);

	list_for_each (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (call_on_control(call) || !call->sent)
			continue;
		if (stream->out_position > call->at && call->id <= capability->last_read_id)
			call->maybe_ran = true;
		call->sent = false;
	}
}

void channel_lost(wat_capability *capability, const char *why)
{
	mark_calls(capability);
	/* Before it was attached the host may not know the lane. */
	capability->resume = capability->resume || capability->binding == BOUND;
	channel_close(capability);
	capability->binding = UNBOUND;
	capability->leaving = false;
	if (!capability->lost_ms)
		capability->lost_ms = now_ms();
	if (capability->owner->reconnect_ms == 0)
		calls_lose(capability, why);
}

/* The host goes: what it read it still answers. */
static bool waits_for_none(const wat_capability *capability)
{
	list_for_each (i, &capability->calls) {
		const struct call *call = container_of(i, struct call, link);

		if (!call_on_control(call) && call->sent && call->id <= capability->last_read_id)
			return false;
	}
	return true;
}

void channel_settle(wat_capability *capability)
{
	if (capability->leaving && waits_for_none(capability))
		channel_lost(capability, "the service ended its channel");
}

void channel_take(wat_capability *capability, const struct frame *frame, const uint8_t *body)
{
	if (frame->type == FRAME_DROP)
		channel_lost(capability, "the way to the service was lost");
	else if (!channel_handle(capability, frame, body))
		channel_lost(capability, BROKE_PROTOCOL);
	else if (capability->multiplexed)
		channel_settle(capability);
}

static int read_once(wat_capability *capability)
{
	struct stream *channel = &capability->channel;
	int r = stream_read(channel), fd;
	struct frame frame;
	const uint8_t *body;

	if (r <= 0)
		return r;
	while (channel->fd >= 0 && (r = stream_next(channel, &frame, &body, &fd)) > 0) {
		if (fd < 0 && channel_handle(capability, &frame, body))
			continue;
		fd_close(fd);
		channel_lost(capability, BROKE_PROTOCOL);
	}
	if (channel->fd >= 0 && r < 0)
		channel_lost(capability, BROKE_PROTOCOL);
	return 1;
}

void channel_read(wat_capability *capability)
{
	int r;

	do
		r = read_once(capability);
	while (r > 0 && capability->channel.fd >= 0 && capability->watch.broken);
	if (capability->channel.fd < 0)
		return;
	if (capability->held && capability->binding == BOUND && !capability->leaving)
		calls_send(capability);
	if (capability->channel.fd < 0)
		return;
	if (r == -EPROTO)
		channel_lost(capability, BROKE_PROTOCOL);
	else if (r <= 0 && (r != -EAGAIN || capability->watch.broken))
		channel_lost(capability, "the way to the service was lost");
	else
		channel_settle(capability);
}

void channel_write(wat_capability *capability)
{
	int r;

	if (capability->multiplexed) {
		connection_write(capability->owner);
		return;
	}
	r = stream_write(&capability->channel);
	/* EPIPE: the end is read, after what was written before it. */
	if (r < 0 && r != -EAGAIN)
		watch_break(capability->owner, &capability->watch);
	else
		watch_update(capability->owner, &capability->watch, &capability->channel);
}
