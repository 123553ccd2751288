/* json_private.h - what the two directions of the translation share. json_decode.c makes bytes of
 * JSON, which json_parse.c and json_string.c read, with json_number.c and json_scalar.c for single
 * values. json_encode.c makes JSON of bytes, with json_scalar_write.c and json_print.c.
 * json_place.c: where in a message we are. */
#ifndef WAT_PROTO_JSON_PRIVATE_H
#define WAT_PROTO_JSON_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/arena.h"
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

/* --- json_parse.c, json_string.c: JSON that was read --- */

enum json_what {
	JSON_IS_NULL,
	JSON_IS_FALSE,
	JSON_IS_TRUE,
	JSON_IS_NUMBER,
	JSON_IS_STRING,
	JSON_IS_LIST,
	JSON_IS_OBJECT,
};

/* In the arena of the parse; numbers are a part of the text that was read, as they stand there: of
 * no type yet, and exact. */
struct json_value {
	enum json_what what;
	const char *text; /* of a number or a string; the string ends in NUL and has no other */
	size_t n;         /* bytes of it */
	struct json_value *first, *next;   /* of a list or an object, in order; the neighbour */
	size_t n_elements;                 /* of either */
	const char *key;                   /* of a member of an object; ends in NUL */
	const char *at;                    /* where that key stands */
	const struct json_value **members; /* of an object, by key */
};

struct json_parser {
	const char *start, *at, *end;
	struct arena *arena;
	struct json_error *error;
	unsigned depth;
};

/* A document of any kind, RFC 8259, in UTF-8; nothing comes after it. Makes the arena, which the
 * caller gives zeroed and deinits, whatever is returned. -EBADMSG, -ENOMEM. */
int json_parse(const char *text,
	       size_t n,
	       struct arena *arena,
	       struct json_error *error,
	       struct json_value *ret_value) WAT_MUST_CHECK;
/* Always -EBADMSG: "line 1, column 2: ". */
int json_parse_fail(const struct json_parser *parser,
		    const struct json_place *place,
		    const char *at,
		    const char *format,
		    ...) WAT_PRINTF(4, 5);
/* At a quote; a string in the arena. */
int json_parse_string(struct json_parser *parser,
		      const struct json_place *place,
		      const char **ret_text,
		      size_t *ret_n) WAT_MUST_CHECK;
/* NULL: the object has no such member. */
const struct json_value *json_member(const struct json_value *object, const char *key);
/* "an object". A constant. */
const char *json_kind(const struct json_value *value);

/* --- json_number.c --- */

/* The bytes of the number that the text begins with, by the grammar of JSON; 0: it does not. */
size_t json_number_length(const char *text, size_t n);

/* An integer of any type: its magnitude and its sign. */
struct json_integer {
	uint64_t magnitude;
	bool is_negative;
};

enum json_number { JSON_NUMBER_OK, JSON_NUMBER_FRACTION, JSON_NUMBER_RANGE };

/* Of a number by that grammar, exactly: 1.0 and 1e3 are integers. */
enum json_number json_number_integer(const char *text, size_t n, struct json_integer *ret)
	WAT_MUST_CHECK;
/* The nearest double. JSON_NUMBER_RANGE: it would be infinite. -ENOMEM. */
int json_number_real(const char *text, size_t n, double *ret) WAT_MUST_CHECK;

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

enum wire_type json_wire_type(const json_field *field);
int json_scalar_read(const struct schema *schema,
		     const json_field *field,
		     const struct json_value *value,
		     const struct json_place *place,
		     struct json_error *error,
		     struct json_scalar *ret_scalar) WAT_MUST_CHECK;
/* The key of a map: that of the member. */
int json_scalar_read_key(const json_field *field,
			 const struct json_value *member,
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

/* --- json_print.c --- */

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
