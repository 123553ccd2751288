/* json_parse.c - JSON text, RFC 8259, into values. Pure; recursion is bounded by DEPTH_MAX. Our own
 * and not jansson's, which has no number that holds every uint64, and no path to where a text
 * breaks. */
#include "proto/json_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/utf8.h"

/* A message may hold a list or a map, whose elements are messages. */
#define DEPTH_MAX (3u * WAT_DEPTH_MAX)
/* What a value takes at most for each byte of its text: [0,0,0]. */
#define MEMORY_PER_BYTE 64u
#define MEMORY_MIN 65536u

int json_parse_fail(const struct json_parser *parser,
		    const struct json_place *place,
		    const char *at,
		    const char *format,
		    ...)
{
	unsigned line = 1, column = 1;
	char text[200];
	va_list arguments;

	for (const char *c = parser->start; c < at; c++) {
		/* Characters, not bytes. */
		column += ((unsigned char)*c & 0xc0) != 0x80;
		if (*c == '\n') {
			line++;
			column = 1;
		}
	}
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return json_fail(parser->error, place, "line %u, column %u: %s", line, column, text);
}

static void skip_blanks(struct json_parser *parser)
{
	while (parser->at < parser->end && memchr(" \t\r\n", *parser->at, 4))
		parser->at++;
}

static bool is_at(const struct json_parser *parser, char c)
{
	return parser->at < parser->end && *parser->at == c;
}

static int refuse_here(const struct json_parser *parser,
		       const struct json_place *place,
		       const char *expected)
{
	if (parser->at == parser->end)
		return json_parse_fail(parser, place, parser->at,
				       "expected %s, got the end of the text", expected);
	if ((unsigned char)*parser->at < 0x20 || (unsigned char)*parser->at >= 0x7f)
		return json_parse_fail(parser, place, parser->at,
				       "expected %s, got another character", expected);
	return json_parse_fail(parser, place, parser->at, "expected %s, got %c", expected,
			       *parser->at);
}

static int parse_value(struct json_parser *parser,
		       const struct json_place *place,
		       struct json_value *ret);

/* Of a list or an object, one more; NULL when memory is out. */
static struct json_value *append(struct json_parser *parser,
				 struct json_value *to,
				 struct json_value **last)
{
	struct json_value *value = arena_alloc(parser->arena, sizeof *value);

	if (!value)
		return NULL;
	if (*last)
		(*last)->next = value;
	else
		to->first = value;
	*last = value;
	to->n_elements++;
	return value;
}

/* Behind an element: true, and there is another one; *ret_r is 0 then, and at the end. */
static bool has_more(struct json_parser *parser,
		     const struct json_place *place,
		     char end,
		     const char *expected,
		     int *ret_r)
{
	skip_blanks(parser);
	*ret_r = 0;
	if (is_at(parser, ',')) {
		parser->at++;
		skip_blanks(parser);
		return true;
	}
	if (is_at(parser, end))
		parser->at++;
	else
		*ret_r = refuse_here(parser, place, expected);
	return false;
}

/* False: it is empty, and was read. */
static bool enter(struct json_parser *parser, char end)
{
	parser->at++;
	skip_blanks(parser);
	if (!is_at(parser, end))
		return true;
	parser->at++;
	return false;
}

static int parse_list(struct json_parser *parser,
		      const struct json_place *place,
		      struct json_value *list)
{
	struct json_value *last = NULL;
	int r = 0;

	if (!enter(parser, ']'))
		return 0;
	do {
		struct json_place here = json_place_index(place, list->n_elements);
		struct json_value *value = append(parser, list, &last);

		if (!value)
			return -ENOMEM;
		r = parse_value(parser, &here, value);
		if (r < 0)
			return r;
	} while (has_more(parser, place, ']', "a comma or the end of the list", &r));
	return r;
}

static int parse_member(struct json_parser *parser,
			const struct json_place *place,
			struct json_value *member)
{
	struct json_place here;
	size_t n;
	int r;

	if (!is_at(parser, '"'))
		return refuse_here(parser, place, "the name of a field in quotes");
	member->at = parser->at;
	r = json_parse_string(parser, place, &member->key, &n);
	if (r < 0)
		return r;
	here = json_place_field(place, member->key);
	skip_blanks(parser);
	if (!is_at(parser, ':'))
		return refuse_here(parser, &here, "a colon");
	parser->at++;
	skip_blanks(parser);
	return parse_value(parser, &here, member);
}

static int compare(const void *a, const void *b)
{
	const struct json_value *const *first = a, *const *second = b;
	int r = strcmp((*first)->key, (*second)->key);

	return r != 0 ? r : ((*first)->at > (*second)->at) - ((*first)->at < (*second)->at);
}

/* Sorts them for json_member, and refuses doubles. */
static int index_members(struct json_parser *parser,
			 const struct json_place *place,
			 struct json_value *object)
{
	size_t n = 0;

