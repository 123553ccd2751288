/* schema_private.h - the inside of a schema, shared by schema.c (lookups), schema_index.c (names)
 * and schema_comments.c. */
#ifndef WAT_PROTO_SCHEMA_PRIVATE_H
#define WAT_PROTO_SCHEMA_PRIVATE_H

#include "proto/arena.h"
#include "proto/schema.h"

#define SCHEMA_NAME_MAX 511u /* bytes of a full name */

typedef Google__Protobuf__FileDescriptorProto schema_file;
typedef Google__Protobuf__DescriptorProto schema_message_proto;
typedef Google__Protobuf__FieldDescriptorProto schema_field_proto;
typedef Google__Protobuf__EnumDescriptorProto schema_enum_proto;
typedef Google__Protobuf__ServiceDescriptorProto schema_service_proto;

enum schema_kind {
	SCHEMA_MESSAGE,
	SCHEMA_ENUM,
	SCHEMA_SERVICE,
	SCHEMA_METHOD,
	SCHEMA_FIELD,
};

struct schema_symbol {
	const char *name; /* full; in the arena */
	enum schema_kind kind;
	const schema_file *file;
	union {
		const schema_enum_proto *enumeration;
		const schema_service_proto *service;
	} of;
	struct schema_type type; /* of a message */
	const char *comment;     /* NULL: none */
	const char *state;       /* of a service; NULL: none */
};

struct schema {
	struct arena arena; /* everything but the array of symbols */
	Google__Protobuf__FileDescriptorSet *set;
	struct schema_symbol *symbols; /* by name, after schema_index */
	size_t n_symbols, symbols_size;
	bool is_partial; /* files that others depend on are missing */
};

/* "a" and "b" to "a.b", with an empty one left out, in a buffer of SCHEMA_NAME_MAX + 1 bytes that
 * may hold scope already. False: too long, or name is not an identifier. */
bool schema_join(char *buffer, const char *scope, const char *name);

struct schema_symbol *schema_find(const struct schema *schema, const char *name);
/* Collects all names, sorts them, refuses doubles. */
int schema_index(struct schema *schema) WAT_MUST_CHECK;
/* Checks fields, types and methods; prepares each message's schema_type. */
int schema_resolve(struct schema *schema) WAT_MUST_CHECK;
int schema_read_comments(struct schema *schema) WAT_MUST_CHECK;

#endif
