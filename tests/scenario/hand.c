/* hand.c - a client that speaks the protocol by hand. Test's thread. */
#include "tests/scenario/hand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/check.h"
#include "proto/net_place.h"
#include "proto/limits.h"
#include "proto/stream_secure.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	assert_int_equal(poll(&p, 1, -1), 1);
}

static int connect_path(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

int hand_dial(const char *address)
{
	return hand_dial_from(address, "127.0.0.1");
}

int hand_dial_from(const char *address, const char *source)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET};
	const char *place = strpbrk(strstr(address, "//") + 2, "@");
	struct net_place parsed;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	place = place ? place + 1 : strstr(address, "//") + 2;
	assert_true(net_place_parse(place, &parsed));
	assert_int_equal(inet_pton(AF_INET, parsed.host, &to.sin_addr), 1);
	to.sin_port = htons((uint16_t)atoi(parsed.port));
	assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static int shake_hands(struct hand *hand, const char *address)
{
	uint8_t key[NOISE_KEY_SIZE];
	size_t n;

	assert_int_equal(sodium_base642bin(key, sizeof key, address + strlen("wat://"), 43, NULL,
					   &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
			 0);
	assert_int_equal(stream_secure_connect(&hand->stream, key), 0);
	while (!stream_secure_hash(&hand->stream)) {
		int r;

		hand_flush(hand);
		wait_for(hand->stream.fd, POLLIN);
		r = stream_read(&hand->stream);
		if (r <= 0)
			return r == 0 ? -ECONNRESET : r;
	}
	token_noise_binding(stream_secure_hash(&hand->stream), hand->chan_bind);
	return 0;
}

int hand_begin(struct hand *hand, const char *address, int fd)
{
	*hand = (struct hand){.fd = -1};
	/* Reading and writing never wait: they ask so each time. */
	stream_init(&hand->stream, fd, 2u << 20);
	if (strncmp(address, "wat://", 6) == 0)
		return shake_hands(hand, address);
	if (strncmp(address, "wat+insecure://", 15) == 0) {
		hand_queue_bytes(hand, WAT_PLAIN_PREFACE, strlen(WAT_PLAIN_PREFACE));
		token_plain_binding(hand->chan_bind);
	} else {
		token_unix_binding(hand->chan_bind);
	}
	return 0;
}

int hand_reach(const char *address)
{
	return *address == '/' ? connect_path(address) : hand_dial(address);
}

void hand_connect(struct hand *hand, const char *address)
{
	assert_int_equal(hand_begin(hand, address, hand_reach(address)), 0);
}

void hand_close(struct hand *hand)
{
	hand->fd = fd_close(hand->fd);
	stream_deinit(&hand->stream);
}

void hand_queue(struct hand *hand, struct frame frame, const void *body, size_t n)
{
	assert_int_equal(stream_queue(&hand->stream, &frame, body, n, -1), 0);
}

uint64_t hand_queue_call(struct hand *hand, uint16_t method, const void *body, size_t n)
{
	struct frame frame = {.type = FRAME_CALL,
			      .method = method,
			      .id = ++hand->last_id,
			      .handle = hand->handle};

	hand_queue(hand, frame, body, n);
	return frame.id;
}

void hand_queue_bytes(struct hand *hand, const void *bytes, size_t n)
{
	hand_flush(hand);
	if (hand->stream.secure) {
		assert_int_equal(stream_queue_bytes(&hand->stream, bytes, n), 0);
		hand_flush(hand);
		return;
	}
	while (n > 0) {
		ssize_t r = send(hand->stream.fd, bytes, n, MSG_NOSIGNAL);

		/* A peer that has refused a frame may have gone before the rest. */
		if (r < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		assert_true(r > 0);
		bytes = (const char *)bytes + r;
		n -= (size_t)r;
	}
}

void hand_flush(struct hand *hand)
{
	int r;

	while ((r = stream_write(&hand->stream)) == -EAGAIN)
		wait_for(hand->stream.fd, POLLOUT);
	assert_true(r == 0 || r == -EPIPE || r == -ECONNRESET);
}

/* A frame of what was read: 1, or 0. */
static int take(struct hand *hand)
{
	int r;

	hand->fd = fd_close(hand->fd);
	r = stream_next(&hand->stream, &hand->frame, &hand->body, &hand->fd);
	assert_true(r >= 0);
	return r;
}

int hand_turn(struct hand *hand)
{
	bool pending;
	int r = take(hand);

	if (r > 0)
		return 1;
	r = stream_write(&hand->stream);
	assert_true(r == 0 || r == -EAGAIN || r == -EPIPE || r == -ECONNRESET);
	pending = r == -EAGAIN;
	r = stream_read(&hand->stream);
	if (r == -EAGAIN) {
		wait_for(hand->stream.fd, (short)(POLLIN | (pending ? POLLOUT : 0)));
		return 0;
	}
	if (r == 0 || r == -ECONNRESET)
		return -1;
	assert_true(r > 0);
	return take(hand);
}

bool hand_read(struct hand *hand)
{
	int r;

	while ((r = hand_turn(hand)) == 0)
		;
	return r > 0;
}

static ProtobufCMessage *unpack(const struct hand *hand,
				const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message;

	assert_int_equal(
		check_unpack(descriptor, NULL, hand->body, hand->frame.body_len, &message, NULL),
		0);
	return message;
}

void hand_welcome(struct hand *hand)
{
	Wat__Envelope__Welcome *welcome;

	assert_int_equal(hand->frame.type, FRAME_WELCOME);
	welcome = (Wat__Envelope__Welcome *)unpack(hand, &wat__envelope__welcome__descriptor);
	assert_int_equal(welcome->challenge.len, sizeof hand->challenge);
	assert_int_equal(welcome->node_id.len, sizeof hand->node_id);
	memcpy(hand->challenge, welcome->challenge.data, sizeof hand->challenge);
	memcpy(hand->node_id, welcome->node_id.data, sizeof hand->node_id);
	hand->handles = welcome->handles;
	wat__envelope__welcome__free_unpacked(welcome, NULL);
}

void hand_greet(struct hand *hand)
{
	static const uint8_t hello[] = {0x08, 0x01};

	hand_queue(hand, (struct frame){.type = FRAME_HELLO}, hello, sizeof hello);
	assert_true(hand_read(hand));
	hand_welcome(hand);
}

/* Returns the descriptor that came along, or -1. */
static int expect_bound(struct hand *hand, uint64_t id)
{
	Wat__Envelope__Bound *bound;

	assert_true(hand_read(hand));
	assert_int_equal(hand->frame.type, FRAME_BOUND);
	assert_int_equal(hand->frame.id, id);
	bound = (Wat__Envelope__Bound *)unpack(hand, &wat__envelope__bound__descriptor);
	hand->handle = bound->handle;
	wat__envelope__bound__free_unpacked(bound, NULL);
	return fd_take(&hand->fd);
}

void hand_bind_node(struct hand *hand)
{
	hand_queue(hand, (struct frame){.type = FRAME_BIND, .id = ++hand->last_id}, NULL, 0);
	assert_int_equal(expect_bound(hand, hand->last_id), -1);
}

static void prove(const struct hand *hand,
		  const struct token *token,
		  uint8_t proof[static TOKEN_PROOF_SIZE])
{
	uint8_t pk[32], sk[64];
	struct token_bind bind = {.chan_bind = hand->chan_bind,
				  .challenge = hand->challenge,
				  .node_id = hand->node_id,
				  .slot = hand->last_id};

	assert_int_equal(crypto_sign_seed_keypair(pk, sk, token->seed), 0);
	token_prove(token, &bind, sk, proof);
}

static size_t bind_body(struct hand *hand,
			const char *token_text,
			const struct hand_lane *lane,
			uint8_t *body,
			uint64_t *ret_id)
{
	Wat__Envelope__Bind bind = WAT__ENVELOPE__BIND__INIT;
	uint8_t bytes[TOKEN_CHAIN_MAX], proof[TOKEN_PROOF_SIZE];
	struct token token;

	*ret_id = ++hand->last_id;
	assert_int_equal(token_from_text(token_text, &token), TOKEN_OK);
	token_encode(&token, bytes);
	prove(hand, &token, proof);
	bind.role = (Wat__Envelope__Role)token.role;
	bind.token = (ProtobufCBinaryData){token_length(&token), bytes};
	bind.proof = (ProtobufCBinaryData){sizeof proof, proof};
	bind.lane = (ProtobufCBinaryData){sizeof lane->id, (uint8_t *)(uintptr_t)lane->id};
	bind.lane_mode =
		lane->resume ? WAT__ENVELOPE__LANE_MODE__RESUME : WAT__ENVELOPE__LANE_MODE__NEW;
	return wat__envelope__bind__pack(&bind, body);
}

size_t hand_bind_body(struct hand *hand, const char *token_text, uint8_t *body, uint64_t *ret_id)
{
	struct hand_lane lane = {.resume = false};

	randombytes_buf(lane.id, sizeof lane.id);
	return bind_body(hand, token_text, &lane, body, ret_id);
}

void hand_bind_handle(struct hand *hand, const char *token_text)
{
	uint8_t body[HAND_BIND_MAX];
	uint64_t id;
	size_t n = hand_bind_body(hand, token_text, body, &id);

	hand_queue(hand, (struct frame){.type = FRAME_BIND, .id = id}, body, n);
	assert_int_equal(expect_bound(hand, id), -1);
	assert_true(hand_read(hand));
	assert_int_equal(hand->frame.type, FRAME_ATTACHED);
	assert_int_equal(hand->frame.handle, hand->handle);
}

void hand_bind_user(struct hand *hand, const char *token_text, struct hand *ret_channel)
{
	uint8_t body[HAND_BIND_MAX];
	uint64_t id;
	size_t n = hand_bind_body(hand, token_text, body, &id);
	int fd;

	hand_queue(hand, (struct frame){.type = FRAME_BIND, .id = id}, body, n);
	fd = expect_bound(hand, id);
	assert_true(fd >= 0);
	*ret_channel = (struct hand){.fd = -1};
	stream_init(&ret_channel->stream, fd, 2u << 20);
	assert_true(hand_read(ret_channel));
	assert_int_equal(ret_channel->frame.type, FRAME_ATTACHED);
}

/* 0 with the channel's descriptor, or as hand_bind_lane says. */
static int read_bound(struct hand *hand, int *ret_fd)
{
	if (!hand_read(hand))
		return -1;
	if (hand->frame.type == FRAME_FAIL)
		return (int)hand->frame.budget;
	if (hand->frame.type != FRAME_BOUND)
		return -1;
	*ret_fd = fd_take(&hand->fd);
	assert_true(*ret_fd >= 0);
	return 0;
}

static int read_attached(struct hand *channel, struct hand_lane *lane)
{
	Wat__Envelope__Attached *attached;

	if (!hand_read(channel) || channel->frame.type != FRAME_ATTACHED)
		return -1;
	attached = (Wat__Envelope__Attached *)unpack(channel, &wat__envelope__attached__descriptor);
	lane->resumed = attached->lane == WAT__ENVELOPE__LANE_STATE__LANE_RESUMED;
	lane->last_applied = attached->last_applied;
	wat__envelope__attached__free_unpacked(attached, NULL);
	return 0;
}

int hand_bind_lane(struct hand *hand,
		   const char *token_text,
		   struct hand_lane *lane,
		   struct hand *ret_channel)
{
	uint8_t body[HAND_BIND_MAX];
	uint64_t id;
	size_t n = bind_body(hand, token_text, lane, body, &id);
	int fd = -1, r;

	hand_queue(hand, (struct frame){.type = FRAME_BIND, .id = id}, body, n);
	r = read_bound(hand, &fd);
	if (r != 0)
		return r;
	*ret_channel = (struct hand){.fd = -1};
	stream_init(&ret_channel->stream, fd, 2u << 20);
	r = read_attached(ret_channel, lane);
	if (r != 0)
		hand_close(ret_channel);
	return r;
}

void hand_expect_fail(struct hand *hand, uint64_t id, wat_status status, const char *part)
{
	Wat__Envelope__Failure *failure;

	assert_true(hand_read(hand));
	assert_int_equal(hand->frame.type, FRAME_FAIL);
	assert_int_equal(hand->frame.id, id);
	failure = (Wat__Envelope__Failure *)unpack(hand, &wat__envelope__failure__descriptor);
	if (hand->frame.budget != (uint32_t)status || !strstr(failure->text, part))
		fail_msg("expected %s and \"%s\", got %s: %s", wat_status_name((int)status), part,
			 wat_status_name((int)hand->frame.budget), failure->text);
	wat__envelope__failure__free_unpacked(failure, NULL);
}

void hand_expect_goaway(struct hand *hand, wat_status status)
{
	Wat__Envelope__GoAway *message;

	assert_true(hand_read(hand));
	assert_int_equal(hand->frame.type, FRAME_GOAWAY);
	message = (Wat__Envelope__GoAway *)unpack(hand, &wat__envelope__go_away__descriptor);
	assert_int_equal(message->status, status);
	assert_true(strlen(message->failure->text) > 10);
	wat__envelope__go_away__free_unpacked(message, NULL);
	assert_false(hand_read(hand));
}
