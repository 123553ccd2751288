/* channel.c - a channel to a service. */
#include "daemon/gate/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/support/cleanup.h"

static void set_pending(struct channel *channel, size_t pending)
{
	if (channel->peer)
		channel->peer->to_services += pending - channel->pending;
	channel->pending = pending;
}

static void close_side(struct channel *channel)
{
	if (!side_is_open(&channel->side))
		return;
	list_remove(&channel->dirty);
	set_pending(channel, 0);
	side_close(&channel->side);
	channel->gate->n_fds--;
}

/* Out of the peer's table. */
static void forget(struct channel *channel)
{
	struct peer *peer = channel->peer;

	list_remove(&channel->dirty);
	set_pending(channel, 0);
	peer->channels[channel->handle - 1] = NULL;
	peer->n_channels--;
	channel->peer = NULL;
}

struct channel *channel_free(struct channel *channel)
{
	if (!channel)
		return NULL;
	if (channel->peer)
		forget(channel);
	close_side(channel);
	free(channel);
	return NULL;
}

static void free_lingering(struct channel *channel)
{
	struct gate *gate = channel->gate;

	list_remove(&channel->lingering);
	gate->n_lingering--;
	channel_free(channel);
	gate_check_end(gate);
}

/* The service ended it, or broke the protocol: the client is told by a DROP, and gives the handle
 * back by another. */
static void end(struct channel *channel)
{
	const struct frame drop = {.type = FRAME_DROP, .handle = channel->handle};

	close_side(channel);
	peer_say(channel->peer, &drop, NULL);
}

/* What a service may say. It is the plugin's process that speaks. */
static bool pass_on(struct channel *channel, struct frame *frame, const uint8_t *body)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	switch (frame->type) {
	case FRAME_ATTACHED:
	case FRAME_REPLY:
	case FRAME_FAIL:
	case FRAME_GOAWAY:
		frame->handle = channel->handle;
		peer_say(channel->peer, frame, body);
		return true;
	case FRAME_PING:
		channel_send(channel, &pong, NULL);
		return true;
	case FRAME_PONG:
		return true;
	default:
		return false;
	}
}

static bool is_over(const struct channel *channel)
{
	return !side_is_open(&channel->side) || channel->peer->broken || channel->peer->finishing;
}

static void take_frames(struct channel *channel)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r = 0;

	while (!is_over(channel) && !peer_must_be_silent(channel->peer) &&
	       (r = stream_next(&channel->side.stream, &frame, &body, &fd)) > 0) {
		if (fd < 0 && pass_on(channel, &frame, body))
			continue;
		fd_close(fd);
		end(channel);
	}
	if (r < 0 && side_is_open(&channel->side))
		end(channel);
}

static void read_for_peer(struct channel *channel)
{
	int r;

	/* Those that were read before a pause come first. */
	take_frames(channel);
	if (is_over(channel) || peer_must_be_silent(channel->peer))
		return;
	r = stream_read(&channel->side.stream);
	if (r > 0)
		take_frames(channel);
	else if (r != -EAGAIN)
		end(channel);
	if (side_is_open(&channel->side))
		stream_trim(&channel->side.stream);
}

/* Nobody wants to know any more. */
static void read_lingering(struct channel *channel)
{
	struct stream *stream = &channel->side.stream;
	struct frame frame;
	const uint8_t *body;
	int fd, r = stream_read(stream);

	if (r == -EAGAIN)
		return;
	if (r > 0)
		while ((r = stream_next(stream, &frame, &body, &fd)) > 0)
			fd_close(fd);
	else
		r = -EPIPE;
	if (r < 0)
		free_lingering(channel);
	else
		stream_trim(stream);
}

static void on_readable(int fd, short what, void *arg)
{
	struct channel *channel = arg;
	struct peer *peer = channel->peer;

	(void)fd;
	(void)what;
	if (!peer) {
		read_lingering(channel);
		return;
	}
	read_for_peer(channel);
	peer_settle(peer);
}

static void write_lingering(struct channel *channel)
{
	if (side_write(&channel->side) < 0 || stream_pending(&channel->side.stream) == 0)
		free_lingering(channel);
}

static void write_for_peer(struct channel *channel)
{
	/* That it has ended is noticed by reading, after what it said before. */
	if (side_write(&channel->side) < 0)
		set_pending(channel, 0);
	else
		set_pending(channel, stream_pending(&channel->side.stream));
	if (channel->pending == 0)
		stream_trim(&channel->side.stream);
}

static void on_writable(int fd, short what, void *arg)
{
	struct channel *channel = arg;

	(void)fd;
	(void)what;
	if (!channel->peer) {
		write_lingering(channel);
		return;
	}
	write_for_peer(channel);
	peer_settle(channel->peer);
}

