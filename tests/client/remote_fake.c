/* remote_fake.c - a daemon on a loopback port that is none. Its thread has everything but what the
 * lock guards. */
#include "tests/client/remote_fake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wat/envelope.pb-c.h>
#include <wat/status.h>

#include "proto/limits.h"
#include "proto/stream_secure.h"
#include "proto/token.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* A connection under way; its thread's. */
struct peer {
	struct remote_fake *fake;
	struct stream stream;
	bool closing;
};

static void say(struct peer *peer, struct frame frame, const void *body, size_t n)
{
	must(stream_queue(&peer->stream, &frame, body, n, -1) == 0, "stream_queue");
}

static void say_message(struct peer *peer, struct frame frame, const ProtobufCMessage *message)
{
	uint8_t body[512];

	must(protobuf_c_message_get_packed_size(message) <= sizeof body, "body");
	say(peer, frame, body, protobuf_c_message_pack(message, body));
}

static void greet(struct peer *peer)
{
	Wat__Envelope__Welcome welcome = WAT__ENVELOPE__WELCOME__INIT;
	uint8_t zeros[32] = {0};

	welcome.version = 1;
	welcome.handles = true;
	welcome.challenge = (ProtobufCBinaryData){32, zeros};
	welcome.node_id = (ProtobufCBinaryData){16, zeros};
	say_message(peer, (struct frame){.type = FRAME_WELCOME}, &welcome.base);
}

static void channel_binding(const struct peer *peer, uint8_t ret[static 32])
{
	if (peer->fake->plain)
		token_plain_binding(ret);
	else
		token_noise_binding(stream_secure_hash(&peer->stream), ret);
}

/* Is the proof bound to this very connection? */
static bool is_proved(const struct peer *peer, const struct frame *frame, Wat__Envelope__Bind *bind)
{
	uint8_t binding[32], zeros[32] = {0};
	struct token_bind context = {
		.chan_bind = binding, .challenge = zeros, .node_id = zeros, .slot = frame->id};
	struct token token;

	channel_binding(peer, binding);
	return bind->proof.len == TOKEN_PROOF_SIZE &&
	       token_decode(bind->token.data, bind->token.len, &token) == TOKEN_OK &&
	       token_verify_proof(&token, &context, bind->proof.data);
}

static void bind_user(struct peer *peer, const struct frame *frame, const uint8_t *body)
{
	struct remote_fake *fake = peer->fake;
	Wat__Envelope__Bind *bind = wat__envelope__bind__unpack(NULL, frame->body_len, body);
	Wat__Envelope__Bound bound = WAT__ENVELOPE__BOUND__INIT;
	Wat__Envelope__Attached attached = WAT__ENVELOPE__ATTACHED__INIT;
	bool resume;

	must(bind != NULL, "BIND");
	resume = bind->lane_mode == WAT__ENVELOPE__LANE_MODE__RESUME;
	(void)pthread_mutex_lock(&fake->lock);
	bound.handle = ++fake->n_binds + 100;
	fake->n_resumed += resume;
	fake->n_wrong_proofs += !is_proved(peer, frame, bind);
	(void)pthread_mutex_unlock(&fake->lock);
	bound.service = (char *)"fake.Service";
	bound.instance = (char *)"f1";
	say_message(peer, (struct frame){.type = FRAME_BOUND, .id = frame->id}, &bound.base);
	attached.generation = 1;
	attached.lane = resume ? WAT__ENVELOPE__LANE_STATE__LANE_RESUMED
			       : WAT__ENVELOPE__LANE_STATE__LANE_NEW;
	say_message(peer, (struct frame){.type = FRAME_ATTACHED, .handle = bound.handle},
		    &attached.base);
	wat__envelope__bind__free_unpacked(bind, NULL);
}

static void echo(struct peer *peer, const struct frame *call, const uint8_t *body)
{
	say(peer, (struct frame){.type = FRAME_REPLY, .id = call->id, .handle = call->handle}, body,
	    call->body_len);
}

static void go_away(struct peer *peer, const struct frame *call)
{
	Wat__Envelope__GoAway message = WAT__ENVELOPE__GO_AWAY__INIT;

	message.status = WAT_ACCESS_DENIED;
	message.last_read_id = call->id - 1;
	say_message(peer, (struct frame){.type = FRAME_GOAWAY, .handle = call->handle},
		    &message.base);
	say(peer, (struct frame){.type = FRAME_DROP, .handle = call->handle}, NULL, 0);
}

/* Ids that a call of another handle has, and nobody knows under these. */
static void stray(struct peer *peer, const struct frame *call, const uint8_t *body)
{
	for (uint32_t handle = 1; handle < 4; handle++) {
		struct frame frame = {.type = FRAME_REPLY, .id = call->id, .handle = handle};

		say(peer, frame, "wrong", 5);
		frame.type = FRAME_DROP;
		frame.id = 0;
		say(peer, frame, NULL, 0);
	}
	echo(peer, call, body);
}

static void misbehave(struct peer *peer, const struct frame *call)
{
	struct frame frame = {.handle = call->handle};

	if (call->method == REMOTE_HANG_UP) {
		peer->closing = true;
		return;
	}
	frame.type = call->method == REMOTE_DROP ? FRAME_DROP : FRAME_BIND;
	say(peer, frame, NULL, 0);
}

static bool is_first(struct remote_fake *fake, unsigned method)
{
	bool first;

	(void)pthread_mutex_lock(&fake->lock);
	fake->n_calls++;
	first = !fake->done_once[method % 8];
	fake->done_once[method % 8] = true;
	(void)pthread_mutex_unlock(&fake->lock);
	return first;
}

