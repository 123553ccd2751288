/* link.c - the socket to watd: settings and listening sockets come, peers are announced. */
#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/gate.pb-c.h>

#include "daemon/base/descriptors.h"
#include "daemon/base/log.h"
#include "daemon/base/secret.h"
#include "daemon/gate/channel.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/peer.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

#define BODY_MAX 1024u
#define FDS_RESERVED 64u /* beside those of peers and channels */
#define END_MAX_S 2      /* how long peers may take to be told that watd goes */

/* Methods of EVENT frames. */
enum from_watd { FROM_SETTINGS, FROM_LISTEN, FROM_STOP_ACCEPTING, FROM_LIMITS };
enum to_watd { TO_PEER, TO_REFUSED };

static void write_out(struct gate *gate)
{
	/* The end of the link is noticed by reading. */
	if (stream_write(&gate->link) == -EAGAIN)
		(void)event_add(gate->link_writable, NULL);
}

int gate_announce(struct gate *gate, const Wat__Gate__Peer *peer, int fd)
{
	struct frame frame = {.type = FRAME_EVENT, .method = TO_PEER};
	uint8_t body[BODY_MAX];
	int r = stream_queue(&gate->link, &frame, body, wat__gate__peer__pack(peer, body), fd);

	if (r == 0)
		write_out(gate);
	return r;
}

int gate_tell_refused(struct gate *gate, const Wat__Gate__Refused *refused)
{
	struct frame frame = {.type = FRAME_EVENT, .method = TO_REFUSED};
	uint8_t body[BODY_MAX];
	int r = stream_queue(&gate->link, &frame, body, wat__gate__refused__pack(refused, body),
			     -1);

	if (r == 0)
		write_out(gate);
	return r;
}

static int take_settings(struct gate *gate, const Wat__Gate__Settings *settings)
{
	void *key;
	int r;

	if (gate->key || settings->transport_key.len != NOISE_KEY_SIZE)
		return -EPROTO;
	r = secret_alloc(NOISE_KEY_SIZE, &key);
	if (r < 0)
		return r;
	gate->key = key;
	memcpy(gate->key, settings->transport_key.data, NOISE_KEY_SIZE);
	gate->insecure_loopback = settings->insecure_loopback;
	log_setup((enum log_format)settings->log_format, (int)settings->log_level);
	return 0;
}

static int handle_settings(struct gate *gate, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	Wat__Gate__Settings *settings;
	int r = check_unpack(&wat__gate__settings__descriptor, NULL, body, n, &message, NULL);

	if (r < 0)
		return r;
	settings = (Wat__Gate__Settings *)message;
	r = take_settings(gate, settings);
	sodium_memzero(settings->transport_key.data, settings->transport_key.len);
	protobuf_c_message_free_unpacked(message, NULL);
	return r;
}

static int handle_limits(struct gate *gate, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	const Wat__Gate__Limits *m;

	if (check_unpack(&wat__gate__limits__descriptor, NULL, body, n, &message, NULL) < 0)
		return -EPROTO;
	m = (const Wat__Gate__Limits *)message;
	gate->limits = (struct gate_limits){
		.connections = m->connections,
		.connections_of_address = m->connections_of_address,
		.connections_of_uid = m->connections_of_uid,
		.handshakes = {m->handshake_rate, m->handshake_burst},
		.unauthenticated = {m->drop_from, m->drop_percent, m->drop_full},
		.hello_s = m->hello_s,
	};
	atomic_store(&gate->buffered_max, m->buffered);
	protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}

static int handle_listen(struct gate *gate, const uint8_t *body, size_t n, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	ProtobufCMessage *message;
	bool tcp;

	if (owned < 0 || !gate->key || gate->limits.connections == 0 ||
	    check_unpack(&wat__gate__listen__descriptor, NULL, body, n, &message, NULL) < 0)
		return -EPROTO;
	tcp = ((const Wat__Gate__Listen *)message)->transport != WAT__GATE__TRANSPORT__UNIX;
	protobuf_c_message_free_unpacked(message, NULL);
	return accept_from(gate, fd_take(&owned), tcp);
}

