/* connect_failure.c - why a watd was not reached, in a sentence. Any thread. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/overload.h"
#include "proto/utf8.h"

static void turn_away(wat *w, int status, const char *text)
{
	struct turned_away *note = &w->turned_away;

	note->status = status;
	(void)snprintf(note->text, sizeof note->text, "%.*s",
		       (int)utf8_cut(text, sizeof note->text - 1), text);
}

void connect_turned_away(wat *w, const uint8_t *body, size_t n)
{
	ProtobufCMessage *message;
	const Wat__Envelope__GoAway *goaway;
	int status;

	if (check_unpack(&wat__envelope__go_away__descriptor, NULL, body, n, &message, NULL) < 0)
		return;
	goaway = (const Wat__Envelope__GoAway *)message;
	status = call_status(goaway->status);
	turn_away(w, status,
		  goaway->failure && *goaway->failure->text ? goaway->failure->text
							    : wat_status_text(status));
	protobuf_c_message_free_unpacked(message, NULL);
}

void connect_overloaded(wat *w, unsigned overload)
{
	char text[OVERLOAD_TEXT_MAX];

	turn_away(w, WAT_OVERLOADED, overload_text(overload, text));
}

static void of_key(const wat *w, char *text, size_t size)
{
	if (w->remote && w->remote->known_at)
		(void)snprintf(text, size,
			       "the daemon at %s:%s does not have the key of %s; if its key was "
			       "changed on purpose, correct that line, else somebody else answers "
			       "there",
			       w->remote->place.host, w->remote->place.port, w->remote->known_at);
	else
		(void)snprintf(text, size, "the daemon at %s does not have that key", w->address);
}

static void of_name(const wat *w, char *text, size_t size)
{
	(void)snprintf(text, size, "the name %s can't be resolved: %s", w->remote->place.host,
		       gai_strerror(w->dial.not_resolved));
}

void connect_reason(const wat *w, int r, char *text, size_t size)
{
	if (r == -EKEYREJECTED)
		of_key(w, text, size);
	else if (w->turned_away.status)
		(void)snprintf(text, size, "%s; so says the watd at %s", w->turned_away.text,
			       w->address);
	else if (w->remote && w->remote->plain && r == -EACCES)
		(void)snprintf(text, size,
			       "%s is not on this machine, and without encryption no other is "
			       "connected with; use wat://",
			       w->remote->place.host);
	else if (w->remote && w->dial.not_resolved)
		of_name(w, text, size);
	else if (r == -EPERM)
		(void)snprintf(text, size,
			       "the process that listens at %s runs as neither root, you, nor "
			       "watd; if it should, set WAT_SERVER_UID",
			       w->address);
	else
		(void)snprintf(text, size, "watd is not reachable at %s: %s", w->address,
			       strerror(-r));
}

/* Somebody was there, but did not greet. */
static int of_greeting(const wat *w, int r)
{
	if (r == -ETIMEDOUT)
		return failure_set(WAT_DEADLINE_EXCEEDED, NULL,
				   "whoever listens at %s did not greet in time; is it watd?",
				   w->address);
	return failure_set(WAT_UNAVAILABLE, NULL,
			   "whoever listens at %s hung up instead of greeting; is it watd?",
			   w->address);
}

int connect_failure(const wat *w, int r)
{
	char text[512];

	if (w->turned_away.status && r != -EKEYREJECTED) {
		connect_reason(w, r, text, sizeof text);
		return failure_set(w->turned_away.status, NULL, "%s", text);
	}
	if (r == -ETIMEDOUT || r == -ECONNRESET || r == -EPIPE || r == -EPROTO || r == -EBADMSG ||
	    r == -EMSGSIZE)
		return of_greeting(w, r);
	connect_reason(w, r, text, sizeof text);
	return failure_set(r, NULL, "%s", text);
}
