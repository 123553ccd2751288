/* connection.c - the control connection: opened, read, written, lost. */
#include <errno.h>

#include "client/address.h"
#include "client/private.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

int connection_open(wat *w)
{
	Wat__Envelope__Hello hello = WAT__ENVELOPE__HELLO__INIT;
	struct frame frame = {.type = FRAME_HELLO};
	uint8_t body[64];
	int fd = address_connect(w->address), r;

	if (fd < 0)
		return fd;
	stream_init(&w->control, fd, WAT_CONTROL_BODY_MAX);
	w->connected = true;
	w->greeted = false;
	w->last_id = 0;
	hello.version = WAT_PROTOCOL_VERSION;
	hello.program = (char *)"libwat/" WAT_VERSION;
	r = stream_queue(&w->control, &frame, body, wat__envelope__hello__pack(&hello, body), -1);
	if (r < 0) {
		connection_lost(w);
		return r;
	}
	connection_write(w);
	watch_update(w, &w->watch, &w->control);
	return 0;
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
	if (!w->lost_ms)
		w->lost_ms = now_ms();
}

void connection_write(wat *w)
{
	int r = stream_write(&w->control);

	/* What the peer wrote before it went is read first. */
	if (r < 0 && r != -EAGAIN)
		watch_break(w, &w->watch);
	else
		watch_update(w, &w->watch, &w->control);
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
			connection_lost(w);
	/* Bytes that are none of this protocol. */
	if (w->connected && r < 0)
		connection_lost(w);
	return 1;
}

void connection_read(wat *w)
{
	int r;

	do
		r = read_once(w);
	while (r > 0 && w->connected && w->watch.broken);
	if (w->connected && r <= 0 && (r != -EAGAIN || w->watch.broken))
		connection_lost(w);
}
