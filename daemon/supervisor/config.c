/* config.c - the configuration file, by inih with a line reader of ours that counts lines. Runs on
 * the main thread before anything else. */
#include "daemon/supervisor/config.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/supervisor/options.h"
#include "proto/support/cleanup.h"

struct reader {
	const char *path;
	FILE *file;
	struct options *options;
	unsigned line;
	bool refused; /* said already */
	int error;
};

static void refuse(struct reader *reader, const char *what, const char *subject)
{
	if (!reader->refused)
		fprintf(stderr, "watd: %s:%u: %s%s\n", reader->path, reader->line, what, subject);
	reader->refused = true;
}

/* inih cuts over-long lines and values with " ;" silently, and joins indented lines: refused here,
 * with their number. */
static bool line_is_fine(struct reader *reader, const char *line, size_t size)
{
	size_t n = strlen(line);
	const char *equals = strchr(line, '=');

	if (n + 1 == size && line[n - 1] != '\n')
		refuse(reader, "line too long", "");
	else if ((*line == ' ' || *line == '\t') && strspn(line, " \t\r\n") != n)
		refuse(reader, "expected no white space before a key", "");
	else if (equals && *line != ';' && *line != '#' && strstr(equals, " ;"))
		refuse(reader, "expected a comment on a line of its own, got \" ;\" after a value",
		       "");
	return !reader->refused;
}

static char *read_line(char *line, int size, void *stream)
{
	struct reader *reader = stream;

	if (reader->refused || !fgets(line, size, reader->file))
		return NULL;
	reader->line++;
	return line_is_fine(reader, line, (size_t)size) ? line : NULL;
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
	struct reader *reader = user;
	char **field;

	if (strcmp(section, "watd") != 0) {
		refuse(reader, "unknown section, expected [watd]: ", section);
		return 0;
	}
	field = options_field(reader->options, name);
	if (!field) {
		refuse(reader, "unknown key: ", name);
		return 0;
	}
	if (!*value) {
		refuse(reader, "expected a value for ", name);
		return 0;
	}
	/* The command line goes before the file. */
	if (*field)
		return 1;
	*field = strdup(value);
	if (!*field)
		reader->error = -ENOMEM;
	return *field != NULL;
}

int config_read(const char *path, struct options *options)
{
	_cleanup_(file_closep) FILE *file = fopen(path, "re");
	struct reader reader = {.path = path, .file = file, .options = options};
	int r;

	if (!file) {
		fprintf(stderr, "watd: %s: can't be read: %s\n", path, strerror(errno));
		return 1;
	}
	r = ini_parse_stream(read_line, &reader, take_pair, &reader);
	if (reader.error < 0)
		return reader.error;
	if (r > 0)
		refuse(&reader, "expected [section] or key = value", "");
	return reader.refused ? 1 : 0;
}
