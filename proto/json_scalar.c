/* json_scalar.c - single values out of JSON: numbers, strings, bytes, enums. Pure. */
#include "proto/json_private.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64.h"
#include "proto/utf8.h"

const struct json_traits json_traits[] = {
	[JSON_TYPE(DOUBLE)] = {JSON_FORM_REAL, WIRE_64, 64, true, false},
	[JSON_TYPE(FLOAT)] = {JSON_FORM_REAL, WIRE_32, 32, true, false},
	[JSON_TYPE(INT64)] = {JSON_FORM_INTEGER, WIRE_VARINT, 64, true, false},
	[JSON_TYPE(UINT64)] = {JSON_FORM_INTEGER, WIRE_VARINT, 64, false, false},
	[JSON_TYPE(INT32)] = {JSON_FORM_INTEGER, WIRE_VARINT, 32, true, false},
	[JSON_TYPE(FIXED64)] = {JSON_FORM_INTEGER, WIRE_64, 64, false, false},
	[JSON_TYPE(FIXED32)] = {JSON_FORM_INTEGER, WIRE_32, 32, false, false},
	[JSON_TYPE(BOOL)] = {JSON_FORM_BOOL, WIRE_VARINT, 1, false, false},
	[JSON_TYPE(STRING)] = {JSON_FORM_STRING, WIRE_LENGTH, 0, false, false},
	[JSON_TYPE(BYTES)] = {JSON_FORM_BYTES, WIRE_LENGTH, 0, false, false},
	[JSON_TYPE(MESSAGE)] = {JSON_FORM_BYTES, WIRE_LENGTH, 0, false, false},
	[JSON_TYPE(UINT32)] = {JSON_FORM_INTEGER, WIRE_VARINT, 32, false, false},
	[JSON_TYPE(ENUM)] = {JSON_FORM_ENUM, WIRE_VARINT, 32, true, false},
	[JSON_TYPE(SFIXED32)] = {JSON_FORM_INTEGER, WIRE_32, 32, true, false},
	[JSON_TYPE(SFIXED64)] = {JSON_FORM_INTEGER, WIRE_64, 64, true, false},
	[JSON_TYPE(SINT32)] = {JSON_FORM_INTEGER, WIRE_VARINT, 32, true, true},
	[JSON_TYPE(SINT64)] = {JSON_FORM_INTEGER, WIRE_VARINT, 64, true, true},
};

enum wire_type json_wire_type(const json_field *field)
{
	return json_traits[field->type].wire;
}

const char *json_kind(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

/* An integer of any type: its magnitude and its sign. */
struct integer {
	uint64_t magnitude;
	bool is_negative;
};

/* Digits with an optional minus, all of the text. False: it is not that, or beyond 64 bits. */
static bool parse_integer(const char *text, struct integer *ret)
{
	struct integer integer = {.is_negative = *text == '-'};

	if (integer.is_negative)
		text++;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    __builtin_mul_overflow(integer.magnitude, 10u, &integer.magnitude) ||
		    __builtin_add_overflow(integer.magnitude, (unsigned)(*text - '0'),
					   &integer.magnitude))
			return false;
	}
	*ret = integer;
	return true;
}

/* A number like 1.0 or 1e3 is an integer too, as far as a double can tell them apart. */
static bool integer_of(const json_t *json, struct integer *ret)
{
	double real;

	if (json_is_string(json))
		return parse_integer(json_string_value(json), ret);
	if (json_is_integer(json)) {
		json_int_t value = json_integer_value(json);

		ret->is_negative = value < 0;
		ret->magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
		return true;
	}
	if (!json_is_real(json))
		return false;
	real = json_real_value(json);
	if (fabs(real) > 9007199254740992.0 || real != (double)(int64_t)real)
		return false;
	ret->is_negative = real < 0;
	ret->magnitude = (uint64_t)fabs(real);
	return true;
}

static bool fits(const struct integer *integer, const struct json_traits *type)
{
	uint64_t limit = type->bits == 64 ? UINT64_MAX : (UINT64_C(1) << type->bits) - 1;

	if (integer->is_negative)
		return type->is_signed ? integer->magnitude <= limit / 2 + 1
				       : integer->magnitude == 0;
	return integer->magnitude <= (type->is_signed ? limit / 2 : limit);
}