static int handle(struct gate *gate, const struct frame *frame, const uint8_t *body, int fd)
{
	if (frame->type == FRAME_EVENT && frame->method == FROM_LISTEN)
		return handle_listen(gate, body, frame->body_len, fd);
	fd_close(fd);
	if (frame->type != FRAME_EVENT)
		return -EPROTO;
	if (frame->method == FROM_SETTINGS)
		return handle_settings(gate, body, frame->body_len);
	if (frame->method == FROM_LIMITS)
		return handle_limits(gate, body, frame->body_len);
	if (frame->method == FROM_STOP_ACCEPTING)
		accept_nothing(gate);
	return 0;
}

void gate_check_end(struct gate *gate)
{
	if (gate->ending && gate->n_peers == 0 && list_empty(&gate->lingering))
		(void)event_base_loopbreak(gate->patient.base);
}

/* What watd said to the peers is in their control connections, and goes to them first. */
static void begin_end(struct gate *gate)
{
	struct timeval limit = {.tv_sec = END_MAX_S};

	gate->ending = true;
	(void)event_del(gate->link_readable);
	accept_nothing(gate);
	peers_end_strangers(gate);
	(void)evtimer_add(gate->overdue, &limit);
	gate_check_end(gate);
}

static int read_link(struct gate *gate)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r = stream_read(&gate->link);

	if (r == 0)
		return -EPIPE;
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	while ((r = stream_next(&gate->link, &frame, &body, &fd)) > 0) {
		r = handle(gate, &frame, body, fd);
		if (r < 0)
			return r;
	}
	return r;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;
	int r = read_link(gate);

	(void)fd;
	(void)what;
	if (r == 0)
		return;
	if (r != -EPIPE && r != -ECONNRESET)
		log_error("what watd tells its gate can't be done", "error", strerror(-r));
	begin_end(gate);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_out(arg);
}

static void on_overdue(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)event_base_loopbreak(((struct gate *)arg)->patient.base);
}

/* As many as there may be. */
static size_t take_descriptors(void)
{
	size_t n = descriptors_raise();

	return n > FDS_RESERVED ? n - FDS_RESERVED : 0;
}

int gate_init(struct gate *gate, int link)
{
	uint8_t seed[SOURCES_SEED_SIZE];
	struct event_base *base;
	int r;

	*gate = (struct gate){.fds_max = take_descriptors()};
	stream_init(&gate->link, link, BODY_MAX);
	list_init(&gate->listeners);
	list_init(&gate->strangers);
	list_init(&gate->lingering);
	randombytes_buf(seed, sizeof seed);
	sources_init(&gate->sources, seed);
	r = loop_init(&gate->prompt);
	if (loop_init(&gate->patient) < 0 || r < 0)
		return -ENOMEM;
	base = gate->patient.base;
	gate->link_readable = event_new(base, link, EV_READ | EV_PERSIST, on_readable, gate);
	gate->link_writable = event_new(base, link, EV_WRITE, on_writable, gate);
	gate->overdue = evtimer_new(base, on_overdue, gate);
	if (!gate->link_readable || !gate->link_writable || !gate->overdue ||
	    event_add(gate->link_readable, NULL) < 0)
		return -ENOMEM;
	return refusals_init(&gate->refusals, gate);
}

int gate_run(struct gate *gate)
{
	return loop_run(&gate->patient);
}

static void end_prompt_thread(struct gate *gate)
{
	if (!gate->has_prompt_thread)
		return;
	loop_end(&gate->prompt);
	(void)pthread_join(gate->prompt_thread, NULL);
	gate->has_prompt_thread = false;
}

void gate_deinit(struct gate *gate)
{
	struct event **events[] = {&gate->link_readable, &gate->link_writable, &gate->overdue};

	end_prompt_thread(gate);
	accept_nothing(gate);
	peers_free_all(gate);
	channels_free_lingering(gate);
	sources_deinit(&gate->sources);
	refusals_deinit(&gate->refusals);
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (*events[i])
			event_free(*events[i]);
	stream_deinit(&gate->link);
	secret_free(gate->key);
	loop_deinit(&gate->patient);
	loop_deinit(&gate->prompt);
}
