/* peer.c - one connection of a client: begun, driven, ended. */
#include "daemon/gate/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <wat/envelope.pb-c.h>
#include <wat/status.h>

#include "daemon/base/clock.h"
#include "daemon/gate/arrival.h"
#include "daemon/gate/channel.h"
#include "daemon/gate/preface.h"
#include "proto/limits.h"
#include "proto/stream_secure.h"
#include "proto/support/cleanup.h"

#define FINISH_MAX_S 5           /* how long the client may take for what waits for it at the end */
#define FAILED_HANDSHAKE_COST 63 /* connections that begin, beside its own */
#define KEEP_IDLE_S 60
#define KEEP_INTERVAL_S 10
#define KEEP_COUNT 3
#define UNACKNOWLEDGED_MAX_MS 120000 /* also for a peer that does not read: its lanes stay */

static void leave_channels(struct peer *peer)
{
	for (size_t i = 0; i < peer->channels_size; i++)
		if (peer->channels[i])
			channel_leave(peer->channels[i], false);
}

static void close_watd(struct peer *peer)
{
	if (!side_is_open(&peer->watd))
		return;
	side_close(&peer->watd);
	peer->gate->n_fds--;
}

static void uncount(struct peer *peer)
{
	struct gate *gate = peer->gate;

	source_end(&gate->sources, peer->source, true, clock_monotonic_ns());
	gate->buffered -= peer->buffered;
	list_remove(&peer->link);
	gate->n_peers--;
	if (!peer->bound)
		gate->n_strangers--;
	gate->n_fds--;
}

struct peer *peer_free(struct peer *peer)
{
	struct gate *gate;

	if (!peer)
		return NULL;
	gate = peer->gate;
	leave_channels(peer);
	close_watd(peer);
	uncount(peer);
	side_close(&peer->client);
	if (peer->deadline)
		event_free(peer->deadline);
	free(peer->channels);
	free(peer->held);
	free(peer);
	gate_check_end(gate);
	return NULL;
}

void peers_free_all(struct gate *gate)
{
	struct list *first;

	while ((first = list_first(&gate->strangers)) ||
	       (first = list_first(&gate->patient.peers)) ||
	       (first = list_first(&gate->patient.inbox.peers)) ||
	       (first = list_first(&gate->prompt.peers)) ||
	       (first = list_first(&gate->prompt.inbox.peers)))
		peer_free(container_of(first, struct peer, link));
}

void peers_end_strangers(struct gate *gate)
{
	list_for_each_safe (i, &gate->strangers) {
		struct peer *peer = container_of(i, struct peer, link);

		if (!side_is_open(&peer->watd))
			peer_free(peer);
	}
}

/* In the way that it would hear anything else now. */
static void tell_overload(struct peer *peer, enum overload limit)
{
	uint8_t goaway[OVERLOAD_GOAWAY_MAX];
	struct stream *stream = &peer->client.stream;
	size_t n = overload_goaway(limit, goaway);

	if (peer->transport == WAT__GATE__TRANSPORT__NOISE && !stream_secure_hash(stream))
		stream_secure_refuse(stream->fd, limit);
	else if (stream_queue_bytes(stream, goaway, n) == 0)
		(void)!side_write(&peer->client);
}

static void turn_away(struct peer *peer, enum overload limit)
{
	tell_overload(peer, limit);
	refusals_add(&peer->gate->refusals, limit, &peer->who);
	peer_free(peer);
}

void peers_drop_stranger(struct gate *gate, size_t which, enum overload limit)
{
	list_for_each_safe (i, &gate->strangers) {
		if (which-- > 0)
			continue;
		turn_away(container_of(i, struct peer, link), limit);
		return;
	}
}

void peer_is_no_stranger(struct peer *peer)
{
	if (peer->bound)
		return;
	peer->bound = true;
	list_remove(&peer->link);
	list_append(&peer->loop->peers, &peer->link);
	peer->gate->n_strangers--;
	/* Larger frames are for those who proved something. */
	peer->client.stream.body_max = WAT_CONTROL_BODY_MAX;
}

void peer_say(struct peer *peer, const struct frame *frame, const void *body)
{
	if (peer->finishing)
		return;
	if (stream_queue(&peer->client.stream, frame, body, frame->body_len, -1) < 0)
		peer->broken = true;
}

static void set_deadline(struct peer *peer, uint32_t seconds)
{
	struct timeval limit = {.tv_sec = (time_t)seconds};

	(void)evtimer_add(peer->deadline, &limit);
}

void peer_finish(struct peer *peer)
{
	if (peer->finishing)
		return;
	peer->finishing = true;
	leave_channels(peer);
	close_watd(peer);
	side_read(&peer->client, false);
	set_deadline(peer, FINISH_MAX_S);
}