/* Two's complement, cut to what the wire carries; negative int32 are 64 bits there. */
static uint64_t pack_integer(const struct integer *integer, const struct json_traits *type)
{
	uint64_t bits = integer->is_negative ? -integer->magnitude : integer->magnitude;

	if (type->is_zigzag)
		return (bits << 1) ^ (bits >> 63 ? UINT64_MAX : 0);
	return type->wire == WIRE_32 ? (uint32_t)bits : bits;
}

static int refuse_integer(const struct json_traits *type,
			  const char *got,
			  const struct json_place *place,
			  struct json_error *error)
{
	if (type->is_signed)
		return json_fail(error, place,
				 "expected an integer of %" PRId64 " to %" PRId64 ", got %s",
				 type->bits == 64 ? INT64_MIN : INT32_MIN,
				 type->bits == 64 ? INT64_MAX : INT32_MAX, got);
	return json_fail(error, place, "expected an integer of 0 to %" PRIu64 ", got %s",
			 type->bits == 64 ? UINT64_MAX : UINT32_MAX, got);
}

static int read_integer(const struct json_traits *type,
			const json_t *json,
			const struct json_place *place,
			struct json_error *error,
			uint64_t *ret_bits)
{
	struct integer integer;
	char got[80];

	if (!integer_of(json, &integer)) {
		if (!json_is_string(json))
			return json_fail(error, place, "expected an integer, got %s",
					 json_kind(json));
		(void)snprintf(got, sizeof got, "\"%.*s\"",
			       (int)utf8_cut(json_string_value(json), 60), json_string_value(json));
		return refuse_integer(type, got, place, error);
	}
	if (!fits(&integer, type)) {
		(void)snprintf(got, sizeof got, "%s%" PRIu64, integer.is_negative ? "-" : "",
			       integer.magnitude);
		return refuse_integer(type, got, place, error);
	}
	*ret_bits = pack_integer(&integer, type);
	return 0;
}

/* What JSON numbers can't say. */
static const struct {
	const char *name;
	double value;
} specials[] = {
	{"NaN", (double)NAN},
	{"Infinity", (double)INFINITY},
	{"-Infinity", -(double)INFINITY},
};

static bool parse_real(const char *text, double *ret)
{
	json_auto_t *number = NULL;

	for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
		if (strcmp(text, specials[i].name) == 0) {
			*ret = specials[i].value;
			return true;
		}
	number = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	if (!json_is_real(number))
		return false;
	*ret = json_real_value(number);
	return true;
}

static bool real_of(const json_t *json, double *ret)
{
	if (json_is_string(json))
		return parse_real(json_string_value(json), ret);
	*ret = json_number_value(json);
	return json_is_number(json);
}

/* From here on a number is nearer to the float after the largest one: it would become infinite. */
#define FLOAT_LIMIT 0x1.ffffffp127

static int read_real(const struct json_traits *type,
		     const json_t *json,
		     const struct json_place *place,
		     struct json_error *error,
		     uint64_t *ret_bits)
{
	double real = 0;
	float narrow;
	uint32_t bits;

	if (!real_of(json, &real))
		return json_fail(error, place, "expected a number, got %s", json_kind(json));
	if (type->bits == 64) {
		memcpy(ret_bits, &real, sizeof real);
		return 0;
	}
	if (isfinite(real) && fabs(real) >= FLOAT_LIMIT)
		return json_fail(error, place, "expected a number of 32 bits, got %g", real);
	narrow = (float)real;
	memcpy(&bits, &narrow, sizeof bits);
	*ret_bits = bits;
	return 0;
}

