/* gate_link.c - the socket between watd and the gate. Loop thread. */
#include "daemon/supervisor/gate_link.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wat/gate.pb-c.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/overloads.h"
#include "daemon/supervisor/session.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

#define BODY_MAX 1024u

/* Methods of EVENT frames. */
enum to_gate { TO_SETTINGS, TO_LISTEN, TO_STOP_ACCEPTING, TO_LIMITS };
enum from_gate { FROM_PEER, FROM_REFUSED };

static void write_out(struct gate *gate)
{
	/* A gate that has gone is noticed by its pidfd. */
	if (stream_write(&gate->link) == -EAGAIN)
		(void)event_add(gate->writable, NULL);
	else if (gate->ending)
		(void)shutdown(gate->link.fd, SHUT_WR);
}

static int queue(struct gate *gate, uint16_t method, const ProtobufCMessage *message, int fd)
{
	struct frame frame = {.type = FRAME_EVENT, .method = method};
	uint8_t body[BODY_MAX];
	size_t n = protobuf_c_message_pack(message, body);
	int r = stream_queue(&gate->link, &frame, body, n, fd);

	sodium_memzero(body, sizeof body);
	return r;
}

static bool is_insecure(const struct options *options)
{
	return strcmp(options->insecure_loopback, "yes") == 0;
}

static int queue_settings(struct gate *gate)
{
	Wat__Gate__Settings settings = WAT__GATE__SETTINGS__INIT;
	const struct options *options = gate->node->options;

	settings.transport_key = (ProtobufCBinaryData){
		NOISE_KEY_SIZE, (uint8_t *)(uintptr_t)transport_key_secret(gate->key)};
	settings.log_level = (uint32_t)options->level;
	settings.log_format = (uint32_t)options->format;
	settings.insecure_loopback = is_insecure(options);
	return queue(gate, TO_SETTINGS, &settings.base, -1);
}

static int queue_limits(struct gate *gate)
{
	Wat__Gate__Limits message = WAT__GATE__LIMITS__INIT;
	const struct limits *limits = &gate->node->options->limits;

	message.connections = (uint32_t)limits->gate_connections;
	message.connections_of_address = (uint32_t)limits->gate_connections_of_address;
	message.connections_of_uid = limits->of_uid.connections;
	message.handshake_rate = limits->of_uid.handshakes.per_s;
	message.handshake_burst = limits->of_uid.handshakes.burst;
	message.drop_from = limits->unauthenticated.from;
	message.drop_percent = limits->unauthenticated.percent;
	message.drop_full = limits->unauthenticated.full;
	message.buffered = limits->buffered;
	message.hello_s = (uint32_t)limits->hello_s;
	return queue(gate, TO_LIMITS, &message.base, -1);
}

static int queue_listener(struct gate *gate, int fd, Wat__Gate__Transport transport)
{
	Wat__Gate__Listen listen = WAT__GATE__LISTEN__INIT;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	listen.transport = transport;
	return queue(gate, TO_LISTEN, &listen.base, copy);
}

static int queue_listeners(struct gate *gate)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < gate->listeners.n; i++)
		r = queue_listener(gate, gate->listeners.fds[i], WAT__GATE__TRANSPORT__NOISE);
	if (r == 0 && gate->socket)
		r = queue_listener(gate, listener_fd(gate->socket), WAT__GATE__TRANSPORT__UNIX);
	return r;
}

/* What the peer's proofs are bound to. The gate says which handshake there was; what that makes of
 * a proof is said here, so that one of TCP is never one of a unix socket. */
static bool bind_peer(const struct gate *gate, const Wat__Gate__Peer *m, struct session_peer *peer)
{
	const struct options *options = gate->node->options;

	switch (m->transport) {
	case WAT__GATE__TRANSPORT__NOISE:
		if (m->handshake_hash.len != NOISE_HASH_SIZE)
			return false;
		token_noise_binding(m->handshake_hash.data, peer->chan_bind);
		return gate->has_tcp;
	case WAT__GATE__TRANSPORT__PLAIN:
		token_plain_binding(peer->chan_bind);
		return gate->has_tcp && is_insecure(options);
	case WAT__GATE__TRANSPORT__UNIX:
		token_unix_binding(peer->chan_bind);
		return options->gate_socket != NULL;
	default:
		return false;
	}
}

/* What its BINDs are counted by. */
static bool name_source(const Wat__Gate__Peer *m, struct session_peer *peer)
{
	if (m->transport == WAT__GATE__TRANSPORT__UNIX) {
		peer->uid = m->uid;
		peer->source = source_key_of_uid(m->uid);
		return true;
	}
	if (m->source.len != sizeof peer->source.bytes)
		return false;
	memcpy(peer->source.bytes, m->source.data, sizeof peer->source.bytes);
	return true;
}

