/* problems.c - what is wrong with a configuration. Owns the texts. */
#include "daemon/config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/support/cleanup.h"

static char *join(const struct place *place, const char *text)
{
	char *line;
	int n = place->line ? asprintf(&line, "%s:%u: %s", place->file, place->line, text)
			    : asprintf(&line, "%s: %s", place->file, text);

	return n < 0 ? NULL : line;
}

void problems_add(struct problems *problems, const struct place *place, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0)
		text = NULL;
	if (problems->n < PROBLEMS_MAX && text)
		problems->texts[problems->n] = join(place, text);
	if (problems->n < PROBLEMS_MAX && problems->texts[problems->n])
		problems->n++;
	else
		problems->n_more++;
}

bool problems_any(const struct problems *problems)
{
	return problems->n > 0 || problems->n_more > 0;
}

void problems_deinit(struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		free(problems->texts[i]);
	*problems = (struct problems){0};
}