void peer_go_away(struct peer *peer, unsigned status, const char *text)
{
	struct frame frame = {.type = FRAME_GOAWAY};
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	Wat__Envelope__GoAway message = WAT__ENVELOPE__GO_AWAY__INIT;
	uint8_t body[512];

	failure.text = (char *)text;
	message.status = status;
	message.failure = &failure;
	frame.body_len = (uint32_t)wat__envelope__go_away__pack(&message, body);
	peer_say(peer, &frame, body);
	peer_finish(peer);
}

/* Once there is a frame, or a part of one, the client is a client. Without a handshake that was
 * done nothing of it is looked at. */
static bool is_client(const struct peer *peer)
{
	return peer->decided && stream_has_partial(&peer->client.stream);
}

static void open_watd(struct peer *peer)
{
	int r = peer_open_watd(peer);

	if (r == -ENOMEM)
		peer->limit = OVERLOAD_MEMORY;
	else if (r == -EMFILE || r == -ENFILE)
		peer->limit = OVERLOAD_DESCRIPTORS;
	else if (r < 0)
		peer->broken = true;
}

/* It was found to be none only after the costly part of it. */
static void charge_handshake(struct peer *peer)
{
	source_charge(peer->source, &peer->gate->limits.handshakes, FAILED_HANDSHAKE_COST,
		      clock_monotonic_ns());
}

static void read_client(struct peer *peer)
{
	int r;

	if (!peer->decided) {
		r = preface_read(peer);
		if (r < 0 && r != -EAGAIN)
			peer->broken = true;
		if (r != 0)
			return;
	}
	/* Those that were read before a pause come first. */
	(void)peer_take_client_frames(peer);
	if (peer->broken || peer->finishing || peer->deaf || peer->held)
		return;
	r = stream_read(&peer->client.stream);
	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		if (r == -EKEYREJECTED)
			charge_handshake(peer);
		peer->broken = true;
		return;
	}
	if (!side_is_open(&peer->watd) && is_client(peer))
		open_watd(peer);
	bulk_weigh(&peer->bulk, peer_take_client_frames(peer), (size_t)r);
}

static void discard(struct peer *peer)
{
	char bytes[4096];
	ssize_t n = recv(peer->client.stream.fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EWOULDBLOCK && errno != EINTR))
		peer->broken = true;
}

static void on_client_readable(int fd, short what, void *arg)
{
	struct peer *peer = arg;

	(void)fd;
	(void)what;
	if (peer->finishing)
		discard(peer);
	else
		read_client(peer);
	peer_settle(peer);
}

static void on_client_writable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	peer_settle(arg);
}

static void on_deadline(int fd, short what, void *arg)
{
	struct peer *peer = arg;

	(void)fd;
	(void)what;
	peer->broken = true;
	peer_settle(peer);
}

/* What a peer may hold at most is much; what all of them hold at once, not. */
static void account(struct peer *peer)
{
	struct gate *gate = peer->gate;
	size_t buffered;

	stream_trim(&peer->client.stream);
	if (side_is_open(&peer->watd))
		stream_trim(&peer->watd.stream);
	buffered = stream_memory(&peer->client.stream) + stream_memory(&peer->watd.stream) +
		   peer->to_services;
	if (buffered == peer->buffered)
		return;
	gate->buffered += buffered - peer->buffered;
	peer->buffered = buffered;
	if (buffered > PEER_SHARE_MAX && gate->buffered > gate->buffered_max)
		peer->limit = OVERLOAD_MEMORY;
}

static void write_all(struct peer *peer)
{
	channels_write(peer);
	/* That watd has gone is noticed by reading, after what it said before. */
	(void)!side_write(&peer->watd);
	if (side_write(&peer->client) < 0)
		peer->broken = true;
}

static size_t to_client_max(const struct peer *peer)
{
	return peer->bound ? PEER_TO_CLIENT_MAX : PEER_STRANGER_MAX;
}

static size_t to_services_max(const struct peer *peer)
{
	return peer->bound ? PEER_TO_SERVICES_MAX : PEER_STRANGER_MAX;
}

bool peer_must_be_silent(struct peer *peer)
{
	if (stream_pending(&peer->client.stream) > to_client_max(peer))
		peer->silent = true;
	return peer->silent;
}

bool peer_must_be_deaf(struct peer *peer)
{
	if (peer->to_services + stream_pending(&peer->watd.stream) > to_services_max(peer))
		peer->deaf = true;
	return peer->deaf;
}

/* A direction that has stopped goes on when little is left at its end. Reading that was not stopped
 * and is to go on must not be: frames may be left in the buffer, which only a new beginning looks
 * at. */
