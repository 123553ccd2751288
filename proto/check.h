/* check.h - decoding peer data safely: a check of the bytes against the descriptor comes before
 * protobuf-c sees them. Iterative (protobuf-c itself recurses without bound), depth <=
 * WAT_DEPTH_MAX, UTF-8 in strings, wire types as declared, known sizes, everything consumed.
 * Unknown fields are skipped after a check of their form, groups are refused. Pure. */
#ifndef WAT_PROTO_CHECK_H
#define WAT_PROTO_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/support/must_check.h"

struct arena;

struct check_error {
	char path[256];    /* "a.b[3].c"; empty for the message itself */
	char expected[64]; /* "UTF-8", "a varint of at most 10 bytes" */
	char got[64];
};

/* 0, or -EBADMSG with *ret_error filled (it may be NULL). */
int check_message(const ProtobufCMessageDescriptor *descriptor,
		  const uint8_t *bytes,
		  size_t n,
		  struct check_error *ret_error) WAT_MUST_CHECK;

/* check_message, then unpack. allocator NULL: malloc. -EBADMSG, or -ENOMEM also when the
 * allocator's cap is reached. */
int check_unpack(const ProtobufCMessageDescriptor *descriptor,
		 ProtobufCAllocator *allocator,
		 const uint8_t *bytes,
		 size_t n,
		 ProtobufCMessage **ret_message,
		 struct check_error *ret_error) WAT_MUST_CHECK;

/* "request.n: expected ..., got ..." into text. */
void check_error_format(const struct check_error *error, char *text, size_t n);

#endif
