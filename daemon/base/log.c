/* log.c - one line per event on stderr. Any thread; the line is put together on the caller's stack.
 */
#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/clock.h"

#define LINE_MAX_BYTES 4096
#define PAIRS_MAX 16u

static enum log_format current_format = LOG_FORMAT_TEXT;
static _Atomic int current_level = LOG_LEVEL_INFO;
static _Thread_local const char *current_instance;

struct line {
	char bytes[LINE_MAX_BYTES];
	size_t n;
};

/* $JOURNAL_STREAM is device:inode of what the service manager connected to the journal. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_setup(enum log_format format, int max_level)
{
	if (format == LOG_FORMAT_TEXT && stderr_is_journal())
		format = LOG_FORMAT_CHILD;
	current_format = format;
	log_set_level(max_level);
}

void log_set_level(int max_level)
{
	atomic_store(&current_level, max_level);
}

void log_set_instance(const char *name)
{
	current_instance = name;
}

static const struct {
	int level;
	const char *name;
} levels[] = {
	{LOG_LEVEL_ERROR, "error"},
	{LOG_LEVEL_WARNING, "warning"},
	{LOG_LEVEL_INFO, "info"},
	{LOG_LEVEL_DEBUG, "debug"},
};

int log_level_from_name(const char *name)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	return -1;
}

int log_level(void)
{
	return atomic_load(&current_level);
}

const char *log_level_name(int level)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (levels[i].level >= level)
			return levels[i].name;
	return "debug";
}

/* Keeps two bytes free for the closing brace and the newline. */
static void put(struct line *line, const char *bytes, size_t n)
{
	size_t room = sizeof line->bytes - 2 - line->n;

	if (n > room)
		n = room;
	memcpy(line->bytes + line->n, bytes, n);
	line->n += n;
}

static void put_string(struct line *line, const char *string)
{
	put(line, string, strlen(string));
}

/* Control characters would forge lines. Bytes over 127 pass as they are. */
static void put_escaped(struct line *line, const char *string)
{
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;
		char escaped[8];

		if (c == '"' || c == '\\')
			(void)snprintf(escaped, sizeof escaped, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			(void)snprintf(escaped, sizeof escaped, "\\u%04x", c);
		else
			(void)snprintf(escaped, sizeof escaped, "%c", c);
		/* An escape is whole or absent. */
		if (strlen(escaped) > sizeof line->bytes - 4 - line->n)
			return;
		put_string(line, escaped);
	}
}

static void put_plain(struct line *line, const char *string)
{
	for (; *string; string++)
		put(line, (unsigned char)*string < 0x20 || *string == 0x7f ? " " : string, 1);
}

static bool needs_quotes(const char *value)
{
	return !*value || strpbrk(value, " \"\\=\t\n\r") != NULL;
}

static void put_value(struct line *line, const char *value)
{
	if (!needs_quotes(value)) {
		put_plain(line, value);
		return;
	}
	put_string(line, "\"");
	put_escaped(line, value);
	put_string(line, "\"");
}

static bool is_said(const struct log_pair *pair)
{
	return current_instance && pair->value && strcmp(pair->key, "instance") == 0 &&
	       strcmp(pair->value, current_instance) == 0;
}

static void put_pair(struct line *line, const struct log_pair *pair)
{
	put_string(line, " ");
	put_string(line, pair->key);
	put_string(line, "=");
	put_value(line, pair->value ? pair->value : "");
}

static void put_text_line(struct line *line,
			  int level,
			  const char *text,
			  const struct log_pair *pairs,
			  size_t n)
{
	const struct log_pair about = {"instance", current_instance};
	bool is_child = current_format == LOG_FORMAT_CHILD;
	char prefix[96];

	if (is_child && current_instance)
		(void)snprintf(prefix, sizeof prefix, "<%d %s>", level, current_instance);
	else if (is_child)
		(void)snprintf(prefix, sizeof prefix, "<%d>", level);
	else
		(void)snprintf(prefix, sizeof prefix, "%s: ", log_level_name(level));
	put_string(line, prefix);
	put_plain(line, text);
	if (!is_child && current_instance)
		put_pair(line, &about);
	for (size_t i = 0; i < n; i++)
		if (!is_said(&pairs[i]))
			put_pair(line, &pairs[i]);
}

static void put_json_pair(struct line *line, const struct log_pair *pair)
{
	if (strlen(pair->key) + 8 > sizeof line->bytes - line->n)
		return;
	put_string(line, ",\"");
	put_string(line, pair->key);
	put_string(line, "\":\"");
	put_escaped(line, pair->value ? pair->value : "");
	put_string(line, "\"");
}

static void put_json_line(struct line *line,
			  int level,
			  const char *text,
			  const struct log_pair *pairs,
			  size_t n)
{
	const struct log_pair about = {"instance", current_instance};
	char start[96];

	(void)snprintf(start, sizeof start, "{\"time_ms\":%llu,\"level\":\"%s\",\"text\":\"",
		       (unsigned long long)clock_unix_ms(), log_level_name(level));
	put_string(line, start);
	put_escaped(line, text);
	put_string(line, "\"");
	if (current_instance)
		put_json_pair(line, &about);
	for (size_t i = 0; i < n; i++)
		if (!is_said(&pairs[i]))
			put_json_pair(line, &pairs[i]);
	line->bytes[line->n++] = '}';
}

void log_write_pairs(int level, const char *text, const struct log_pair *pairs, size_t n)
{
	struct line line;

	if (level > atomic_load(&current_level))
		return;
	line.n = 0;
	if (current_format == LOG_FORMAT_JSON)
		put_json_line(&line, level, text, pairs, n);
	else
		put_text_line(&line, level, text, pairs, n);
	line.bytes[line.n++] = '\n';
	/* There is nowhere to report a log that can't be written. */
	if (write(STDERR_FILENO, line.bytes, line.n) < 0)
		return;
}

void log_write(int level, const char *text, ...)
{
	struct log_pair pairs[PAIRS_MAX];
	size_t n = 0;
	va_list arguments;
	const char *key;

	if (level > atomic_load(&current_level))
		return;
	va_start(arguments, text);
	while (n < PAIRS_MAX && (key = va_arg(arguments, const char *)))
		pairs[n++] = (struct log_pair){key, va_arg(arguments, const char *)};
	va_end(arguments);
	log_write_pairs(level, text, pairs, n);
}
