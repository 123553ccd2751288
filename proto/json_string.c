/* json_string.c - strings of JSON. Pure. The text around is UTF-8 already. */
#include "proto/json_private.h"

#include <errno.h>
#include <string.h>

/* The end of the string, before its closing quote; NULL: there is none. */
static const char *find_end(const char *at, const char *end)
{
	while (at < end && *at != '"')
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	return at < end ? at : NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Of \uXXXX; -1: it is none. */
static int read_unit(const char *at, const char *end)
{
	int unit = 0;

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static size_t put_character(char *to, unsigned code)
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | code >> 18);
	to[1] = (char)(0x80 | (code >> 12 & 0x3f));
	to[2] = (char)(0x80 | (code >> 6 & 0x3f));
	to[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* One of \uXXXX, or two that are a pair. Bytes read; 0: *ret_why says what is wrong. */
static size_t read_unicode(const char *at,
			   const char *end,
			   unsigned *ret_code,
			   const char **ret_why)
{
	int unit = read_unit(at, end), low;

	*ret_why = "expected four hexadecimal digits behind \\u";
	if (unit < 0)
		return 0;
	*ret_code = (unsigned)unit;
	*ret_why = "a string cannot hold U+0000";
	if (unit == 0)
		return 0;
	if (unit < 0xd800 || unit > 0xdfff)
		return 6;
	low = unit < 0xdc00 ? read_unit(at + 6, end) : -1;
	*ret_why = "half of a surrogate pair";
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*ret_code = 0x10000u + ((unsigned)unit - 0xd800u) * 0x400u + (unsigned)low - 0xdc00u;
	return 12;
}

/* At a backslash, behind which there is a character. */
static size_t read_escape(const char *at, const char *end, unsigned *ret_code, const char **ret_why)
{
	static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
	const char *found = strchr(names, at[1]);

	if (at[1] == 'u')
		return read_unicode(at, end, ret_code, ret_why);
	*ret_why = "expected \\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t or \\u";
	if (!found)
		return 0;
	*ret_code = (unsigned char)codes[found - names];
	return 2;
}

/* From the quotes, to at least as many bytes; *ret_end is behind the last. */
static int copy(struct json_parser *parser,
		const struct json_place *place,
		const char *from,
		const char *end,
		char *to,
		char **ret_end)
{
	while (from < end) {
		const char *why = NULL;
		unsigned code = 0;
		size_t n;

		if (*from != '\\' && (unsigned char)*from >= 0x20) {
			*to++ = *from++;
			continue;
		}
		if (*from != '\\')
			return json_parse_fail(parser, place, from,
					       "a control character; it must be written as \\u");
		n = read_escape(from, end, &code, &why);
		if (n == 0)
			return json_parse_fail(parser, place, from, "%s", why);
		to += put_character(to, code);
		from += n;
	}
	*ret_end = to;
	return 0;
}

int json_parse_string(struct json_parser *parser,
		      const struct json_place *place,
		      const char **ret_text,
		      size_t *ret_n)
{
	const char *start = parser->at + 1, *end = find_end(start, parser->end);
	char *text, *text_end = NULL;
	int r;

	if (!end)
		return json_parse_fail(parser, place, parser->end,
				       "expected the end of a string, got the end of the text");
	text = arena_alloc(parser->arena, (size_t)(end - start) + 1);
	if (!text)
		return -ENOMEM;
	r = copy(parser, place, start, end, text, &text_end);
	if (r < 0)
		return r;
	parser->at = end + 1;
	*ret_text = text;
	*ret_n = (size_t)(text_end - text);
	return 0;
}
