/* json_private.h - what the two directions of the translation share. json_decode.c reads JSON,
 * json_encode.c makes it; json_scalar.c and json_scalar_write.c have single values, json_text.c the
 * text, json_place.c where in a message we are. */
#ifndef WAT_PROTO_JSON_PRIVATE_H
#define WAT_PROTO_JSON_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/json.h"
#include "proto/wire.h"

typedef Google__Protobuf__FieldDescriptorProto json_field;
#define JSON_TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

#define JSON_LABEL_REQUIRED GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REQUIRED

/* --- json_place.c --- */

/* A step of the path to the value at hand; lives on the stack of who takes it. */
struct json_place {
	const struct json_place *above; /* NULL: the message itself */
	const char *field;              /* NULL: an element, by key or else by index */
	const char *key;
	size_t index;
	unsigned depth; /* of messages around it */
};

struct json_place json_place_field(const struct json_place *above, const char *field);
struct json_place json_place_index(const struct json_place *above, size_t index);
struct json_place json_place_key(const struct json_place *above, const char *key);

/* Fills *error (may be NULL). Always -EBADMSG. */
int json_fail(struct json_error *error, const struct json_place *place, const char *format, ...)
	WAT_PRINTF(3, 4);
/* Appends text to path with control characters made visible; cut where path is full. */
void json_append_path(char *path, size_t size, const char *text, size_t n);
/* What was cut in the middle of a character ends before it. */
void json_cut(char *text);

/* The type of a message at this place, a level below it: *place is one deeper then. */
int json_enter(const struct schema *schema,
	       const char *name,
	       struct json_place *place,
	       struct json_error *error,
	       const struct schema_type **ret_type) WAT_MUST_CHECK;

bool json_is_repeated(const json_field *field);
/* False: the default is the same as not being there. */
bool json_has_presence(const struct schema_type *type, const json_field *field);
/* The entry's type if the field is a map, else NULL. */
const struct schema_type *json_map_entry(const struct schema *schema, const json_field *field);

/* --- json_scalar.c (reading), json_scalar_write.c --- */

enum json_form {
	JSON_FORM_INTEGER,
	JSON_FORM_REAL,
	JSON_FORM_BOOL,
	JSON_FORM_STRING,
	JSON_FORM_BYTES,
	JSON_FORM_ENUM,
};

/* What a type is in JSON and on the wire. */
struct json_traits {
	enum json_form form;
	enum wire_type wire;
	unsigned bits;
	bool is_signed, is_zigzag;
};

/* By the type's number in descriptor.proto. */
extern const struct json_traits json_traits[];

/* A value of any type but a message, as it goes over the wire. */
struct json_scalar {
	uint64_t bits; /* not of strings and bytes; sint types are zigzag already */
	const uint8_t *data;
	size_t n;
	uint8_t *owned; /* NULL, or data: the caller frees it */
};

/* "an object". A constant. */
const char *json_kind(const json_t *json);
enum wire_type json_wire_type(const json_field *field);
int json_scalar_read(const struct schema *schema,
		     const json_field *field,
		     const json_t *json,
		     const struct json_place *place,
		     struct json_error *error,
		     struct json_scalar *ret_scalar) WAT_MUST_CHECK;
/* The key of a map. */
int json_scalar_read_key(const json_field *field,
			 const char *text,
			 const struct json_place *place,
			 struct json_error *error,
			 struct json_scalar *ret_scalar) WAT_MUST_CHECK;
/* A new reference. -EBADMSG: a string that is no UTF-8. */
int json_scalar_write(const struct schema *schema,
		      const json_field *field,
		      const struct json_scalar *scalar,
		      const struct json_place *place,
		      struct json_error *error,
		      json_t **ret_json) WAT_MUST_CHECK;

/* --- json_parse.c, json_print.c --- */

/* A document of any kind. */
int json_parse(const char *text, size_t n, struct json_error *error, json_t **ret_json)
	WAT_MUST_CHECK;
int json_print(const json_t *json, char **ret_text) WAT_MUST_CHECK;

/* --- json_buffer.c --- */

/* Grows; the first failure sticks. */
struct json_buffer {
	uint8_t *data;
	size_t n, size;
	bool failed;
};

void json_buffer_put(struct json_buffer *buffer, const void *bytes, size_t n);
void json_buffer_varint(struct json_buffer *buffer, uint64_t value);
/* Puts the length of everything from start on before it. */
void json_buffer_prefix(struct json_buffer *buffer, size_t start);

#endif