static void run_call(struct peer *peer, const struct frame *call, const uint8_t *body)
{
	bool first = is_first(peer->fake, call->method);

	must(call->handle > 100, "a CALL without its handle");
	if (call->method == REMOTE_GO_AWAY)
		go_away(peer, call);
	else if (call->method == REMOTE_STRAY)
		stray(peer, call, body);
	else if (call->method == REMOTE_ECHO || !first)
		echo(peer, call, body);
	else
		misbehave(peer, call);
}

static void handle(struct peer *peer, const struct frame *frame, const uint8_t *body)
{
	if (frame->type == FRAME_HELLO)
		greet(peer);
	else if (frame->type == FRAME_BIND)
		bind_user(peer, frame, body);
	else if (frame->type == FRAME_CALL)
		run_call(peer, frame, body);
	if (frame->type != FRAME_DROP)
		return;
	(void)pthread_mutex_lock(&peer->fake->lock);
	peer->fake->n_drops++;
	(void)pthread_mutex_unlock(&peer->fake->lock);
}

/* False: the client has gone. */
static bool step(struct peer *peer)
{
	struct stream *stream = &peer->stream;
	struct pollfd socket = {.fd = stream->fd, .events = POLLIN};
	struct frame frame;
	const uint8_t *body;
	int taken;

	if (stream_wants_write(stream))
		socket.events |= POLLOUT;
	must(poll(&socket, 1, -1) > 0, "poll");
	if ((socket.revents & ~POLLOUT) && stream_read(stream) <= 0)
		return false;
	while (!peer->closing && stream_next(stream, &frame, &body, &taken) > 0)
		handle(peer, &frame, body);
	if (!peer->closing)
		(void)!stream_write(stream);
	return true;
}

static void serve_connection(struct remote_fake *fake, int fd)
{
	struct peer peer = {.fake = fake};
	char preface[sizeof WAT_PLAIN_PREFACE];

	if (fake->plain)
		must(recv(fd, preface, sizeof preface - 1, MSG_WAITALL) == sizeof preface - 1 &&
			     memcmp(preface, WAT_PLAIN_PREFACE, sizeof preface - 1) == 0,
		     "preface");
	stream_init(&peer.stream, fd, WAT_CONTROL_BODY_MAX);
	if (!fake->plain)
		must(stream_secure_accept(&peer.stream, fake->sk) == 0, "stream_secure_accept");
	while (!peer.closing && step(&peer))
		;
	(void)pthread_mutex_lock(&fake->lock);
	fake->connection = -1;
	stream_deinit(&peer.stream);
	(void)pthread_mutex_unlock(&fake->lock);
}

/* As a real one does, before the client's message was looked at. */
static void refuse_connection(const struct remote_fake *fake, int fd)
{
	stream_secure_refuse(fd, fake->overload);
	close(fd);
}

static void *serve(void *arg)
{
	struct remote_fake *fake = arg;
	bool turn_away;
	int fd;

	while ((fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		(void)pthread_mutex_lock(&fake->lock);
		fake->n_connections++;
		turn_away = fake->turn_away > 0;
		fake->turn_away -= turn_away;
		fake->connection = turn_away ? -1 : fd;
		(void)pthread_mutex_unlock(&fake->lock);
		if (turn_away)
			refuse_connection(fake, fd);
		else
			serve_connection(fake, fd);
	}
	return NULL;
}

void remote_fake_turn_away(struct remote_fake *fake, unsigned n, unsigned overload)
{
	(void)pthread_mutex_lock(&fake->lock);
	fake->turn_away = n;
	fake->overload = overload;
	(void)pthread_mutex_unlock(&fake->lock);
}

void remote_fake_hang_up(struct remote_fake *fake)
{
	(void)pthread_mutex_lock(&fake->lock);
	if (fake->connection >= 0)
		(void)shutdown(fake->connection, SHUT_RDWR);
	(void)pthread_mutex_unlock(&fake->lock);
}

static void make_address(struct remote_fake *fake)
{
	uint8_t pk[NOISE_KEY_SIZE];

	randombytes_buf(fake->sk, sizeof fake->sk);
	noise_public_key(fake->sk, pk);
	sodium_bin2base64(fake->key, sizeof fake->key, pk, sizeof pk,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	if (fake->plain)
		snprintf(fake->address, sizeof fake->address, "wat+insecure://127.0.0.1:%u",
			 fake->port);
	else
		snprintf(fake->address, sizeof fake->address, "wat://%s@127.0.0.1:%u", fake->key,
			 fake->port);
}

void remote_fake_start(struct remote_fake *fake, bool plain)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof address;

	*fake = (struct remote_fake){.connection = -1, .plain = plain};
	must(sodium_init() >= 0, "sodium_init");
	must(pthread_mutex_init(&fake->lock, NULL) == 0, "mutex");
	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(fake->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
		     listen(fake->listener, 16) == 0 &&
		     getsockname(fake->listener, (struct sockaddr *)&address, &n) == 0,
	     "listener");
	fake->port = ntohs(address.sin_port);
	make_address(fake);
	must(pthread_create(&fake->thread, NULL, serve, fake) == 0, "thread");
}

void remote_fake_stop(struct remote_fake *fake)
{
	(void)shutdown(fake->listener, SHUT_RDWR);
	(void)pthread_mutex_lock(&fake->lock);
	if (fake->connection >= 0)
		(void)shutdown(fake->connection, SHUT_RDWR);
	(void)pthread_mutex_unlock(&fake->lock);
	(void)pthread_join(fake->thread, NULL);
	close(fake->listener);
	(void)pthread_mutex_destroy(&fake->lock);
}

unsigned remote_fake_count(struct remote_fake *fake, const unsigned *count)
{
	unsigned value;

	(void)pthread_mutex_lock(&fake->lock);
	value = *count;
	(void)pthread_mutex_unlock(&fake->lock);
	return value;
}
