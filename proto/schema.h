/* schema.h - a parsed and checked FileDescriptorSet, indexed by full name: what a service's
 * interface looks like to someone who has no generated code for it. Pure. Immutable after
 * schema_new, so any number of threads may read one. Everything handed out lives as long as the
 * schema. Names are full names without a leading dot. */
#ifndef WAT_PROTO_SCHEMA_H
#define WAT_PROTO_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <google/protobuf/descriptor.pb-c.h>

#include "proto/support/cleanup.h"
#include "proto/support/must_check.h"

struct schema;

/* -EBADMSG: not a FileDescriptorSet, larger than WAT_SCHEMA_MAX, or inconsistent: a name twice or
 * malformed, a type that is nowhere, a number out of range. A set from which whole files are
 * missing may refer to types in them (google/protobuf/descriptor.proto is never included). -ENOMEM.
 */
int schema_new(const uint8_t *bytes, size_t n, struct schema **ret_schema) WAT_MUST_CHECK;
struct schema *schema_free(struct schema *schema);
DEFINE_CLEANUP(struct schema *, schema_free);

/* NULL: there is no such thing of this kind. */
const Google__Protobuf__DescriptorProto *schema_message(const struct schema *schema,
							const char *name);
const Google__Protobuf__EnumDescriptorProto *schema_enum(const struct schema *schema,
							 const char *name);
const Google__Protobuf__ServiceDescriptorProto *schema_service(const struct schema *schema,
							       const char *name);
/* The file that declares a service, method, message, field or enum. */
const Google__Protobuf__FileDescriptorProto *schema_file_of(const struct schema *schema,
							    const char *name);
/* The comment before a service "a.S", method "a.S.M", message, enum, or field "a.M.f", else the one
 * behind it on its line; "" if there is none. Lines end in \n, the last one does not. */
const char *schema_comment(const struct schema *schema, const char *name);
/* Full name of a service's state message (option 50817); NULL if there is none. */
const char *schema_state(const struct schema *schema, const char *service);

/* A message, prepared for translation. */
struct schema_type {
	const char *name;
	const Google__Protobuf__DescriptorProto *message;
	/* message->field, all n_field of them, by number. Each has a json_name, and no key of a
	 * JSON object means two of them. */
	const Google__Protobuf__FieldDescriptorProto **fields;
	bool is_proto3;
};
const struct schema_type *schema_type(const struct schema *schema, const char *name);

/* Binary search; NULL: unknown. */
const Google__Protobuf__FieldDescriptorProto *schema_field(const struct schema_type *type,
							   uint32_t number);
bool schema_is_map_entry(const Google__Protobuf__DescriptorProto *message);

#endif
