/* json_print.c - JSON text. Pure. Our own and not jansson's for the sake of the shortest numbers
 * (0.1, not 0.10000000000000001) and so that no control character of a service reaches a terminal.
 */
#include "proto/json_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct json_buffer *out, const char *text)
{
	json_buffer_put(out, text, strlen(text));
}

/* C0, C1 and DEL, and the line separators that are not allowed in JavaScript's strings. Returns the
 * character's bytes, 0 if it goes out as it is. */
static size_t control(const unsigned char *at, size_t n, unsigned *ret_code)
{
	*ret_code = at[0];
	if (at[0] < 0x20 || at[0] == 0x7f)
		return 1;
	*ret_code = n > 1 ? at[1] : 0;
	if (n > 1 && at[0] == 0xc2 && at[1] < 0xa0)
		return 2;
	*ret_code = n > 2 ? 0x2000u + (at[2] & 0x3fu) : 0;
	return n > 2 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] & 0xfe) == 0xa8 ? 3 : 0;
}

static void put_escape(struct json_buffer *out, unsigned code)
{
	static const char letters[] = "btnvfr";
	char text[8];

	if (code >= '\b' && code <= '\r' && code != '\v')
		(void)snprintf(text, sizeof text, "\\%c", letters[code - '\b']);
	else
		(void)snprintf(text, sizeof text, "\\u%04x", code & 0xffffu);
	put(out, text);
}

static void put_string(struct json_buffer *out, const char *text, size_t n)
{
	put(out, "\"");
	for (size_t i = 0; i < n;) {
		unsigned code;
		size_t length = control((const unsigned char *)text + i, n - i, &code);

		if (length > 0) {
			put_escape(out, code);
			i += length;
			continue;
		}
		if (text[i] == '"' || text[i] == '\\')
			put(out, "\\");
		json_buffer_put(out, &text[i++], 1);
	}
	put(out, "\"");
}

static void put_real(struct json_buffer *out, double real)
{
	char text[48], *point;

	/* As an integer it would lose its sign in many a reader. */
	if (real == 0 && signbit(real)) {
		put(out, "-0.0");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, real);
		if (strtod(text, NULL) == real)
			break;
	}
	/* Some locales write it so. */
	point = strchr(text, ',');
	if (point)
		*point = '.';
	put(out, text);
}

static void put_value(struct json_buffer *out, const json_t *json);

static void put_array(struct json_buffer *out, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		put(out, i ? "," : "[");
		put_value(out, json_array_get(array, i));
	}
	put(out, json_array_size(array) ? "]" : "[]");
}

static void put_object(struct json_buffer *out, json_t *object)
{
	const char *key, *separator = "{";
	json_t *value;

	json_object_foreach(object, key, value)
	{
		put(out, separator);
		put_string(out, key, strlen(key));
		put(out, ":");
		put_value(out, value);
		separator = ",";
	}
	put(out, json_object_size(object) ? "}" : "{}");
}

/* Recursive; as deep as messages nest. */
static void put_value(struct json_buffer *out, const json_t *json)
{
	char text[32];

	switch (json_typeof(json)) {
	case JSON_OBJECT:
		put_object(out, (json_t *)(uintptr_t)json);
		break;
	case JSON_ARRAY:
		put_array(out, json);
		break;
	case JSON_STRING:
		put_string(out, json_string_value(json), json_string_length(json));
		break;
	case JSON_INTEGER:
		(void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT,
			       json_integer_value(json));
		put(out, text);
		break;
	case JSON_REAL:
		put_real(out, json_real_value(json));
		break;
	case JSON_TRUE:
		put(out, "true");
		break;
	case JSON_FALSE:
		put(out, "false");
		break;
	case JSON_NULL:
		put(out, "null");
		break;
	}
}

int json_print(const json_t *json, char **ret_text)
{
	struct json_buffer out = {0};

	put_value(&out, json);
	json_buffer_put(&out, "", 1);
	if (out.failed) {
		free(out.data);
		return -ENOMEM;
	}
	*ret_text = (char *)out.data;
	return 0;
}
