/* wire.h - protobuf's wire format, field by field: reading what a peer wrote, without believing a
 * length before it was compared. Pure. Format: protobuf.dev/programming-guides/encoding. */
#ifndef WAT_PROTO_WIRE_H
#define WAT_PROTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

#define WIRE_NUMBER_MAX ((1u << 29) - 1)
#define WIRE_VARINT_MAX 10u /* bytes */
#define WIRE_KEY_MAX 5u     /* of keys and lengths: protobuf-c reads no more */

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 };

struct wire {
	const uint8_t *at, *end;
	uint32_t number; /* of the field that was read last, or that failed; 0: none */
	/* Of the last -EBADMSG; constants. */
	const char *expected, *got;
};

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;      /* of the types but WIRE_LENGTH */
	const uint8_t *data; /* of WIRE_LENGTH; lies in the bytes that are read */
	size_t n;
};

static inline struct wire wire_of(const uint8_t *bytes, size_t n)
{
	return (struct wire){.at = bytes, .end = n ? bytes + n : bytes};
}

/* The next field: 1, or 0 at the end, or -EBADMSG: a number of 0, a group, an unknown wire type, a
 * varint of more than 64 bits, or more bytes announced than there are. */
int wire_next(struct wire *wire, struct wire_field *ret_field) WAT_MUST_CHECK;

/* The next element of a packed field of this type (not WIRE_LENGTH): as above. */
int wire_next_packed(struct wire *wire, enum wire_type type, uint64_t *ret_value) WAT_MUST_CHECK;

/* "a varint"; a constant. */
const char *wire_type_name(enum wire_type type);

#endif
