/* channel_frames.h - the frames of a channel: those that come in, and GOAWAY and ATTACHED that go
 * out. Part of struct channel; instance's thread. */
#ifndef WAT_HOST_CHANNEL_FRAMES_H
#define WAT_HOST_CHANNEL_FRAMES_H

#include "daemon/host/channel.h"

#define CHANNEL_WHY_MAX 160

/* Handles one whole frame of the buffer; false if there is none. When the peer broke the protocol,
 * *ret_status and why say how. */
bool channel_next_frame(struct channel *channel,
			wat_status *ret_status,
			char why[static CHANNEL_WHY_MAX]) WAT_MUST_CHECK;
int channel_queue_attached(struct channel *channel, bool resume) WAT_MUST_CHECK;
int channel_queue_goaway(struct channel *channel, wat_status status, const char *text)
	WAT_MUST_CHECK;

#endif
