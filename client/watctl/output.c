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

static int column_width(const json_t *rows, const struct output_column *column)
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
	return (int)width;
}

static void print_cell(const char *text, int width, bool right, bool last)
{
	int pad = width - (int)strlen(text);

	if (right)
		printf("%*s", pad, "");
	output_text(stdout, text);
	if (last)
		(void)putchar('\n');
	else
		printf("%*s", right ? 2 : pad + 2, "");
}

void output_table(const json_t *rows, const struct output_column *columns, size_t n_columns)
{
	_cleanup_(freep) int *widths = calloc(n_columns, sizeof *widths);
	const json_t *row;
	size_t i;

	if (!widths)
		return;
	for (size_t c = 0; c < n_columns; c++) {
		const json_t *first = json_object_get(json_array_get(rows, 0), columns[c].key);

		widths[c] = column_width(rows, &columns[c]);
		print_cell(title(&columns[c]), widths[c], json_is_integer(first),
			   c + 1 == n_columns);
	}
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < n_columns; c++) {
			const json_t *value = json_object_get(row, columns[c].key);
			char text[CELL_MAX];

			(void)cell_format(value, text, sizeof text);
			print_cell(text, widths[c], json_is_integer(value), c + 1 == n_columns);
		}
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
