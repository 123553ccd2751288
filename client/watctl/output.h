/* output.h - stdout: one JSON document, or the same as tidy text. Views are built as JSON first,
 * so that both say the same. What services and peers wrote is printed without control
 * characters. */
#ifndef WAT_WATCTL_OUTPUT_H
#define WAT_WATCTL_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* One line. */
void output_json(const json_t *document);
/* Control characters come as \xNN. */
void output_text(FILE *out, const char *text);

struct output_column {
	const char *key;   /* in the objects */
	const char *title; /* NULL: the key */
};

/* rows: an array of objects. Numbers stand to the right. In a terminal the widest columns are cut
 * until the table fits. */
void output_table(const json_t *rows, const struct output_column *columns, size_t n_columns);
/* One row with columns of given widths; 0: left out. */
void output_row(const json_t *row,
		const struct output_column *columns,
		size_t n_columns,
		const size_t *widths);
/* Makes the widest of them narrower until they fit into a terminal. */
void output_fit(const struct output_column *columns, size_t *widths, size_t n_columns);
/* One object, a line for each column that has a value. */
void output_fields(const json_t *object, const struct output_column *columns, size_t n_columns);

/* A line for each of an array of strings. */
void output_lines(FILE *out, const char *prefix, const json_t *texts);

/* New references; NULL when memory is out. */
json_t *output_hex(const uint8_t *bytes, size_t n);
/* "2026-01-31T12:00:00Z"; null for 0. */
json_t *output_time(uint64_t unix_seconds);
/* "2026-01-31T12:00:00.123Z". */
json_t *output_time_ms(uint64_t unix_ms);

#endif
