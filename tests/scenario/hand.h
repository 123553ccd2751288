/* hand.h - a client that speaks the protocol by hand, so that it can do so badly. What fails, fails
 * the test; what waits, waits for an event. */
#ifndef WAT_TESTS_HAND_H
#define WAT_TESTS_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wat/envelope.pb-c.h>

#include "proto/status.h"
#include "proto/stream.h"
#include "proto/token.h"
#include "tests/lib/cases.h"

/* A connection, or a channel. */
struct hand {
	struct stream stream;
	uint64_t last_id;
	uint32_t handle; /* of what was bound last */
	bool handles;    /* WELCOME says that channels have no descriptors */
	uint8_t challenge[32], node_id[16];
	uint8_t chan_bind[32]; /* what proofs are bound to */
	/* The last frame: its body lives until the next is read, its descriptor is closed then. */
	struct frame frame;
	const uint8_t *body;
	int fd;
};

/* Connected, nothing said: a path, or wat://KEY@HOST:PORT or wat+insecure://HOST:PORT with a
 * numeric host; the handshake is done then. */
void hand_connect(struct hand *hand, const char *address);
/* The same over a socket that is connected with it already, which is taken: 0, or what became of
 * the handshake, as stream_read says it. hand_close in any case. */
int hand_begin(struct hand *hand, const char *address, int fd);
/* A socket that is connected with such an address, or over TCP from an address of this machine. */
int hand_reach(const char *address);
int hand_dial(const char *address);
int hand_dial_from(const char *address, const char *source);
/* HELLO and WELCOME. */
void hand_greet(struct hand *hand);
/* Takes the frame that was read as the WELCOME. */
void hand_welcome(struct hand *hand);
void hand_close(struct hand *hand);

void hand_queue(struct hand *hand, struct frame frame, const void *body, size_t n);
/* A CALL under the last handle, with the next id, which is returned. */
uint64_t hand_queue_call(struct hand *hand, uint16_t method, const void *body, size_t n);
/* Bytes that need not be frames. */
void hand_queue_bytes(struct hand *hand, const void *bytes, size_t n);
/* Writes all that is queued. Only for what fits into the socket of a peer that does not read. */
void hand_flush(struct hand *hand);
/* Writes what it can, and reads: true with the next frame; false at the end of the stream. */
bool hand_read(struct hand *hand);
/* The same, but returns 0 when nothing was read and something could be written. 1: a frame; -1: the
 * end. */
int hand_turn(struct hand *hand);

/* The node capability, on the admin socket. */
void hand_bind_node(struct hand *hand);
/* The body of a BIND with the next id, which is *ret_id; at most HAND_BIND_MAX bytes. */
#define HAND_BIND_MAX (TOKEN_CHAIN_MAX + 256u)
size_t hand_bind_body(struct hand *hand, const char *token_text, uint8_t *body, uint64_t *ret_id);
/* The User of a token by its handle, ATTACHED read. */
void hand_bind_handle(struct hand *hand, const char *token_text);
/* What became of a lane. */
struct hand_lane {
	uint8_t id[16];
	bool resume;           /* it is to go on */
	bool resumed;          /* it does */
	uint64_t last_applied; /* resumed */
};
/* The User of a token on that lane, and its channel, ATTACHED read. 0, a wat_status that refuses
 * it, or -1: the service or watd went away. */
int hand_bind_lane(struct hand *hand,
		   const char *token_text,
		   struct hand_lane *lane,
		   struct hand *ret_channel);
/* The User of a token, and its channel, ATTACHED read. */
void hand_bind_user(struct hand *hand, const char *token_text, struct hand *ret_channel);

/* The next frame is FAIL with this status, for this id, and its sentence has the part. */
void hand_expect_fail(struct hand *hand, uint64_t id, wat_status status, const char *part);
/* GOAWAY with the status and a sentence, then the end. */
void hand_expect_goaway(struct hand *hand, wat_status status);

#endif