	object->members = arena_alloc(parser->arena, object->n_elements * sizeof(void *));
	if (!object->members)
		return -ENOMEM;
	for (const struct json_value *member = object->first; member; member = member->next)
		object->members[n++] = member;
	qsort(object->members, n, sizeof(void *), compare);
	for (size_t i = 1; i < n; i++) {
		const struct json_value *member = object->members[i];
		struct json_place here = json_place_field(place, member->key);

		if (strcmp(object->members[i - 1]->key, member->key) == 0)
			return json_parse_fail(parser, &here, member->at,
					       "the field is there twice");
	}
	return 0;
}

static int parse_object(struct json_parser *parser,
			const struct json_place *place,
			struct json_value *object)
{
	struct json_value *last = NULL;
	int r = 0;

	if (!enter(parser, '}'))
		return 0;
	do {
		struct json_value *member = append(parser, object, &last);

		if (!member)
			return -ENOMEM;
		r = parse_member(parser, place, member);
		if (r < 0)
			return r;
	} while (has_more(parser, place, '}', "a comma or the end of the object", &r));
	return r < 0 ? r : index_members(parser, place, object);
}

static int parse_number(struct json_parser *parser,
			const struct json_place *place,
			struct json_value *ret)
{
	ret->text = parser->at;
	ret->n = json_number_length(parser->at, (size_t)(parser->end - parser->at));
	if (ret->n == 0)
		return json_parse_fail(parser, place, parser->at, "expected a number, got none");
	parser->at += ret->n;
	return 0;
}

static int parse_word(struct json_parser *parser,
		      const struct json_place *place,
		      struct json_value *ret)
{
	static const struct {
		const char *word;
		enum json_what what;
	} words[] = {
		{"null", JSON_IS_NULL},
		{"true", JSON_IS_TRUE},
		{"false", JSON_IS_FALSE},
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i].word);

		if ((size_t)(parser->end - parser->at) < n ||
		    memcmp(parser->at, words[i].word, n) != 0)
			continue;
		ret->what = words[i].what;
		parser->at += n;
		return 0;
	}
	return refuse_here(parser, place, "a value");
}

static int parse_nested(struct json_parser *parser,
			const struct json_place *place,
			struct json_value *ret)
{
	int r;

	if (parser->depth == DEPTH_MAX)
		return json_parse_fail(
			parser, place, parser->at,
			"expected lists and objects at most %u deep, got a deeper one", DEPTH_MAX);
	parser->depth++;
	r = ret->what == JSON_IS_LIST ? parse_list(parser, place, ret)
				      : parse_object(parser, place, ret);
	parser->depth--;
	return r;
}

static int parse_value(struct json_parser *parser,
		       const struct json_place *place,
		       struct json_value *ret)
{
	char c = parser->at < parser->end ? *parser->at : '\0';

	if (c == '{' || c == '[') {
		ret->what = c == '{' ? JSON_IS_OBJECT : JSON_IS_LIST;
		return parse_nested(parser, place, ret);
	}
	if (c == '"') {
		ret->what = JSON_IS_STRING;
		return json_parse_string(parser, place, &ret->text, &ret->n);
	}
	if (c == '-' || (c >= '0' && c <= '9')) {
		ret->what = JSON_IS_NUMBER;
		return parse_number(parser, place, ret);
	}
	return parse_word(parser, place, ret);
}

static int refuse_bytes(const struct json_parser *parser, size_t n_good)
{
	struct json_place here = {0};

	return json_parse_fail(parser, &here, parser->start + n_good,
			       "expected UTF-8 without U+0000, got other bytes");
}

int json_parse(const char *text,
	       size_t n,
	       struct arena *arena,
	       struct json_error *error,
	       struct json_value *ret_value)
{
	struct json_parser parser = {
		.start = text, .at = text, .end = text + n, .arena = arena, .error = error};
	struct json_place here = {0};
	size_t n_good = utf8_prefix((const uint8_t *)text, n);
	int r;

	*ret_value = (struct json_value){0};
	if (n > SIZE_MAX / MEMORY_PER_BYTE - MEMORY_MIN)
		return -ENOMEM;
	arena_init(arena, MEMORY_MIN + MEMORY_PER_BYTE * n);
	if (n_good < n)
		return refuse_bytes(&parser, n_good);
	skip_blanks(&parser);
	r = parse_value(&parser, &here, ret_value);
	if (r < 0)
		return r;
	skip_blanks(&parser);
	return parser.at == parser.end ? 0 : refuse_here(&parser, &here, "the end of the text");
}

const struct json_value *json_member(const struct json_value *object, const char *key)
{
	size_t low = 0, high = object->members ? object->n_elements : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(key, object->members[middle]->key);

		if (order == 0)
			return object->members[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *json_kind(const struct json_value *value)
{
	switch (value->what) {
	case JSON_IS_OBJECT:
		return "an object";
	case JSON_IS_LIST:
		return "a list";
	case JSON_IS_STRING:
		return "a string";
	case JSON_IS_NUMBER:
		return memchr(value->text, '.', value->n) ? "a number with a fraction" : "a number";
	case JSON_IS_TRUE:
		return "true";
	case JSON_IS_FALSE:
		return "false";
	case JSON_IS_NULL:
		return "null";
	}
	return "something else";
}
