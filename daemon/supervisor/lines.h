/* lines.h - a growing list of sentences. Loop thread. */
#ifndef WAT_SUPERVISOR_LINES_H
#define WAT_SUPERVISOR_LINES_H

#include <stddef.h>

#include "proto/support/must_check.h"

struct lines {
	char **texts;
	size_t n;
};

/* Without memory for it a line is left out, and the log says so. */
void lines_add(struct lines *lines, const char *format, ...) WAT_PRINTF(2, 3);
/* Zero-initialised before. */
void lines_deinit(struct lines *lines);

#endif
