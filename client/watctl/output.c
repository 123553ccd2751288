/* output.c - stdout: JSON documents, tables, fields. Owns nothing. */
#include "client/watctl/output.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/support/cleanup.h"

#define CELL_MAX 1024u

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

/* A value as text; false when there is none to show. */
static bool cell_format(const json_t *value, char *text, size_t size)
{
	text[0] = '\0';
	if (json_is_string(value))
		(void)snprintf(text, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		(void)snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		(void)snprintf(text, size, "%s", json_is_true(value) ? "yes" : "no");
	return text[0] != '\0';
}

static const char *title(const struct output_column *column)
{
	return column->title ? column->title : column->key;
}

/* 0: nothing stands in it, not even a title. */
static size_t column_width(const json_t *rows, const struct output_column *column)
{
	size_t width = strlen(title(column)), i;
	const json_t *row;
	char text[CELL_MAX];

	json_array_foreach(rows, i, row)
	{
		(void)cell_format(json_object_get(row, column->key), text, sizeof text);
		if (strlen(text) > width)
			width = strlen(text);
	}
	return width;
}

/* Cells of a line that is being printed: blanks are owed until something follows them. */
struct line {
	size_t owed;
};

static void print_cell(struct line *line, const char *text, size_t width, bool right)
{
	size_t n = strlen(text), pad = width > n ? width - n : 0;

	if (width == 0)
		return;
	line->owed += right ? pad : 0;
	if (n > 0) {
		printf("%*s", (int)line->owed, "");
		output_text(stdout, text);
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
			   json_is_integer(json_object_get(first, columns[c].key)));
	(void)putchar('\n');
}

static void print_row(const json_t *row,
		      const struct output_column *columns,
		      size_t n_columns,
		      const size_t *widths)
{
	struct line line = {0};
	char text[CELL_MAX];

	for (size_t c = 0; c < n_columns; c++) {
		const json_t *value = json_object_get(row, columns[c].key);

		(void)cell_format(value, text, sizeof text);
		print_cell(&line, text, widths[c], json_is_integer(value));
	}
	(void)putchar('\n');
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
	print_titles(rows, columns, n_columns, widths);
	json_array_foreach(rows, i, row)
	{
		print_row(row, columns, n_columns, widths);
	}
}

void output_fields(const json_t *object, const struct output_column *columns, size_t n_columns)
{
	int width = 0;
	char text[CELL_MAX];

	for (size_t c = 0; c < n_columns; c++)
		if ((int)strlen(title(&columns[c])) > width)
			width = (int)strlen(title(&columns[c]));
	for (size_t c = 0; c < n_columns; c++) {
		if (!cell_format(json_object_get(object, columns[c].key), text, sizeof text))
			continue;
		printf("%-*s  ", width, title(&columns[c]));
		output_text(stdout, text);
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