static bool take_peer(struct gate *gate, const uint8_t *body, size_t n, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	struct session_peer peer = {.uid = (uid_t)-1};
	ProtobufCMessage *message;
	const Wat__Gate__Peer *m;
	bool good;
	int r;

	/* The gate sees that its end of it is closed, and tells the peer. */
	if (fd == STREAM_FD_LOST) {
		overloads_add(gate->node->overloads, OVERLOAD_DESCRIPTORS,
			      &(struct origin){.uid = (uid_t)-1}, 1);
		return true;
	}
	if (owned < 0 ||
	    check_unpack(&wat__gate__peer__descriptor, NULL, body, n, &message, NULL) < 0)
		return false;
	m = (const Wat__Gate__Peer *)message;
	good = bind_peer(gate, m, &peer) && name_source(m, &peer) &&
	       strlen(m->address) < sizeof peer.address;
	if (good) {
		memcpy(peer.address, m->address, strlen(m->address) + 1);
		peer.pid = (pid_t)m->pid;
	}
	protobuf_c_message_free_unpacked(message, NULL);
	if (!good || gate->node->suspending)
		return good;
	r = session_new_gated(gate->node, fd_take(&owned), &peer);
	if (r < 0)
		overloads_add(gate->node->overloads,
			      r == -EMFILE ? OVERLOAD_DESCRIPTORS : OVERLOAD_MEMORY,
			      &(struct origin){.uid = (uid_t)-1}, 1);
	return true;
}

static bool take_refused(struct gate *gate, const uint8_t *body, size_t n)
{
	struct origin origin = {.uid = (uid_t)-1};
	ProtobufCMessage *message;
	const Wat__Gate__Refused *m;
	bool good;

	if (check_unpack(&wat__gate__refused__descriptor, NULL, body, n, &message, NULL) < 0)
		return false;
	m = (const Wat__Gate__Refused *)message;
	good = overload_key(m->limit) && m->count > 0 && strlen(m->address) < sizeof origin.address;
	if (good) {
		memcpy(origin.address, m->address, strlen(m->address) + 1);
		origin.has_peer = m->uid != (uid_t)-1;
		origin.uid = m->uid;
		origin.pid = (pid_t)m->pid;
		overloads_add(gate->node->overloads, (enum overload)m->limit, &origin, m->count);
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return good;
}

/* Takes the descriptor. */
static bool handle(struct gate *gate, const struct frame *frame, const uint8_t *body, int fd)
{
	if (frame->type == FRAME_EVENT && frame->method == FROM_PEER)
		return take_peer(gate, body, frame->body_len, fd);
	if (fd >= 0) {
		fd_close(fd);
		return false;
	}
	return frame->type == FRAME_EVENT && frame->method == FROM_REFUSED &&
	       take_refused(gate, body, frame->body_len);
}

static int handle_frames(struct gate *gate)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r;

	while ((r = stream_next(&gate->link, &frame, &body, &fd)) > 0)
		if (!handle(gate, &frame, body, fd))
			return -EPROTO;
	return r;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;
	int r = stream_read(&gate->link);

	(void)fd;
	(void)what;
	if (r == -EAGAIN)
		return;
	if (r > 0)
		r = handle_frames(gate);
	else if (r == 0)
		r = -EPIPE;
	if (r >= 0)
		return;
	(void)event_del(gate->readable);
	/* It ends, as it was told. */
	if (gate->ending)
		return;
	/* Without it the gate is of no use. */
	if (r != -EPIPE && r != -ECONNRESET)
		log_error("the gate breaks the protocol between us and is killed", "error",
			  strerror(-r));
	gate_kill(gate);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_out(arg);
}

int gate_link_open(struct gate *gate, int fd)
{
	struct event_base *base = gate->node->base;
	int r;

	stream_init(&gate->link, fd, BODY_MAX);
	gate->link.may_lose_fds = true;
	gate->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, gate);
	gate->writable = event_new(base, fd, EV_WRITE, on_writable, gate);
	if (!gate->readable || !gate->writable || event_add(gate->readable, NULL) < 0)
		return -ENOMEM;
	r = queue_settings(gate);
	if (r == 0)
		r = queue_limits(gate);
	if (r == 0)
		r = queue_listeners(gate);
	if (r == 0)
		write_out(gate);
	return r;
}

void gate_link_close(struct gate *gate)
{
	if (gate->readable)
		event_free(gate->readable);
	if (gate->writable)
		event_free(gate->writable);
	gate->readable = gate->writable = NULL;
	stream_deinit(&gate->link);
}

void gate_link_stop_accepting(struct gate *gate)
{
	struct frame frame = {.type = FRAME_EVENT, .method = TO_STOP_ACCEPTING};

	if (gate->link.fd >= 0 && stream_queue(&gate->link, &frame, NULL, 0, -1) == 0)
		write_out(gate);
}

void gate_link_tell_limits(struct gate *gate)
{
	if (gate->link.fd < 0)
		return;
	if (queue_limits(gate) == 0)
		write_out(gate);
	else
		log_error("the gate keeps its limits until it is started again", "error",
			  "no memory");
}

void gate_link_end(struct gate *gate)
{
	if (gate->link.fd >= 0)
		write_out(gate);
}
