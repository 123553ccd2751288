/* json_place.c - where in a message the translation is, how a refusal names that, and what a field
 * is in JSON. Pure. */
#include "proto/json_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/utf8.h"

#define LABEL_REPEATED GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED

struct json_place json_place_field(const struct json_place *above, const char *field)
{
	return (struct json_place){.above = above, .field = field, .depth = above->depth};
}

struct json_place json_place_index(const struct json_place *above, size_t index)
{
	return (struct json_place){.above = above, .index = index, .depth = above->depth};
}

struct json_place json_place_key(const struct json_place *above, const char *key)
{
	return (struct json_place){.above = above, .key = key, .depth = above->depth};
}

void json_append_path(char *path, size_t size, const char *text, size_t n)
{
	size_t used = strlen(path);

	for (size_t i = 0; i < n && used + 1 < size; i++) {
		unsigned char c = (unsigned char)text[i];

		path[used++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	path[used] = '\0';
}

static void append(char *path, size_t size, const char *text)
{
	json_append_path(path, size, text, strlen(text));
}

/* From the top down; as deep as messages nest. */
static void write_path(const struct json_place *place, char *path, size_t size)
{
	char index[32];

	if (place->above)
		write_path(place->above, path, size);
	if (place->field) {
		append(path, size, *path ? "." : "");
		append(path, size, place->field);
	} else if (place->key) {
		append(path, size, "[\"");
		append(path, size, place->key);
		append(path, size, "\"]");
	} else if (place->above) {
		(void)snprintf(index, sizeof index, "[%zu]", place->index);
		append(path, size, index);
	}
}

void json_cut(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && !utf8_is_text((const uint8_t *)text, n))
		n--;
	text[n] = '\0';
}

int json_fail(struct json_error *error, const struct json_place *place, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return -EBADMSG;
	error->path[0] = '\0';
	write_path(place, error->path, sizeof error->path);
	json_cut(error->path);
	va_start(arguments, format);
	(void)vsnprintf(error->text, sizeof error->text, format, arguments);
	va_end(arguments);
	json_cut(error->text);
	return -EBADMSG;
}

/* Messages whose JSON is not an object of their fields. */
static bool has_own_form(const char *name)
{
	static const char *const names[] = {
		"Any",         "Timestamp",   "Duration",   "FieldMask",
		"Struct",      "Value",       "ListValue",  "BoolValue",
		"StringValue", "BytesValue",  "Int32Value", "Int64Value",
		"UInt32Value", "UInt64Value", "FloatValue", "DoubleValue"};

	if (strncmp(name, "google.protobuf.", 16) != 0)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name + 16, names[i]) == 0)
			return true;
	return false;
}

int json_enter(const struct schema *schema,
	       const char *name,
	       struct json_place *place,
	       struct json_error *error,
	       const struct schema_type **ret_type)
{
	const struct schema_type *type = schema_type(schema, name);

	if (!type)
		return json_fail(error, place, "the message %s is not in the schema", name);
	if (has_own_form(name))
		return json_fail(error, place, "%s is not translated to JSON", name);
	if (place->depth == WAT_DEPTH_MAX)
		return json_fail(error, place,
				 "expected messages at most %u deep, got a deeper one",
				 WAT_DEPTH_MAX);
	place->depth++;
	*ret_type = type;
	return 0;
}

bool json_is_repeated(const json_field *field)
{
	return field->label == LABEL_REPEATED;
}

bool json_has_presence(const struct schema_type *type, const json_field *field)
{
	if (field->type == JSON_TYPE(MESSAGE) || field->has_oneof_index)
		return true;
	return !type->is_proto3 && !schema_is_map_entry(type->message);
}

const struct schema_type *json_map_entry(const struct schema *schema, const json_field *field)
{
	const struct schema_type *type;

	if (!json_is_repeated(field) || field->type != JSON_TYPE(MESSAGE))
		return NULL;
	type = schema_type(schema, field->type_name + 1);
	return type && schema_is_map_entry(type->message) ? type : NULL;
}
