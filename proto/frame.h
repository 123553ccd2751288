/* frame.h - the 32-byte header in front of every body. Pure: bytes in, bytes out. Format:
 * PROTOCOL.md, "Frames". */
#ifndef WAT_PROTO_FRAME_H
#define WAT_PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/bytes.h"

#define FRAME_HEADER_SIZE 32u

#define FRAME_TYPES(F) \
	F(HELLO, 1)    \
	F(WELCOME, 2)  \
	F(BIND, 3)     \
	F(BOUND, 4)    \
	F(ATTACHED, 5) \
	F(DROP, 6)     \
	F(CALL, 7)     \
	F(REPLY, 8)    \
	F(FAIL, 9) F(CANCEL, 10) F(EVENT, 11) F(PING, 12) F(PONG, 13) F(GOAWAY, 14) F(DIED, 15)

enum frame_type {
#define FRAME_ENUM(name, number) FRAME_##name = number,
	FRAME_TYPES(FRAME_ENUM)
#undef FRAME_ENUM
};

enum frame_flags {
	FRAME_FLAG_FD = 1u << 0, /* a descriptor comes with this frame */
	FRAME_FLAG_SKIPPABLE =
		1u << 1, /* a receiver that does not know the type ignores the frame */
};

struct frame {
	uint32_t body_len;
	uint8_t type;
	uint8_t flags;
	uint16_t method;
	uint64_t id;
	uint32_t handle;
	uint32_t budget; /* milliseconds left (CALL, BIND; 0: none), status (FAIL, DIED) */
	uint32_t window;
};

/* "CALL"; NULL for an unknown type. */
const char *frame_type_name(uint8_t type);

static inline bool frame_type_is_known(uint8_t type)
{
#define FRAME_BIT(name, number) | UINT64_C(1) << (number)
	return type < 64 && (UINT64_C(0) FRAME_TYPES(FRAME_BIT)) >> type & 1;
#undef FRAME_BIT
}

/* Encoding and decoding are inline: a header that goes from registers into the buffer, and back,
 * takes a fraction of one that is copied in memory. */

static inline void frame_encode(const struct frame *frame,
				uint8_t ret_bytes[static FRAME_HEADER_SIZE])
{
	bytes_put32(ret_bytes, frame->body_len);
	ret_bytes[4] = frame->type;
	ret_bytes[5] = frame->flags;
	bytes_put16(ret_bytes + 6, frame->method);
	bytes_put64(ret_bytes + 8, frame->id);
	bytes_put32(ret_bytes + 16, frame->handle);
	bytes_put32(ret_bytes + 20, frame->budget);
	bytes_put32(ret_bytes + 24, frame->window);
	bytes_put32(ret_bytes + 28, 0);
}

/* In a header that was encoded. */
static inline void frame_set_body_len(uint8_t header[static FRAME_HEADER_SIZE], uint32_t body_len)
{
	bytes_put32(header, body_len);
}

enum frame_error { FRAME_OK = 0, FRAME_E_RESERVED = 1, FRAME_E_TOO_LARGE = 2, FRAME_E_TYPE = 3 };

/* Decodes and checks a header: reserved bytes and unknown flags are zero, the body is within
 * body_max, the type is known or skippable. *ret_frame is filled in every case, for the message
 * about it. */
static inline enum frame_error frame_decode(const uint8_t bytes[static FRAME_HEADER_SIZE],
					    uint32_t body_max,
					    struct frame *ret_frame)
{
	*ret_frame = (struct frame){
		.body_len = bytes_get32(bytes),
		.type = bytes[4],
		.flags = bytes[5],
		.method = bytes_get16(bytes + 6),
		.id = bytes_get64(bytes + 8),
		.handle = bytes_get32(bytes + 16),
		.budget = bytes_get32(bytes + 20),
		.window = bytes_get32(bytes + 24),
	};
	if (bytes_get32(bytes + 28) != 0 ||
	    (ret_frame->flags & ~(FRAME_FLAG_FD | FRAME_FLAG_SKIPPABLE)))
		return FRAME_E_RESERVED;
	if (ret_frame->body_len > body_max)
		return FRAME_E_TOO_LARGE;
	if (!frame_type_is_known(ret_frame->type) && !(ret_frame->flags & FRAME_FLAG_SKIPPABLE))
		return FRAME_E_TYPE;
	return FRAME_OK;
}

#endif
