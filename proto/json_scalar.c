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

/* Of a number, or of a string that holds one and nothing else. */
static enum json_number integer_of(const struct json_value *value, struct json_integer *ret)
{
	if (value->n == 0 || json_number_length(value->text, value->n) != value->n)
		return JSON_NUMBER_FRACTION;
	return json_number_integer(value->text, value->n, ret);
}

static bool fits(const struct json_integer *integer, const struct json_traits *type)
{
	uint64_t limit = type->bits == 64 ? UINT64_MAX : (UINT64_C(1) << type->bits) - 1;

	if (integer->is_negative)
		return type->is_signed ? integer->magnitude <= limit / 2 + 1
				       : integer->magnitude == 0;
	return integer->magnitude <= (type->is_signed ? limit / 2 : limit);
}

/* Two's complement, cut to what the wire carries; negative int32 are 64 bits there. */
static uint64_t pack_integer(const struct json_integer *integer, const struct json_traits *type)
{
	uint64_t bits = integer->is_negative ? -integer->magnitude : integer->magnitude;

	if (type->is_zigzag)
		return (bits << 1) ^ (bits >> 63 ? UINT64_MAX : 0);
	return type->wire == WIRE_32 ? (uint32_t)bits : bits;
}

static int refuse_integer(const struct json_traits *type,
			  const struct json_value *got,
			  const struct json_place *place,
			  struct json_error *error)
{
	const char *quote = got->what == JSON_IS_STRING ? "\"" : "";
	size_t n = got->n > 60 ? 60 : got->n;

	/* A string ends in NUL, a number is ASCII. */
	if (got->what == JSON_IS_STRING)
		n = utf8_cut(got->text, 60);
	if (type->is_signed)
		return json_fail(error, place,
				 "expected an integer of %" PRId64 " to %" PRId64 ", got %s%.*s%s",
				 type->bits == 64 ? INT64_MIN : INT32_MIN,
				 type->bits == 64 ? INT64_MAX : INT32_MAX, quote, (int)n, got->text,
				 quote);
	return json_fail(error, place, "expected an integer of 0 to %" PRIu64 ", got %s%.*s%s",
			 type->bits == 64 ? UINT64_MAX : UINT32_MAX, quote, (int)n, got->text,
			 quote);
}

