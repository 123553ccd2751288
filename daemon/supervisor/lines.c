/* lines.c - a growing list of sentences. */
#include "daemon/supervisor/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/log.h"

void lines_add(struct lines *lines, const char *format, ...)
{
	char **grown = reallocarray(lines->texts, lines->n + 1, sizeof *grown), *text;
	va_list arguments;
	int n = -1;

	if (grown) {
		lines->texts = grown;
		va_start(arguments, format);
		n = vasprintf(&text, format, arguments);
		va_end(arguments);
	}
	if (n < 0)
		log_error("no memory for a line of a report");
	else
		lines->texts[lines->n++] = text;
}

void lines_deinit(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->texts[i]);
	free(lines->texts);
	*lines = (struct lines){0};
}