static void steer(struct peer *peer)
{
	if (peer_must_be_silent(peer)) {
		peer->silent = stream_pending(&peer->client.stream) > to_client_max(peer) / 4;
		channels_read(peer, false);
		channels_read(peer, !peer->silent);
		side_read(&peer->watd, false);
	}
	side_read(&peer->watd, !peer->silent);
	if (peer_must_be_deaf(peer)) {
		peer->deaf = peer->to_services + stream_pending(&peer->watd.stream) >
			     to_services_max(peer) / 4;
		side_read(&peer->client, false);
	}
	side_read(&peer->client, !peer->deaf && !peer->held);
}

/* What was said last is not lost by closing while something unread is there: only our direction
 * ends, and the client's is read until it ends too. */
static void shut(struct peer *peer)
{
	if (peer->is_shut)
		return;
	peer->is_shut = true;
	(void)shutdown(peer->client.stream.fd, SHUT_WR);
	side_read(&peer->client, true);
}

static struct loop *home_of(const struct peer *peer)
{
	bool is_ending = peer->broken || peer->limit || peer->finishing;

	return peer->bound && !peer->bulk.is && !is_ending ? &peer->gate->prompt
							   : &peer->gate->patient;
}

static void pass_on(struct peer *peer, struct loop *loop)
{
	side_leave(&peer->client);
	side_leave(&peer->watd);
	channels_leave_loop(peer);
	(void)event_del(peer->deadline);
	loop_pass_peer(loop, peer);
}

void peer_arrive(struct peer *peer, struct loop *loop)
{
	peer->loop = loop;
	list_append(&loop->peers, &peer->link);
	if (side_enter(&peer->client, loop->base) < 0 || side_enter(&peer->watd, loop->base) < 0 ||
	    channels_enter_loop(peer, loop->base) < 0 ||
	    event_base_set(loop->base, peer->deadline) < 0)
		peer->broken = true;
	/* Nobody else of those who are passed has one. */
	if (peer->finishing)
		set_deadline(peer, FINISH_MAX_S);
	peer_settle(peer);
}

void peer_settle(struct peer *peer)
{
	write_all(peer);
	while (peer->held && peer->to_services == 0 && !peer->broken) {
		peer_release(peer);
		write_all(peer);
	}
	account(peer);
	if (home_of(peer) != peer->loop)
		pass_on(peer, home_of(peer));
	else if (peer->broken)
		peer_free(peer);
	else if (peer->limit)
		turn_away(peer, peer->limit);
	else if (!peer->finishing)
		steer(peer);
	else if (!stream_wants_write(&peer->client.stream))
		shut(peer);
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

/* Small frames go out at once. A peer that vanished without a word is noticed. */
static int set_tcp_options(int fd)
{
	int r;

	if ((r = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1)) < 0 ||
	    (r = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1)) < 0 ||
	    (r = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S)) < 0 ||
	    (r = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S)) < 0 ||
	    (r = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT)) < 0)
		return r;
	return set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX_MS);
}

/* The gate has it from here on. */
static struct peer *peer_alloc(struct gate *gate, const struct arrival *arrival)
{
	struct peer *peer = calloc(1, sizeof *peer);

	if (!peer)
		return NULL;
	*peer = (struct peer){.gate = gate,
			      .loop = &gate->patient,
			      .source = arrival->source,
			      .who = arrival->who};
	/* On a unix socket there is no handshake, as on watd's own. */
	if (!arrival->tcp) {
		peer->transport = WAT__GATE__TRANSPORT__UNIX;
		peer->decided = true;
	}
	side_init(&peer->client);
	side_init(&peer->watd);
	list_init(&peer->dirty);
	list_append(&gate->strangers, &peer->link);
	gate->n_peers++;
	gate->n_strangers++;
	gate->n_fds++;
	return peer;
}

int peer_new(struct gate *gate, int fd, const struct arrival *arrival)
{
	struct peer *peer = peer_alloc(gate, arrival);
	int r;

	if (!peer) {
		source_end(&gate->sources, arrival->source, true, clock_monotonic_ns());
		fd_close(fd);
		return -ENOMEM;
	}
	r = side_open(&peer->client, peer->loop->base, fd, WAT_BODY_MAX_UNBOUND, on_client_readable,
		      on_client_writable, peer);
	if (r == 0 && arrival->tcp)
		r = set_tcp_options(fd);
	peer->deadline = evtimer_new(peer->loop->base, on_deadline, peer);
	if (r == 0 && !peer->deadline)
		r = -ENOMEM;
	if (r < 0) {
		peer_free(peer);
		return r;
	}
	set_deadline(peer, gate->limits.hello_s);
	return 0;
}
