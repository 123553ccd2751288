/* frame.c - header in front of every body. Pure. */
#include "proto/frame.h"

#include "proto/support/bytes.h"

#define FLAGS_KNOWN (FRAME_FLAG_FD | FRAME_FLAG_SKIPPABLE)

const char *frame_type_name(uint8_t type)
{
	switch (type) {
#define TYPE_NAME(name, number) \
	case number:            \
		return #name;
		FRAME_TYPES(TYPE_NAME)
#undef TYPE_NAME
	default:
		return NULL;
	}
}

void frame_encode(const struct frame *frame, uint8_t ret_bytes[static FRAME_HEADER_SIZE])
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

enum frame_error frame_decode(const uint8_t bytes[static FRAME_HEADER_SIZE],
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
	if (bytes_get32(bytes + 28) != 0 || (ret_frame->flags & ~FLAGS_KNOWN))
		return FRAME_E_RESERVED;
	if (ret_frame->body_len > body_max)
		return FRAME_E_TOO_LARGE;
	if (!frame_type_name(ret_frame->type) && !(ret_frame->flags & FRAME_FLAG_SKIPPABLE))
		return FRAME_E_TYPE;
	return FRAME_OK;
}
