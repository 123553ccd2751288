/* host_peer.c - a client's end of a channel. Runs in the test's process. */
#include <sys/socket.h>

#include "proto/support/cleanup.h"
#include "tests/unit/host_rig.h"

static void take_attached(struct peer *peer)
{
	Wat__Envelope__Attached *attached;

	assert_true(peer_read(peer));
	assert_int_equal(peer->frame.type, FRAME_ATTACHED);
	attached = (Wat__Envelope__Attached *)rig_unpack(&wat__envelope__attached__descriptor,
							 peer->body, peer->frame.body_len);
	peer->lane = attached->lane;
	peer->last_applied = attached->last_applied;
	wat__envelope__attached__free_unpacked(attached, NULL);
}

static void attach(struct rig *rig,
		   struct peer *peer,
		   uint8_t instance,
		   uint8_t grant,
		   uint8_t lane,
		   bool resume)
{
	int pair[2];

	*peer = (struct peer){.grant = grant};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	stream_init(&peer->stream, pair[0], 2u << 20);
	assert_int_equal(rig_attach_raw(rig, instance, grant, lane, UINT64_MAX, resume, pair[1]),
			 WAT_OK);
	take_attached(peer);
}

void peer_attach(struct rig *rig, struct peer *peer, uint8_t instance, uint8_t grant, uint8_t lane)
{
	attach(rig, peer, instance, grant, lane, false);
}

void peer_resume(struct rig *rig, struct peer *peer, uint8_t instance, uint8_t grant, uint8_t lane)
{
	attach(rig, peer, instance, grant, lane, true);
	peer->last_id = peer->last_applied;
}

void peer_close(struct peer *peer)
{
	stream_deinit(&peer->stream);
}

void peer_queue_frame(struct peer *peer, const struct frame *frame, const void *body, size_t n)
{
	assert_int_equal(stream_queue(&peer->stream, frame, body, n, -1), 0);
}

static uint64_t queue(struct peer *peer, struct frame frame, const ProtobufCMessage *in)
{
	size_t n = in ? protobuf_c_message_get_packed_size(in) : 0;
	uint8_t *room = NULL;

	assert_int_equal(stream_reserve(&peer->stream, &frame, n, &room), 0);
	if (in)
		protobuf_c_message_pack(in, room);
	return frame.id;
}

uint64_t peer_queue(struct peer *peer, uint16_t method, uint32_t budget, const ProtobufCMessage *in)
{
	struct frame frame = {.type = FRAME_CALL,
			      .method = method,
			      .id = ++peer->last_id,
			      .budget = budget,
			      .window = (uint32_t)peer->window};

	return queue(peer, frame, in);
}

void peer_queue_as(struct peer *peer, uint64_t id, uint16_t method, const ProtobufCMessage *in)
{
	struct frame frame = {
		.type = FRAME_CALL, .method = method, .id = id, .window = (uint32_t)peer->window};

	(void)queue(peer, frame, in);
	if (id > peer->last_id)
		peer->last_id = id;
}

void peer_flush(struct peer *peer)
{
	rig_write_all(&peer->stream);
}

bool peer_read(struct peer *peer)
{
	return rig_read_frame(&peer->stream, &peer->frame, &peer->body);
}

wat_status peer_call(struct peer *peer, uint16_t method, const ProtobufCMessage *in)
{
	uint64_t id = peer_queue(peer, method, 0, in);

	peer_flush(peer);
	return peer_answer(peer, id);
}

wat_status peer_answer(struct peer *peer, uint64_t id)
{
	assert_true(peer_read(peer));
	assert_int_equal(peer->frame.id, id);
	if (peer->frame.type == FRAME_FAIL)
		return (wat_status)peer->frame.budget;
	assert_int_equal(peer->frame.type, FRAME_REPLY);
	return WAT_OK;
}

Wat__Envelope__Failure *peer_failure(const struct peer *peer)
{
	Wat__Envelope__GoAway *goaway;
	Wat__Envelope__Failure *failure;

	if (peer->frame.type == FRAME_FAIL)
		return (Wat__Envelope__Failure *)rig_unpack(&wat__envelope__failure__descriptor,
							    peer->body, peer->frame.body_len);
	assert_int_equal(peer->frame.type, FRAME_GOAWAY);
	goaway = (Wat__Envelope__GoAway *)rig_unpack(&wat__envelope__go_away__descriptor,
						     peer->body, peer->frame.body_len);
	failure = TAKE(goaway->failure);
	wat__envelope__go_away__free_unpacked(goaway, NULL);
	assert_non_null(failure);
	return failure;
}

uint64_t peer_expect_goaway(struct peer *peer, wat_status status)
{
	Wat__Envelope__GoAway *goaway;
	uint64_t last;

	assert_true(peer_read(peer));
	assert_int_equal(peer->frame.type, FRAME_GOAWAY);
	goaway = (Wat__Envelope__GoAway *)rig_unpack(&wat__envelope__go_away__descriptor,
						     peer->body, peer->frame.body_len);
	assert_int_equal(goaway->status, status);
	last = goaway->last_read_id;
	wat__envelope__go_away__free_unpacked(goaway, NULL);
	assert_false(peer_read(peer));
	return last;
}
