/* peer_client.c - what a client sends: to watd, or to the service of a handle. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/status.h>

#include "daemon/gate/channel.h"
#include "daemon/gate/peer.h"
#include "proto/support/cleanup.h"

#define ADMIN_STOP 2 /* wat.admin.Admin */

static void to_watd(struct peer *peer, const struct frame *frame, const uint8_t *body)
{
	if (stream_queue(&peer->watd.stream, frame, body, frame->body_len, -1) < 0)
		peer->broken = true;
}

/* Everything that the client sent before a Stop is in the services' sockets before it: it will be
 * served. Of an Admin or a node; a node's method of that number may wait as well. */
static bool is_stop(const struct frame *frame)
{
	return frame->type == FRAME_CALL && frame->handle != 0 && frame->method == ADMIN_STOP;
}

static void hold(struct peer *peer, const struct frame *frame, const uint8_t *body)
{
	peer->held = malloc(sizeof *frame + frame->body_len);
	if (!peer->held) {
		peer->broken = true;
		return;
	}
	memcpy(peer->held, frame, sizeof *frame);
	if (frame->body_len > 0)
		memcpy(peer->held + sizeof *frame, body, frame->body_len);
}

void peer_release(struct peer *peer)
{
	_cleanup_(freep) uint8_t *held = TAKE(peer->held);
	struct frame frame;

	memcpy(&frame, held, sizeof frame);
	to_watd(peer, &frame, held + sizeof frame);
	(void)peer_take_client_frames(peer);
}

/* With a User's handle. A DROP with an id is of an answer; without one, of the handle. */
static bool is_for_service(const struct frame *frame)
{
	return frame->type == FRAME_CALL || frame->type == FRAME_CANCEL ||
	       (frame->type == FRAME_DROP && frame->id != 0);
}

static void take(struct peer *peer, const struct frame *frame, const uint8_t *body)
{
	struct channel *channel = channel_by_handle(peer, frame->handle);

	if (channel && is_for_service(frame)) {
		channel_send(channel, frame, body);
		return;
	}
	if (channel && frame->type == FRAME_DROP)
		channel_leave(channel, true);
	/* Those sent before may still be in our buffers only. */
	channels_write(peer);
	if (is_stop(frame) && peer->to_services > 0)
		hold(peer, frame, body);
	else
		to_watd(peer, frame, body);
}

/* As watd says it of bytes on its own sockets. */
static void refuse_bytes(struct peer *peer, int error)
{
	if (error == -EMSGSIZE)
		peer_go_away(peer, WAT_TOO_LARGE,
			     "a longer frame was announced than is taken here");
	else
		peer_go_away(peer, WAT_INVALID_ARGUMENT,
			     "these bytes are no frame of this protocol");
}

size_t peer_take_client_frames(struct peer *peer)
{
	struct frame frame;
	const uint8_t *body;
	size_t n = 0;
	int fd, r = 0;

	while (side_is_open(&peer->watd) && !peer->broken && !peer->held &&
	       !peer_must_be_deaf(peer) &&
	       (r = stream_next(&peer->client.stream, &frame, &body, &fd)) > 0) {
		n++;
		if (fd < 0) {
			take(peer, &frame, body);
			continue;
		}
		fd_close(fd);
		peer_go_away(peer, WAT_INVALID_ARGUMENT, "a descriptor came that nobody asked for");
	}
	if (r < 0 && !peer->finishing)
		refuse_bytes(peer, r);
	return n;
}
