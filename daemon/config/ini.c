/* ini.c - the line reader in front of inih. What it hands on are lines that inih can only read as
 * one pair each; everything else is said here, with its line. */
#include "daemon/config/ini.h"

#include <ini.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/utf8.h"

static const char blanks[] = " \t";

struct reader {
	const char *at, *end;
	struct place place;
	const struct ini_visitor *visitor;
	void *arg;
	struct problems *problems;
};

static bool refuse(struct reader *reader, const char *what)
{
	problems_add(reader->problems, &reader->place, "%s", what);
	return false;
}

/* Control characters would end up in paths, and in the log. A tab is a blank. */
static bool is_text(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return false;
	return utf8_is_text((const uint8_t *)line, n);
}

/* inih takes what follows for a comment, and others would take # for one. */
static bool has_comment(const char *line)
{
	for (const char *at = line; (at = strpbrk(at, blanks)); at++)
		if (at[1] == ';' || at[1] == '#')
			return true;
	return false;
}

static size_t trimmed(const char *text, size_t n)
{
	while (n > 0 && strchr(blanks, text[n - 1]))
		n--;
	return n;
}

static void visit_section(struct reader *reader, char *line)
{
	char *close = strchr(line, ']'), *word, *name;

	if (!close || close[1]) {
		problems_add(reader->problems, &reader->place,
			     "%.80s: expected [section] and nothing behind it", line);
		return;
	}
	*close = '\0';
	word = line + 1 + strspn(line + 1, blanks);
	word[trimmed(word, strlen(word))] = '\0';
	name = word + strcspn(word, blanks);
	if (*name) {
		*name++ = '\0';
		name += strspn(name, blanks);
	}
	reader->visitor->section(reader->arg, &reader->place, word, name);
}

/* key = value, where inih would also take a colon. */
static bool is_pair(struct reader *reader, const char *line, size_t n)
{
	const char *equals = strpbrk(line, "=:");

	if (!equals || *equals == ':' || equals == line) {
		problems_add(reader->problems, &reader->place,
			     "%.80s: expected [section] or key = value", line);
		return false;
	}
	if (!equals[1 + strspn(equals + 1, blanks)]) {
		problems_add(reader->problems, &reader->place, "expected a value for %.*s",
			     (int)trimmed(line, (size_t)(equals - line)), line);
		return false;
	}
	if (line[n - 1] == '\\')
		return refuse(reader, "expected the value on one line, got a \\ at its end");
	return true;
}

/* The line is terminated and has no blanks at its end. True: inih shall see it. */
static bool take_line(struct reader *reader, char *line, size_t n)
{
	const char *first = line + strspn(line, blanks);

	if (!is_text(line, n))
		return refuse(reader, "expected text in UTF-8 without control characters");
	if (!*first || *first == '#' || *first == ';')
		return false;
	if (first != line)
		return refuse(reader, "expected no white space before a key; a value has one line");
	if (has_comment(line))
		return refuse(reader, "expected a comment on a line of its own, got one after a "
				      "value");
	if (*line != '[')
		return is_pair(reader, line, n);
	visit_section(reader, line);
	return false;
}

/* The next line without its end; inih's own room for a line is the limit. */
static char *read_line(char *line, int size, void *stream)
{
	struct reader *reader = stream;
	const char *start = reader->at;
	size_t left = (size_t)(reader->end - start), n, max = (size_t)size - 2;
	const char *newline = memchr(start, '\n', left);

	if (left == 0)
		return NULL;
	n = newline ? (size_t)(newline - start) : left;
	reader->at = newline ? newline + 1 : reader->end;
	reader->place.line++;
	line[0] = '\0';
	if (memchr(start, '\0', n)) {
		(void)refuse(reader, "expected text, got a NUL byte");
		return line;
	}
	if (n > 0 && start[n - 1] == '\r')
		n--;
	n = trimmed(start, n);
	if (n > max) {
		problems_add(reader->problems, &reader->place,
			     "a line of %zu bytes, expected at most %zu", n, max);
	} else {
		memcpy(line, start, n);
		line[n] = '\0';
		if (!take_line(reader, line, n))
			line[0] = '\0';
	}
	return line;
}

static int on_pair(void *user, const char *section, const char *key, const char *value)
{
	struct reader *reader = user;

	(void)section;
	reader->visitor->pair(reader->arg, &reader->place, key, value);
	return 1;
}

void ini_read(const char *text,
	      size_t n,
	      const char *file,
	      const struct ini_visitor *visitor,
	      void *arg,
	      struct problems *problems)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
	struct reader reader = {
		.at = text,
		.end = text + n,
		.place = {.file = file},
		.visitor = visitor,
		.arg = arg,
		.problems = problems,
	};
	int line;

	if (n >= 3 && memcmp(text, mark, 3) == 0)
		reader.at += 3;
	line = ini_parse_stream(read_line, &reader, on_pair, &reader);
	/* Ours takes less than inih does, so this does not happen; but not silently. */
	if (line != 0) {
		reader.place.line = line > 0 ? (unsigned)line : 0;
		(void)refuse(&reader, "this can't be read");
	}
}
