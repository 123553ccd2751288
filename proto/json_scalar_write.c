/* json_scalar_write.c - single values as JSON. Pure. */
#include "proto/json_private.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

static uint64_t unzigzag(uint64_t value)
{
	return (value >> 1) ^ -(value & 1);
}

/* 64 bits are a string, since a reader in JavaScript would round a number. */
static json_t *write_integer(const struct json_traits *type, uint64_t bits)
{
	char text[32];

	if (type->bits == 32) {
		bits = (uint32_t)bits;
		if (type->is_zigzag)
			bits = unzigzag(bits);
		return json_integer(type->is_signed ? (int32_t)bits : (json_int_t)bits);
	}
	if (type->is_zigzag)
		bits = unzigzag(bits);
	if (type->is_signed)
		(void)snprintf(text, sizeof text, "%" PRId64, (int64_t)bits);
	else
		(void)snprintf(text, sizeof text, "%" PRIu64, bits);
	return json_string(text);
}

/* The double whose shortest text is the float's shortest text. */
static double widen(float narrow)
{
	char text[48];

	for (int digits = 6; digits <= 9; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, (double)narrow);
		if (strtof(text, NULL) == narrow)
			break;
	}
	return strtod(text, NULL);
}

static json_t *write_real(const struct json_traits *type, uint64_t bits)
{
	uint32_t narrow_bits = (uint32_t)bits;
	float narrow;
	double real;

	memcpy(&real, &bits, sizeof real);
	memcpy(&narrow, &narrow_bits, sizeof narrow);
	if (type->bits == 32)
		real = isfinite(narrow) ? widen(narrow) : (double)narrow;
	if (isnan(real))
		return json_string("NaN");
	if (isinf(real))
		return json_string(real < 0 ? "-Infinity" : "Infinity");
	return json_real(real);
}

static json_t *write_enum(const struct schema *schema, const json_field *field, uint64_t bits)
{
	const Google__Protobuf__EnumDescriptorProto *type =
		schema_enum(schema, field->type_name + 1);
	int32_t number = (int32_t)bits;

	for (size_t i = 0; type && i < type->n_value; i++)
		if (type->value[i]->number == number)
			return json_string(type->value[i]->name);
	return json_integer(number);
}

static json_t *write_bytes(const struct json_scalar *scalar)
{
	size_t size = sodium_base64_ENCODED_LEN(scalar->n, sodium_base64_VARIANT_ORIGINAL);
	_cleanup_(freep) char *text = malloc(size);

	if (!text)
		return NULL;
	(void)sodium_bin2base64(text, size, scalar->data, scalar->n,
				sodium_base64_VARIANT_ORIGINAL);
	return json_string_nocheck(text);
}

static json_t *make(const struct schema *schema,
		    const json_field *field,
		    const struct json_scalar *scalar)
{
	const struct json_traits *type = &json_traits[field->type];

	switch (type->form) {
	case JSON_FORM_INTEGER:
		return write_integer(type, scalar->bits);
	case JSON_FORM_REAL:
		return write_real(type, scalar->bits);
	case JSON_FORM_BOOL:
		return json_boolean(scalar->bits != 0);
	case JSON_FORM_ENUM:
		return write_enum(schema, field, scalar->bits);
	case JSON_FORM_STRING:
		return json_stringn_nocheck(scalar->n ? (const char *)scalar->data : "", scalar->n);
	case JSON_FORM_BYTES:
		return write_bytes(scalar);
	}
	return NULL;
}

int json_scalar_write(const struct schema *schema,
		      const json_field *field,
		      const struct json_scalar *scalar,
		      const struct json_place *place,
		      struct json_error *error,
		      json_t **ret_json)
{
	json_t *json;

	if (json_traits[field->type].form == JSON_FORM_STRING &&
	    !utf8_is_text(scalar->data, scalar->n))
		return json_fail(error, place, "expected UTF-8 without U+0000, got other bytes");
	json = make(schema, field, scalar);
	if (!json)
		return -ENOMEM;
	*ret_json = json;
	return 0;
}
