/* flat.h - messages of single numbers, packed and unpacked in one pass. What comes out is what
 * protobuf-c makes of them after check_message; whatever is not flat, or not plainly right, is left
 * to those two. Pure; any thread. */
#ifndef WAT_PROTO_FLAT_H
#define WAT_PROTO_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/support/must_check.h"

#define FLAT_FIELDS_MAX 16u
#define FLAT_PACKED_MAX (FLAT_FIELDS_MAX * 15u) /* bytes: a key of 5 and a number of 10 each */

/* For a message on the stack. */
union flat_message {
	ProtobufCMessage base;
	uint8_t bytes[256];
};

/* The bytes, as protobuf_c_message_pack writes them: their number in *ret_n. False, and nothing is
 * said of out: a field is repeated, a string, bytes, a message or of a oneof; there are more than
 * FLAT_FIELDS_MAX; or unknown fields. */
bool flat_pack(const ProtobufCMessage *message, uint8_t out[static FLAT_PACKED_MAX], size_t *ret_n)
	WAT_MUST_CHECK;

/* Are there at most FLAT_FIELDS_MAX fields, all of them flat, and room for them in a union
 * flat_message? */
bool flat_is(const ProtobufCMessageDescriptor *descriptor) WAT_MUST_CHECK;

/* What flat_is said of the messages of up to 64 methods: asked once for each. All zero at first. */
struct flat_known {
	uint64_t asked, flat;
};
static inline bool flat_is_known(struct flat_known *known,
				 unsigned method,
				 const ProtobufCMessageDescriptor *descriptor)
{
	uint64_t bit = UINT64_C(1) << method % 64;

	if (!(known->asked & bit)) {
		known->asked |= bit;
		known->flat |= flat_is(descriptor) ? bit : 0;
	}
	return known->flat & bit;
}

/* Into descriptor->sizeof_message bytes at message, aligned for any number. descriptor: one that
 * flat_is. False, and nothing is said of *message: the bytes hold an unknown field, or they are
 * malformed. Else *message holds no memory: nothing of it is freed. */
bool flat_unpack(const ProtobufCMessageDescriptor *descriptor,
		 const uint8_t *bytes,
		 size_t n,
		 void *message) WAT_MUST_CHECK;

#endif
