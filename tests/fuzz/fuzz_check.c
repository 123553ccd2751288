/* fuzz_check.c - no bytes get past the checked decode that protobuf-c then refuses, and what was
 * decoded passes the check again when it is packed. The first byte chooses the message. */
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>

#include <google/protobuf/descriptor.pb-c.h>
#include <wat/envelope.pb-c.h>
#include <wat/manifest.pb-c.h>
#include <wat/node.pb-c.h>
#include <wat/types.pb-c.h>

#include "proto/arena.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const ProtobufCMessageDescriptor *const descriptors[] = {
	&google__protobuf__file_descriptor_set__descriptor,
	&google__protobuf__descriptor_proto__descriptor,
	&google__protobuf__uninterpreted_option__descriptor,
	&google__protobuf__source_code_info__descriptor,
	&wat__envelope__failure__descriptor,
	&wat__node__instance_list__descriptor,
	&wat__node__user_list__descriptor,
	&wat__manifest__plugin__descriptor,
	&wat__empty__descriptor,
};

static void require(int condition)
{
	if (!condition)
		abort();
}

static void pack_again(const ProtobufCMessage *message)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	_cleanup_(freep) uint8_t *bytes = malloc(n + 1);

	require(bytes != NULL);
	require(protobuf_c_message_pack(message, bytes) == n);
	require(check_message(message->descriptor, bytes, n, NULL) == 0);
}

/* Without an allocator of ours there is always enough memory, so a failure is the check's. */
static void decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t n)
{
	struct check_error error = {0};
	ProtobufCMessage *message;
	char text[512];
	int r;

	r = check_unpack(descriptor, NULL, data, n, &message, &error);
	if (r < 0) {
		require(r == -EBADMSG);
		check_error_format(&error, text, sizeof text);
		return;
	}
	pack_again(message);
	protobuf_c_message_free_unpacked(message, NULL);
}

/* In memory that runs out, the answer is one of three. */
static void decode_in_arena(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const ProtobufCMessageDescriptor *descriptor;

	if (n == 0)
		return 0;
	descriptor = descriptors[data[0] % (sizeof descriptors / sizeof *descriptors)];
	decode(descriptor, data + 1, n - 1);
	decode_in_arena(descriptor, data + 1, n - 1);
	return 0;
}
