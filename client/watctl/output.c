/* output.c - stdout: JSON documents, tables, fields. Owns nothing. */
#include "client/watctl/output.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/watctl/terminal.h"
#include "proto/support/cleanup.h"

#define NARROW 8u /* columns: no narrower where a table does not fit */

void output_json(const json_t *document)
{
	(void)json_dumpf(document, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	(void)putchar('\n');
}

/* C0, DEL, and the C1 controls as UTF-8 has them (0xc2 and a byte below 0xa0). */
static bool is_control(const unsigned char *at)
{
	return *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}

void output_text(FILE *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (!is_control(at)) {
			(void)fputc(*at, out);
			continue;
		}
		fprintf(out, "\\x%02x", *at);
		if (*at == 0xc2)
			fprintf(out, "\\x%02x", *++at);
	}
}

/* A value as it is shown; "" when there is none. Heap; NULL when memory is out. */
static char *cell_text(const json_t *value)
{
	char number[32] = "";
	const char *text = number;
	char *shown = NULL;
	size_t n;
	FILE *out;

	if (json_is_string(value))
		text = json_string_value(value);
	else if (json_is_integer(value))
		(void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
			       json_integer_value(value));
	else if (json_is_boolean(value))
		text = json_is_true(value) ? "yes" : "no";
	out = open_memstream(&shown, &n);
	if (!out)
		return NULL;
	output_text(out, text);
	(void)fclose(out);
	return shown;
}

static const char *title(const struct output_column *column)
{
	return column->title ? column->title : column->key;
}

/* What a word means at a glance. */
static enum terminal_tone tone_of(const char *key, const char *text)
{
	static const struct {
		const char *key, *text;
		enum terminal_tone tone;
	} tones[] = {
		{"state", "ready", TERMINAL_GOOD},      {"state", "failed", TERMINAL_BAD},
		{"state", "backoff", TERMINAL_UNSURE},  {"state", "starting", TERMINAL_UNSURE},
		{"state", "stopping", TERMINAL_UNSURE}, {"kind", "deny", TERMINAL_UNSURE},
		{"kind", "overload", TERMINAL_UNSURE},  {"kind", "death", TERMINAL_BAD},
		{"kind", "failed", TERMINAL_BAD},       {"kind", "rebuilt", TERMINAL_BAD},
		{"kind", "start-failed", TERMINAL_BAD}, {"kind", "kill", TERMINAL_UNSURE},
		{"kind", "quarantine", TERMINAL_BAD},   {"state", "quarantined", TERMINAL_BAD},
	};

	for (size_t i = 0; i < sizeof tones / sizeof tones[0]; i++)
		if (strcmp(tones[i].key, key) == 0 && strcmp(tones[i].text, text) == 0)
			return tones[i].tone;
	return TERMINAL_PLAIN;
}

/* Cells of a line that is being printed: blanks are owed until something follows them. */
struct line {
	size_t owed;
};

static void print_cut(const char *text, size_t width, enum terminal_tone tone)
{
	const char *ellipsis = terminal_ellipsis();
	bool cut = terminal_width(text) > width;
	size_t end = terminal_width(ellipsis);
	size_t n = terminal_fit(text, cut && width > end ? width - end : width);

	if (tone != TERMINAL_PLAIN)
		terminal_colour(stdout, tone);
	(void)fwrite(text, 1, n, stdout);
	if (cut && width > end)
		(void)fputs(ellipsis, stdout);
	if (tone != TERMINAL_PLAIN)
		terminal_plain(stdout);
}

static void print_cell(struct line *line,
		       const char *text,
		       size_t width,
		       bool right,
		       enum terminal_tone tone)
{
	size_t n = terminal_width(text), pad = width > n ? width - n : 0;

	if (width == 0)
		return;
	line->owed += right ? pad : 0;
	if (n > 0) {
		printf("%*s", (int)line->owed, "");
		print_cut(text, width, tone);
		line->owed = 0;
	}
	line->owed += 2 + (right ? 0 : pad);
}

static void print_titles(const json_t *rows,
			 const struct output_column *columns,
			 size_t n_columns,
			 const size_t *widths)
{
	const json_t *first = json_array_get(rows, 0);
	struct line line = {0};

	for (size_t c = 0; c < n_columns; c++)
		print_cell(&line, title(&columns[c]), widths[c],
			   json_is_integer(json_object_get(first, columns[c].key)), TERMINAL_TITLE);
	(void)putchar('\n');
}

