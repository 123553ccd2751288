/* decode.h - what every message has to stand: no bytes get past the checked decode that protobuf-c
 * then refuses, and what was decoded passes the check again when it is packed, as the same bytes.
 */
#ifndef WAT_FUZZ_DECODE_H
#define WAT_FUZZ_DECODE_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arena.h"
#include "proto/check.h"
#include "proto/flat.h"
#include "proto/support/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static inline void require(int condition)
{
	if (!condition)
		abort();
}

static inline uint8_t *pack(const ProtobufCMessage *message, size_t *ret_n)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(n + 1);

	require(bytes != NULL);
	require(protobuf_c_message_pack(message, bytes) == n);
	*ret_n = n;
	return bytes;
}

/* Where a message is flat, it is packed to the same bytes. */
static inline void pack_flat(const ProtobufCMessage *message, const uint8_t *bytes, size_t n)
{
	uint8_t flat[FLAT_PACKED_MAX];
	size_t n_flat = 0;

	if (flat_pack(message, flat, &n_flat))
		require(n_flat == n && memcmp(flat, bytes, n) == 0);
}

static inline void pack_again(const ProtobufCMessage *message)
{
	size_t n = 0, n_again = 0;
	_cleanup_(freep) uint8_t *bytes = pack(message, &n), *again = NULL;
	ProtobufCMessage *copy = NULL;

	pack_flat(message, bytes, n);
	require(check_unpack(message->descriptor, NULL, bytes, n, &copy, NULL) == 0);
	again = pack(copy, &n_again);
	require(n_again == n && memcmp(bytes, again, n) == 0);
	protobuf_c_message_free_unpacked(copy, NULL);
}

/* In memory that runs out, the answer is one of three. */
static inline void decode_in_arena(const ProtobufCMessageDescriptor *descriptor,
				   const uint8_t *data,
				   size_t n)
{
	ProtobufCMessage *message;
	struct arena arena;
	int r;

	arena_init(&arena, 16 * n);
	r = check_unpack(descriptor, &arena.allocator, data, n, &message, NULL);
	require(r == 0 || r == -EBADMSG || r == -ENOMEM);
	arena_deinit(&arena);
}

/* NULL: refused, with a sentence. Without an allocator of ours there is always enough memory, so a
 * failure is the check's. */
static inline ProtobufCMessage *decode(const ProtobufCMessageDescriptor *descriptor,
				       const uint8_t *data,
				       size_t n)
{
	struct check_error error = {0};
	ProtobufCMessage *message = NULL;
	char text[512] = "";
	int r = check_unpack(descriptor, NULL, data, n, &message, &error);

	require(r == check_message(descriptor, data, n, NULL));
	decode_in_arena(descriptor, data, n);
	if (r == 0) {
		pack_again(message);
		return message;
	}
	require(r == -EBADMSG);
	check_error_format(&error, text, sizeof text);
	require(strstr(text, "expected") && strstr(text, "got"));
	return NULL;
}

#endif
