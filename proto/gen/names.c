/* names.c - C names from names in a .proto. Pure. */
#include "proto/gen/names.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *pointer)
{
	if (!pointer) {
		fputs("protoc-gen-wat: no memory\n", stderr);
		exit(1);
	}
	return pointer;
}

char *name_format(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return must(text);
}

static bool upper(char c)
{
	return isupper((unsigned char)c);
}

static char to_lower(char c)
{
	return (char)tolower((unsigned char)c);
}

static char to_upper(char c)
{
	return (char)toupper((unsigned char)c);
}

/* A word begins at a capital after a small letter or digit, and at the last capital of a run. */
static bool begins_word(const char *name, size_t i)
{
	if (i == 0 || !upper(name[i]) || name[i - 1] == '_' || name[i - 1] == '.')
		return false;
	return !upper(name[i - 1]) || (name[i + 1] && islower((unsigned char)name[i + 1]));
}

char *name_snake(const char *name)
{
	char *out = must(malloc(2 * strlen(name) + 1)), *at = out;

	for (size_t i = 0; name[i]; i++) {
		if (begins_word(name, i))
			*at++ = '_';
		*at++ = name[i] == '.' ? '_' : to_lower(name[i]);
	}
	*at = '\0';
	return out;
}

char *name_upper(const char *name)
{
	char *out = name_snake(name);

	for (char *c = out; *c; c++)
		*c = to_upper(*c);
	return out;
}

char *name_pbc_type(const char *full)
{
	char *out = must(malloc(2 * strlen(full) + 1)), *at = out;
	bool next_upper = true;

	for (; *full; full++) {
		if (*full == '.') {
			*at++ = '_';
			*at++ = '_';
			next_upper = true;
		} else if (*full == '_') {
			next_upper = true;
		} else {
			*at++ = next_upper ? to_upper(*full) : *full;
			next_upper = false;
		}
	}
	*at = '\0';
	return out;
}

static char *pbc_cased(const char *full, char (*cased)(char))
{
	char *out = must(malloc(2 * strlen(full) + 1)), *at = out;
	bool was_upper = true;

	for (; *full; full++) {
		if (*full == '.') {
			*at++ = '_';
			*at++ = '_';
			was_upper = true;
			continue;
		}
		if (upper(*full) && !was_upper)
			*at++ = '_';
		*at++ = cased(*full);
		was_upper = upper(*full);
	}
	*at = '\0';
	return out;
}

char *name_pbc_lower(const char *full)
{
	return pbc_cased(full, to_lower);
}

char *name_pbc_upper(const char *full)
{
	return pbc_cased(full, to_upper);
}

static bool is_version(const char *part, size_t n)
{
	if (n < 2 || part[0] != 'v')
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isdigit((unsigned char)part[i]))
			return false;
	return true;
}

char *name_prefix(const char *package)
{
	const char *end = package + strlen(package);

	while (end > package) {
		const char *start = end;

		while (start > package && start[-1] != '.')
			start--;
		if (!is_version(start, (size_t)(end - start))) {
			char *part = must(strndup(start, (size_t)(end - start)));
			char *prefix = name_snake(part);

			free(part);
			return prefix;
		}
		end = start > package ? start - 1 : package;
	}
	return NULL;
}

char *name_stem(const char *file)
{
	size_t n = strlen(file);

	if (n > 6 && strcmp(file + n - 6, ".proto") == 0)
		n -= 6;
	return must(strndup(file, n));
}

bool name_is_keyword(const char *name)
{
	static const char *const keywords[] = {
		"auto",  "break",    "case",   "char",     "const",  "continue", "default",
		"do",    "double",   "else",   "enum",     "extern", "float",    "for",
		"goto",  "if",       "inline", "int",      "long",   "register", "return",
		"short", "signed",   "sizeof", "static",   "struct", "switch",   "typedef",
		"union", "unsigned", "void",   "volatile", "while",
	};

	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (strcmp(keywords[i], name) == 0)
			return true;
	return false;
}

static bool is_word_char(char c, bool first)
{
	return c == '_' || (first ? isalpha((unsigned char)c) : isalnum((unsigned char)c));
}

bool name_is_word(const char *name)
{
	if (!*name)
		return false;
	for (const char *c = name; *c; c++)
		if (!is_word_char(*c, c == name))
			return false;
	return true;
}

bool name_is_prefix(const char *name)
{
	if (*name < 'a' || *name > 'z')
		return false;
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !isdigit((unsigned char)*name) &&
		    *name != '_')
			return false;
	return true;
}

bool name_is_identifier(const char *name)
{
	return name_is_word(name) && !name_is_keyword(name);
}

bool name_is_path(const char *name)
{
	bool inside = false; /* of a word */

	for (; *name; name++) {
		if (*name == '.' && !inside)
			return false;
		if (*name != '.' && !is_word_char(*name, !inside))
			return false;
		inside = *name != '.';
	}
	return inside;
}