void output_row(const json_t *row,
		const struct output_column *columns,
		size_t n_columns,
		const size_t *widths)
{
	struct line line = {0};

	for (size_t c = 0; c < n_columns; c++) {
		const json_t *value = json_object_get(row, columns[c].key);
		_cleanup_(freep) char *text = cell_text(value);

		if (text)
			print_cell(&line, text, widths[c], json_is_integer(value),
				   tone_of(columns[c].key, text));
	}
	(void)putchar('\n');
}

/* 0: nothing stands in it, not even a title. */
static size_t column_width(const json_t *rows, const struct output_column *column)
{
	size_t width = terminal_width(title(column)), i;
	const json_t *row;

	json_array_foreach(rows, i, row)
	{
		_cleanup_(freep) char *text = cell_text(json_object_get(row, column->key));
		size_t n = text ? terminal_width(text) : 0;

		if (n > width)
			width = n;
	}
	return width;
}

static size_t line_width(const size_t *widths, size_t n)
{
	size_t width = 0;

	for (size_t c = 0; c < n; c++)
		width += widths[c] + (widths[c] > 0 && width > 0 ? 2 : 0);
	return width;
}

/* A time without its end says little. */
static bool may_be_cut(const struct output_column *column, size_t width)
{
	return width > NARROW && width > terminal_width(title(column)) &&
	       strcmp(column->key, "time") != 0;
}

/* The widest column that may be narrower; n: none. */
static size_t widest(const struct output_column *columns, const size_t *widths, size_t n)
{
	size_t found = n;

	for (size_t c = 0; c < n; c++)
		if (may_be_cut(&columns[c], widths[c]) && (found == n || widths[c] > widths[found]))
			found = c;
	return found;
}

void output_fit(const struct output_column *columns, size_t *widths, size_t n_columns)
{
	size_t room = terminal_columns(), c;

	while (room > 0 && line_width(widths, n_columns) > room &&
	       (c = widest(columns, widths, n_columns)) < n_columns)
		widths[c]--;
}

void output_table(const json_t *rows, const struct output_column *columns, size_t n_columns)
{
	_cleanup_(freep) size_t *widths = calloc(n_columns, sizeof *widths);
	const json_t *row;
	size_t i;

	if (!widths)
		return;
	for (size_t c = 0; c < n_columns; c++)
		widths[c] = column_width(rows, &columns[c]);
	output_fit(columns, widths, n_columns);
	print_titles(rows, columns, n_columns, widths);
	json_array_foreach(rows, i, row)
	{
		output_row(row, columns, n_columns, widths);
	}
}

void output_fields(const json_t *object, const struct output_column *columns, size_t n_columns)
{
	int width = 0;

	for (size_t c = 0; c < n_columns; c++)
		if ((int)strlen(title(&columns[c])) > width)
			width = (int)strlen(title(&columns[c]));
	for (size_t c = 0; c < n_columns; c++) {
		_cleanup_(freep) char *text = cell_text(json_object_get(object, columns[c].key));

		if (!text || !*text)
			continue;
		printf("%-*s  ", width, title(&columns[c]));
		print_cut(text, SIZE_MAX, tone_of(columns[c].key, text));
		(void)putchar('\n');
	}
}

json_t *output_hex(const uint8_t *bytes, size_t n)
{
	char text[2 * 64 + 1];

	if (n > 64)
		n = 64;
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

json_t *output_time_ms(uint64_t unix_ms)
{
	time_t at = (time_t)(unix_ms / 1000);
	char text[64], whole[80];
	struct tm tm;

	if (!gmtime_r(&at, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_null();
	(void)snprintf(whole, sizeof whole, "%s.%03uZ", text, (unsigned)(unix_ms % 1000));
	return json_string(whole);
}

json_t *output_time(uint64_t unix_seconds)
{
	time_t at = (time_t)unix_seconds;
	struct tm tm;
	char text[64];

	if (unix_seconds == 0 || !gmtime_r(&at, &tm) ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}

void output_lines(FILE *out, const char *prefix, const json_t *texts)
{
	const json_t *text;
	size_t i;

	json_array_foreach(texts, i, text)
	{
		(void)fputs(prefix, out);
		output_text(out, json_string_value(text));
		(void)fputc('\n', out);
	}
}