/* Room in the table for the handle. watd gives small numbers again. */
static int make_room(struct peer *peer, uint32_t handle)
{
	size_t size = peer->channels_size ? peer->channels_size : 4;
	struct channel **grown;

	if (handle <= peer->channels_size)
		return 0;
	while (size < handle)
		size *= 2;
	grown = reallocarray(peer->channels, size, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	memset(grown + peer->channels_size, 0, (size - peer->channels_size) * sizeof *grown);
	peer->channels = grown;
	peer->channels_size = size;
	return 0;
}

int channel_new(struct peer *peer, uint32_t handle, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	struct channel *channel;
	int r;

	if (peer->n_channels >= PEER_CHANNELS_MAX || peer->gate->n_fds >= peer->gate->fds_max)
		return -EMFILE;
	if (handle == 0 || channel_by_handle(peer, handle))
		return -EEXIST;
	r = make_room(peer, handle);
	if (r < 0)
		return r;
	channel = calloc(1, sizeof *channel);
	if (!channel)
		return -ENOMEM;
	*channel = (struct channel){.gate = peer->gate, .peer = peer, .handle = handle};
	list_init(&channel->dirty);
	list_init(&channel->lingering);
	peer->channels[handle - 1] = channel;
	peer->n_channels++;
	peer->gate->n_fds++;
	r = side_open(&channel->side, peer->loop->base, fd_take(&owned), WAT_BODY_MAX, on_readable,
		      on_writable, channel);
	if (r < 0)
		channel_free(channel);
	return r;
}

struct channel *channel_by_handle(const struct peer *peer, uint32_t handle)
{
	return handle > 0 && handle <= peer->channels_size ? peer->channels[handle - 1] : NULL;
}

void channel_send(struct channel *channel, const struct frame *frame, const uint8_t *body)
{
	struct frame own = *frame;

	/* Its end is on the way to the client. */
	if (!side_is_open(&channel->side))
		return;
	own.handle = 0;
	if (stream_queue(&channel->side.stream, &own, body, frame->body_len, -1) < 0) {
		channel->peer->broken = true;
		return;
	}
	set_pending(channel, stream_pending(&channel->side.stream));
	if (list_empty(&channel->dirty))
		list_append(&channel->peer->dirty, &channel->dirty);
}

void channels_write(struct peer *peer)
{
	struct list *first;

	while ((first = list_first(&peer->dirty))) {
		list_remove(first);
		write_for_peer(container_of(first, struct channel, dirty));
	}
}

/* As many as that; who comes last stays. */
static void add_lingering(struct channel *channel)
{
	struct gate *gate = channel->gate;

	list_append(&gate->lingering, &channel->lingering);
	gate->n_lingering++;
	side_read(&channel->side, true);
	if (gate->n_lingering > CHANNELS_LINGERING_MAX)
		free_lingering(
			container_of(list_first(&gate->lingering), struct channel, lingering));
}

void channel_arrive(struct channel *channel)
{
	if (side_enter(&channel->side, channel->gate->patient.base) < 0)
		channel_free(channel);
	else
		add_lingering(channel);
}

static void linger(struct channel *channel)
{
	struct loop *patient = &channel->gate->patient;
	bool is_here = channel->peer->loop == patient;

	forget(channel);
	if (is_here) {
		add_lingering(channel);
		return;
	}
	side_leave(&channel->side);
	loop_pass_channel(patient, channel);
}

void channel_leave(struct channel *channel, bool orderly)
{
	const struct frame drop = {.type = FRAME_DROP};

	if (orderly)
		channel_send(channel, &drop, NULL);
	if (side_is_open(&channel->side) && side_write(&channel->side) == 0 &&
	    stream_pending(&channel->side.stream) > 0)
		linger(channel);
	else
		channel_free(channel);
}

void channels_read(struct peer *peer, bool on)
{
	for (size_t i = 0; i < peer->channels_size; i++)
		if (peer->channels[i])
			side_read(&peer->channels[i]->side, on);
}

void channels_leave_loop(struct peer *peer)
{
	for (size_t i = 0; i < peer->channels_size; i++)
		if (peer->channels[i])
			side_leave(&peer->channels[i]->side);
}

int channels_enter_loop(struct peer *peer, struct event_base *base)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < peer->channels_size; i++)
		if (peer->channels[i])
			r = side_enter(&peer->channels[i]->side, base);
	return r;
}

static void free_all(struct list *channels)
{
	struct list *first;

	while ((first = list_first(channels))) {
		list_remove(first);
		channel_free(container_of(first, struct channel, lingering));
	}
}

void channels_free_lingering(struct gate *gate)
{
	free_all(&gate->lingering);
	free_all(&gate->patient.inbox.channels);
}