static int read_integer(const struct json_traits *type,
			const struct json_value *value,
			const struct json_place *place,
			struct json_error *error,
			uint64_t *ret_bits)
{
	struct json_integer integer;

	if (value->what != JSON_IS_NUMBER && value->what != JSON_IS_STRING)
		return json_fail(error, place, "expected an integer, got %s", json_kind(value));
	if (integer_of(value, &integer) != JSON_NUMBER_OK || !fits(&integer, type))
		return refuse_integer(type, value, place, error);
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

static bool is_special(const struct json_value *value, double *ret)
{
	for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
		if (strcmp(value->text, specials[i].name) == 0) {
			*ret = specials[i].value;
			return true;
		}
	return false;
}

/* JSON_NUMBER_FRACTION: it is no number at all. */
static int real_of(const struct json_value *value, double *ret)
{
	if (value->what == JSON_IS_STRING && is_special(value, ret))
		return JSON_NUMBER_OK;
	if (value->what != JSON_IS_NUMBER && value->what != JSON_IS_STRING)
		return JSON_NUMBER_FRACTION;
	if (value->n == 0 || json_number_length(value->text, value->n) != value->n)
		return JSON_NUMBER_FRACTION;
	return json_number_real(value->text, value->n, ret);
}

/* From here on a number is nearer to the float after the largest one: it would become infinite. */
#define FLOAT_LIMIT 0x1.ffffffp127

static int read_real(const struct json_traits *type,
		     const struct json_value *value,
		     const struct json_place *place,
		     struct json_error *error,
		     uint64_t *ret_bits)
{
	double real = 0;
	float narrow;
	uint32_t bits;
	int r = real_of(value, &real);

	if (r < 0)
		return r;
	if (r == JSON_NUMBER_FRACTION)
		return json_fail(error, place, "expected a number, got %s", json_kind(value));
	if (r == JSON_NUMBER_RANGE ||
	    (type->bits == 32 && isfinite(real) && fabs(real) >= FLOAT_LIMIT))
		return json_fail(error, place, "expected a number of %u bits, got %.*s", type->bits,
				 (int)(value->n > 60 ? 60 : value->n), value->text);
	if (type->bits == 64) {
		memcpy(ret_bits, &real, sizeof real);
		return 0;
	}
	narrow = (float)real;
	memcpy(&bits, &narrow, sizeof bits);
	*ret_bits = bits;
	return 0;
}

static int read_enum(const struct schema *schema,
		     const json_field *field,
		     const struct json_value *value,
		     const struct json_place *place,
		     struct json_error *error,
		     uint64_t *ret_bits)
{
	const Google__Protobuf__EnumDescriptorProto *type =
		schema_enum(schema, field->type_name + 1);
	const char *name = value->text;

	if (value->what == JSON_IS_NUMBER)
		return read_integer(&json_traits[field->type], value, place, error, ret_bits);
	if (value->what != JSON_IS_STRING)
		return json_fail(error, place, "expected a name of %s, got %s",
				 field->type_name + 1, json_kind(value));
	for (size_t i = 0; type && i < type->n_value; i++)
		if (strcmp(type->value[i]->name, name) == 0) {
			*ret_bits = (uint64_t)(int64_t)type->value[i]->number;
			return 0;
		}
	return json_fail(error, place, "expected a name of %s, got \"%.*s\"", field->type_name + 1,
			 (int)utf8_cut(name, 60), name);
}

/* Base64 in either alphabet, with or without padding. */
static int read_bytes(const struct json_value *value,
		      const struct json_place *place,
		      struct json_error *error,
		      struct json_scalar *scalar)
{
	const char *text = value->text;
	size_t n = value->n;
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
		       const struct json_value *value,
		       const struct json_place *place,
		       struct json_error *error,
		       struct json_scalar *scalar)
{
	if (value->what != JSON_IS_STRING)
		return json_fail(error, place, "expected %s, got %s",
				 type->form == JSON_FORM_BYTES ? "bytes in base64" : "a string",
				 json_kind(value));
	if (type->form == JSON_FORM_BYTES)
		return read_bytes(value, place, error, scalar);
	scalar->data = (const uint8_t *)value->text;
	scalar->n = value->n;
	return 0;
}

int json_scalar_read(const struct schema *schema,
		     const json_field *field,
		     const struct json_value *value,
		     const struct json_place *place,
		     struct json_error *error,
		     struct json_scalar *ret_scalar)
{
	const struct json_traits *type = &json_traits[field->type];

	*ret_scalar = (struct json_scalar){0};
	switch (type->form) {
	case JSON_FORM_INTEGER:
		return read_integer(type, value, place, error, &ret_scalar->bits);
	case JSON_FORM_REAL:
		return read_real(type, value, place, error, &ret_scalar->bits);
	case JSON_FORM_ENUM:
		return read_enum(schema, field, value, place, error, &ret_scalar->bits);
	case JSON_FORM_STRING:
	case JSON_FORM_BYTES:
		return read_string(type, value, place, error, ret_scalar);
	case JSON_FORM_BOOL:
		break;
	}
	if (value->what != JSON_IS_TRUE && value->what != JSON_IS_FALSE)
		return json_fail(error, place, "expected true or false, got %s", json_kind(value));
	ret_scalar->bits = value->what == JSON_IS_TRUE;
	return 0;
}

/* One spelling for each number: two members are two keys. */
static bool is_plain_integer(const char *text)
{
	if (strcmp(text, "-0") == 0)
		return false;
	return text[strspn(text, "-0123456789")] == '\0';
}

int json_scalar_read_key(const json_field *field,
			 const struct json_value *member,
			 const struct json_place *place,
			 struct json_error *error,
			 struct json_scalar *ret_scalar)
{
	const struct json_traits *type = &json_traits[field->type];
	const struct json_value key = {
		.what = JSON_IS_STRING, .text = member->key, .n = strlen(member->key)};

	*ret_scalar = (struct json_scalar){0};
	if (type->form == JSON_FORM_STRING)
		return read_string(type, &key, place, error, ret_scalar);
	if (type->form == JSON_FORM_BOOL) {
		ret_scalar->bits = strcmp(key.text, "true") == 0;
		if (!ret_scalar->bits && strcmp(key.text, "false") != 0)
			return json_fail(error, place, "expected the key true or false");
		return 0;
	}
	if (!is_plain_integer(key.text))
		return refuse_integer(type, &key, place, error);
	return read_integer(type, &key, place, error, &ret_scalar->bits);
}
