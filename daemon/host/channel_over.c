/* channel_over.c - a channel ends with its capability's time, whether or not its peer says another
 * word. Instance's thread. */
#include <errno.h>
#include <event2/event.h>

#include "daemon/base/clock.h"
#include "daemon/host/channel.h"
#include "daemon/host/service_loop.h"

#define OVER_LATER_S 86400u /* timers go no farther than this */

static uint64_t time_after_ms(uint64_t now_ns, uint64_t left_ms)
{
	/* 0 is no limit, and so is what is beyond the clock. */
	if (left_ms == 0 || left_ms > (UINT64_MAX - now_ns) / 1000000u)
		return UINT64_MAX;
	return now_ns + left_ms * 1000000u;
}

static void plan_end(struct channel *channel, uint64_t now_ns)
{
	uint64_t left_ns = channel->over_at_ns - now_ns;
	struct timeval timeout = {.tv_sec = OVER_LATER_S};

	if (left_ns / 1000000000u < OVER_LATER_S) {
		timeout.tv_sec = (time_t)(left_ns / 1000000000u);
		/* Not a moment too early. */
		timeout.tv_usec = (suseconds_t)(left_ns % 1000000000u / 1000u + 1u);
	}
	(void)evtimer_add(channel->over, &timeout);
}

/* Whether or not its peer says another word. */
static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;
	uint64_t now_ns = clock_monotonic_ns();

	(void)fd;
	(void)what;
	if (now_ns >= channel->over_at_ns)
		channel_end(channel, WAT_ACCESS_DENIED, CHANNEL_OVER);
	else
		plan_end(channel, now_ns);
}

int channel_set_end(struct channel *channel, uint64_t left_ms)
{
	channel->over_at_ns = time_after_ms(channel->read_at_ns, left_ms);
	if (channel->over_at_ns == UINT64_MAX)
		return 0;
	channel->over = evtimer_new(channel->loop->base, on_over, channel);
	if (!channel->over)
		return -ENOMEM;
	plan_end(channel, channel->read_at_ns);
	return 0;
}
