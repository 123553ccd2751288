/* session_frames.c - frames of a client: HELLO, then BIND, CALL, DROP. Loop thread. */
#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>

#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/session.h"
#include "daemon/supervisor/session_bind.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

static void handle_hello(struct session *session, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;
	Wat__Envelope__Welcome welcome = WAT__ENVELOPE__WELCOME__INIT;
	struct frame answer = {.type = FRAME_WELCOME, .id = frame->id};
	uint32_t version;

	if (check_unpack(&wat__envelope__hello__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0) {
		session_go_away(session, WAT_INVALID_ARGUMENT, "HELLO can't be decoded");
		return;
	}
	version = ((const Wat__Envelope__Hello *)message)->version;
	protobuf_c_message_free_unpacked(message, NULL);
	if (version != WAT_PROTOCOL_VERSION) {
		session_go_away(session, WAT_FAILED_PRECONDITION,
				"this watd speaks version 1 of the protocol only");
		return;
	}
	session->greeted = true;
	(void)event_del(session->handshake);
	randombytes_buf(session->challenge, sizeof session->challenge);
	welcome.version = WAT_PROTOCOL_VERSION;
	welcome.challenge = (ProtobufCBinaryData){sizeof session->challenge, session->challenge};
	welcome.node_id = (ProtobufCBinaryData){16, (uint8_t *)node_id(session->node)};
	welcome.program = (char *)"watd/" WAT_VERSION;
	welcome.max_body = WAT_BODY_MAX;
	welcome.handles = session->gated;
	session_send(session, &answer, &welcome.base, -1);
}

static void handle(struct session *session, const struct frame *frame, const uint8_t *body)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	if (!session->greeted) {
		if (frame->type == FRAME_HELLO)
			handle_hello(session, frame, body);
		else
			session_go_away(session, WAT_INVALID_ARGUMENT, "expected HELLO first");
		return;
	}
	switch (frame->type) {
	case FRAME_BIND:
		session_bind(session, frame, body);
		break;
	case FRAME_CALL:
		control_call_run(session, frame, body);
		break;
	case FRAME_DROP:
		if (session_binding(session, frame->handle))
			session->bindings[frame->handle - 1].used = false;
		break;
	case FRAME_PING:
		session_send(session, &pong, NULL, -1);
		break;
	case FRAME_CANCEL:
		control_call_cancel(session, frame->id);
		break;
	case FRAME_PONG:
		break;
	default:
		session_go_away(session, WAT_INVALID_ARGUMENT,
				"this frame is not for a control connection");
	}
}

static void refuse_bytes(struct session *session, int error)
{
	const struct frame *failed = &session->stream.failed;
	char text[160];

	if (error == -EMSGSIZE)
		(void)snprintf(text, sizeof text,
			       "a frame of %u bytes was announced, the limit here is %u",
			       failed->body_len, session->stream.body_max);
	else
		(void)snprintf(text, sizeof text, "these bytes are no frame of this protocol%s",
			       session->greeted ? "" : "; expected HELLO first");
	session_go_away(session, error == -EMSGSIZE ? WAT_TOO_LARGE : WAT_INVALID_ARGUMENT, text);
}

void session_take_frames(struct session *session)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r = 0;

	while (!session->closing && !session->paused &&
	       (r = stream_next(&session->stream, &frame, &body, &fd)) > 0) {
		if (fd >= 0) {
			fd_close(fd);
			session_go_away(session, WAT_INVALID_ARGUMENT,
					"a descriptor came that nobody asked for");
			return;
		}
		handle(session, &frame, body);
	}
	if (r < 0 && !session->closing)
		refuse_bytes(session, r);
	/* A descriptor that no frame of this connection can claim. */
	else if (!session->closing && session->stream.n_in_fds > 0)
		session_go_away(session, WAT_INVALID_ARGUMENT,
				"a descriptor came that nobody asked for");
}
