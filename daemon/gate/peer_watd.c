/* peer_watd.c - a peer's control connection to watd: opened, and what watd sends. */
#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <wat/envelope.pb-c.h>
#include <wat/status.h>

#include "daemon/gate/channel.h"
#include "daemon/gate/peer.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/stream_secure.h"
#include "proto/support/cleanup.h"

static uint32_t handle_of(const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;
	uint32_t handle;

	if (check_unpack(&wat__envelope__bound__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return 0;
	handle = ((const Wat__Envelope__Bound *)message)->handle;
	protobuf_c_message_free_unpacked(message, NULL);
	return handle;
}

/* The client is told of a limit, and watd that the handle is not used. */
static void refuse_channel(struct peer *peer, const struct frame *bound, uint32_t handle)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	struct frame fail = {.type = FRAME_FAIL, .id = bound->id, .budget = WAT_OVERLOADED};
	struct frame drop = {.type = FRAME_DROP, .handle = handle};
	uint8_t body[256];

	failure.text = (char *)"this connection, or the gate, holds too many channels";
	fail.body_len = (uint32_t)wat__envelope__failure__pack(&failure, body);
	peer_say(peer, &fail, body);
	if (stream_queue(&peer->watd.stream, &drop, NULL, 0, -1) < 0)
		peer->broken = true;
}

static void take_bound(struct peer *peer, struct frame *frame, const uint8_t *body, int fd)
{
	uint32_t handle = handle_of(frame, body);
	int r = fd == STREAM_FD_LOST ? -EMFILE : fd < 0 ? 0 : channel_new(peer, handle, fd);

	if (r < 0) {
		refuse_channel(peer, frame, handle);
		return;
	}
	peer_is_no_stranger(peer);
	frame->flags &= (uint8_t)~FRAME_FLAG_FD;
	peer_say(peer, frame, body);
}

static void take_frames(struct peer *peer)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r = 0;

	while (side_is_open(&peer->watd) && !peer_must_be_silent(peer) &&
	       (r = stream_next(&peer->watd.stream, &frame, &body, &fd)) > 0) {
		if (frame.type == FRAME_BOUND) {
			take_bound(peer, &frame, body, fd);
			continue;
		}
		fd_close(fd);
		peer_say(peer, &frame, body);
	}
	if (r < 0)
		peer_finish(peer);
}

/* Without a word: watd had no descriptor for the connection. */
static void end(struct peer *peer)
{
	if (peer->heard)
		peer_finish(peer);
	else
		peer->limit = OVERLOAD_DESCRIPTORS;
}

static void read_watd(struct peer *peer)
{
	int r;

	take_frames(peer);
	if (!side_is_open(&peer->watd) || peer_must_be_silent(peer))
		return;
	r = stream_read(&peer->watd.stream);
	if (r > 0) {
		peer->heard = true;
		take_frames(peer);
	} else if (r != -EAGAIN) {
		end(peer);
	}
}

static void on_readable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_watd(arg);
	peer_settle(arg);
}

static void on_writable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	peer_settle(arg);
}

static int announce(struct peer *peer, int fd)
{
	Wat__Gate__Peer message = WAT__GATE__PEER__INIT;
	const uint8_t *hash = stream_secure_hash(&peer->client.stream);

	message.transport = peer->transport;
	if (hash)
		message.handshake_hash =
			(ProtobufCBinaryData){NOISE_HASH_SIZE, (uint8_t *)(uintptr_t)hash};
	message.address = peer->who.address;
	message.uid = peer->who.uid;
	message.pid = (uint32_t)peer->who.pid;
	message.source =
		(ProtobufCBinaryData){sizeof peer->source->key.bytes, peer->source->key.bytes};
	return gate_announce(peer->gate, &message, fd);
}

int peer_open_watd(struct peer *peer)
{
	int pair[2], r;

	if (peer->gate->n_fds >= peer->gate->fds_max)
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	peer->gate->n_fds++;
	r = side_open(&peer->watd, peer->loop->base, pair[0], WAT_CONTROL_BODY_MAX, on_readable,
		      on_writable, peer);
	peer->watd.stream.may_lose_fds = true;
	if (r < 0) {
		fd_close(pair[1]);
		return r;
	}
	/* From here on it is watd that waits for the HELLO. */
	(void)evtimer_del(peer->deadline);
	return announce(peer, pair[1]);
}
