/* connection.c - the control connection: opened, read, written, lost. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/address.h"
#include "client/private.h"
#include "proto/limits.h"
#include "proto/stream_secure.h"
#include "proto/support/cleanup.h"

/* A first word that no handshake begins with. */
static int begin_plain(struct stream *stream)
{
	return stream_queue_bytes(stream, WAT_PLAIN_PREFACE, strlen(WAT_PLAIN_PREFACE));
}

static int begin_remote(struct stream *stream, const struct remote *remote)
{
	return remote->plain ? begin_plain(stream) : stream_secure_connect(stream, remote->key);
}

/* Takes the socket, which need not be connected yet. */
static int begin(wat *w, int fd)
{
	Wat__Envelope__Hello hello = WAT__ENVELOPE__HELLO__INIT;
	struct frame frame = {.type = FRAME_HELLO};
	uint8_t body[64];
	int r = 0;

	stream_init(&w->control, fd, WAT_CONTROL_BODY_MAX);
	w->connected = true;
	w->greeted = w->handles = false;
	w->last_id = 0;
	if (w->remote)
		r = begin_remote(&w->control, w->remote);
	hello.version = WAT_PROTOCOL_VERSION;
	hello.program = (char *)"libwat/" WAT_VERSION;
	if (r == 0)
		r = stream_queue(&w->control, &frame, body,
				 wat__envelope__hello__pack(&hello, body), -1);
	if (r < 0) {
		connection_lost(w);
		return r;
	}
	connection_write(w);
	watch_update(w, &w->watch, &w->control);
	return 0;
}

/* The next of the name's addresses. */
static int dial_on(wat *w)
{
	int fd = dial_next(&w->dial, w->remote), r;

	if (fd < 0)
		return fd;
	/* A wrong key is not made good by an address where nobody answers. */
	if (w->error != -EKEYREJECTED)
		w->error = 0;
	r = begin(w, fd);
	if (r == 0)
		loop_due(w, w->dial.until_ms);
	return r;
}

int connection_open(wat *w)
{
	int r;

	w->error = w->turned_away.status = 0;
	if (!w->remote) {
		r = address_connect(w->address);
		return r < 0 ? r : begin(w, r);
	}
	r = dial_start(&w->dial, w->remote, w->wake);
	if (r == 0)
		r = dial_on(w);
	return r == -EAGAIN ? 0 : r;
}

void connection_go_on(wat *w)
{
	int r;

	if (w->connected && !w->greeted && now_ms() >= w->dial.until_ms) {
		w->error = -ETIMEDOUT;
		connection_lost(w);
	}
	if (w->connected || !dial_goes_on(&w->dial))
		return;
	r = dial_on(w);
	if (r < 0 && r != -EAGAIN)
		w->error = r;
}

bool connection_is_coming(const wat *w)
{
	return w->connected || dial_goes_on(&w->dial);
}

/* Calls of a lost connection wait for the next one, if they may be written again. */
static void lose_calls(wat *w, wat_capability *capability)
{
	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (!call_on_control(call) || !call->sent)
			continue;
		if (w->control.out_position > call->at)
			call->maybe_ran = true;
		call->sent = false;
		/* A User's channel may live on, and then nothing binds it anew. */
		if ((call->maybe_ran && !call->resend) || capability->role == TOKEN_USER)
			call_lose(call, "the connection to watd was lost");
	}
}

static void lose_capability(wat *w, wat_capability *capability)
{
	lose_calls(w, capability);
	capability->handle = 0;
	if (capability->multiplexed) {
		channel_lost(capability, "the connection to watd was lost");
		return;
	}
	capability->retry_at_ms = 0;
	/* A channel that lives goes on without the control connection. */
	if (capability->role == TOKEN_USER && capability->binding != BINDING &&
	    capability->binding != UNBOUND)
		return;
	if (capability->role != TOKEN_USER && capability->binding == BOUND)
		capability->resume = true;
	capability->binding = UNBOUND;
	if (!capability->lost_ms)
		capability->lost_ms = now_ms();
	if (w->reconnect_ms == 0)
		calls_lose(capability, "the connection to watd was lost");
}

void connection_lost(wat *w)
{
	if (!w->connected)
		return;
	list_for_each_safe (i, &w->capabilities) {
		lose_capability(w, container_of(i, wat_capability, link));
	}
	watch_remove(w, &w->watch);
	stream_deinit(&w->control);
	w->connected = w->greeted = false;
	w->dial.until_ms = UINT64_MAX;
	if (!w->lost_ms)
		w->lost_ms = now_ms();
}

/* The first one says why. */
static void note_error(wat *w, int r)
{
	if (!w->greeted && w->error == 0)
		w->error = r;
}

static void lose_by(wat *w, int r)
{
	if (r == -EUSERS)
		connect_overloaded(w, stream_secure_overload(&w->control));
	note_error(w, r);
	connection_lost(w);
}

void connection_write(wat *w)
{
	int r = stream_write(&w->control);

	/* What the peer wrote before it went is read first. */
	if (r < 0 && r != -EAGAIN) {
		note_error(w, r);
		watch_break(w, &w->watch);
	} else {
		watch_update(w, &w->watch, &w->control);
	}
}

/* Calls that waited for the answers that came. */
static void send_held(wat *w)
{
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (capability->multiplexed && capability->held && capability->binding == BOUND &&
		    !capability->leaving)
			calls_send(capability);
	}
}

static int read_once(wat *w)
{
	int r = stream_read(&w->control), fd;
	struct frame frame;
	const uint8_t *body;

	if (r <= 0)
		return r;
	while (w->connected && (r = stream_next(&w->control, &frame, &body, &fd)) > 0)
		if (!connection_handle(w, &frame, body, fd))
			lose_by(w, -EPROTO);
	/* Bytes that are none of this protocol. */
	if (w->connected && r < 0)
		lose_by(w, -EPROTO);
	if (w->handles)
		send_held(w);
	/* What waited for the handshake. */
	if (w->connected && stream_wants_write(&w->control))
		connection_write(w);
	return 1;
}

/* Their channel came, and can't be held: the next one would come to the same. */
static void refuse_channels(wat *w, int r)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	char text[128];

	(void)snprintf(text, sizeof text, "no descriptor for a channel: %s", strerror(-r));
	failure.text = text;
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (capability->role == TOKEN_USER && capability->binding == BINDING)
			calls_refuse(capability, r, &failure);
	}
}

void connection_read(wat *w)
{
	int r;

	do
		r = read_once(w);
	while (r > 0 && w->connected && w->watch.broken);
	if (w->connected && r == -EMFILE)
		refuse_channels(w, r);
	if (w->connected && r <= 0 && (r != -EAGAIN || w->watch.broken))
		lose_by(w, r == 0 ? -ECONNRESET : r);
}

void connection_drop(wat *w, uint32_t handle)
{
	struct frame drop = {.type = FRAME_DROP, .handle = handle};

	if (stream_queue(&w->control, &drop, NULL, 0, -1) == 0)
		connection_write(w);
}