static int read_enum(const struct schema *schema,
		     const json_field *field,
		     const json_t *json,
		     const struct json_place *place,
		     struct json_error *error,
		     uint64_t *ret_bits)
{
	const Google__Protobuf__EnumDescriptorProto *type =
		schema_enum(schema, field->type_name + 1);
	const char *name = json_string_value(json);

	if (!name && !json_is_integer(json))
		return json_fail(error, place, "expected a name of %s, got %s",
				 field->type_name + 1, json_kind(json));
	if (!name)
		return read_integer(&json_traits[field->type], json, place, error, ret_bits);
	for (size_t i = 0; type && i < type->n_value; i++)
		if (strcmp(type->value[i]->name, name) == 0) {
			*ret_bits = (uint64_t)(int64_t)type->value[i]->number;
			return 0;
		}
	return json_fail(error, place, "expected a name of %s, got \"%.*s\"", field->type_name + 1,
			 (int)utf8_cut(name, 60), name);
}

/* Base64 in either alphabet, with or without padding. */
static int read_bytes(const json_t *json,
		      const struct json_place *place,
		      struct json_error *error,
		      struct json_scalar *scalar)
{
	const char *text = json_string_value(json);
	size_t n = json_string_length(json);
	bool padded = n > 0 && text[n - 1] == '=';
	int variant;

	if (strpbrk(text, "-_"))
		variant = padded ? sodium_base64_VARIANT_URLSAFE
				 : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
	else
		variant = padded ? sodium_base64_VARIANT_ORIGINAL
				 : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	scalar->owned = malloc(n / 4 * 3 + 3);
	if (!scalar->owned)
		return -ENOMEM;
	scalar->data = scalar->owned;
	if (base64_decode(text, n, variant, scalar->owned, n / 4 * 3 + 3, &scalar->n))
		return 0;
	free(TAKE(scalar->owned));
	return json_fail(error, place, "expected bytes in base64, got another string");
}

static int read_string(const struct json_traits *type,
		       const json_t *json,
		       const struct json_place *place,
		       struct json_error *error,
		       struct json_scalar *scalar)
{
	if (!json_is_string(json))
		return json_fail(error, place, "expected %s, got %s",
				 type->form == JSON_FORM_BYTES ? "bytes in base64" : "a string",
				 json_kind(json));
	if (type->form == JSON_FORM_BYTES)
		return read_bytes(json, place, error, scalar);
	scalar->data = (const uint8_t *)json_string_value(json);
	scalar->n = json_string_length(json);
	return 0;
}

int json_scalar_read(const struct schema *schema,
		     const json_field *field,
		     const json_t *json,
		     const struct json_place *place,
		     struct json_error *error,
		     struct json_scalar *ret_scalar)
{
	const struct json_traits *type = &json_traits[field->type];

	*ret_scalar = (struct json_scalar){0};
	switch (type->form) {
	case JSON_FORM_INTEGER:
		return read_integer(type, json, place, error, &ret_scalar->bits);
	case JSON_FORM_REAL:
		return read_real(type, json, place, error, &ret_scalar->bits);
	case JSON_FORM_ENUM:
		return read_enum(schema, field, json, place, error, &ret_scalar->bits);
	case JSON_FORM_STRING:
	case JSON_FORM_BYTES:
		return read_string(type, json, place, error, ret_scalar);
	case JSON_FORM_BOOL:
		break;
	}
	if (!json_is_boolean(json))
		return json_fail(error, place, "expected true or false, got %s", json_kind(json));
	ret_scalar->bits = json_is_true(json);
	return 0;
}

int json_scalar_read_key(const json_field *field,
			 const char *text,
			 const struct json_place *place,
			 struct json_error *error,
			 struct json_scalar *ret_scalar)
{
	const struct json_traits *type = &json_traits[field->type];
	json_auto_t *json = NULL;

	*ret_scalar = (struct json_scalar){0};
	if (type->form == JSON_FORM_STRING) {
		ret_scalar->data = (const uint8_t *)text;
		ret_scalar->n = strlen(text);
		return 0;
	}
	if (type->form == JSON_FORM_BOOL) {
		ret_scalar->bits = strcmp(text, "true") == 0;
		if (!ret_scalar->bits && strcmp(text, "false") != 0)
			return json_fail(error, place, "expected the key true or false");
		return 0;
	}
	json = json_string(text);
	if (!json)
		return -ENOMEM;
	return read_integer(type, json, place, error, &ret_scalar->bits);
}
