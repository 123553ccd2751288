/* json.h - messages as JSON, by schema and without generated code: the proto3 mapping
 * (protobuf.dev/programming-guides/json). Pure; any thread. Nested at most WAT_DEPTH_MAX deep.
 *
 * Not translated, and refused by name: the types of google.protobuf that have a JSON form of their
 * own (Timestamp, Any, ...). */
#ifndef WAT_PROTO_JSON_H
#define WAT_PROTO_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "proto/schema.h"
#include "proto/support/must_check.h"

struct json_error {
	char path[256]; /* a.b[3], a.m["key"]; empty for the message itself */
	char text[256]; /* "expected an integer, got a string" */
};

/* JSON text to wire bytes, in the order of the field numbers. Keys in lowerCamelCase or as in the
 * .proto; integers of any size as numbers or strings, exactly; null is "not there". Unknown,
 * mistyped and double fields are refused with their path: -EBADMSG with *ret_error (which may be
 * NULL). -ENOMEM. The caller frees the bytes; they are not NULL even if there are none. */
int json_to_message(const struct schema *schema,
		    const char *type,
		    const char *json,
		    size_t n,
		    uint8_t **ret_bytes,
		    size_t *ret_n,
		    struct json_error *ret_error) WAT_MUST_CHECK;

/* Wire bytes to one line of JSON without blanks, fields in the order of the .proto: keys in
 * lowerCamelCase, 64-bit integers as strings, enums by name, fields without presence always there,
 * unknown fields skipped. -EBADMSG with *ret_error (which may be NULL): malformed bytes, or more
 * than two million values. -ENOMEM. The caller
 * frees the text. */
int json_from_message(const struct schema *schema,
		      const char *type,
		      const uint8_t *bytes,
		      size_t n,
		      char **ret_json,
		      struct json_error *ret_error) WAT_MUST_CHECK;

#endif
