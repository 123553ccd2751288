/* problems.h - what is wrong with a configuration: all of it, each with file and line. Pure; any
 * thread. */
#ifndef WAT_CONFIG_PROBLEMS_H
#define WAT_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/support/must_check.h"

#define PROBLEMS_MAX 64u /* more are counted */

/* The file's name belongs to whoever read it. */
struct place {
	const char *file;
	unsigned line; /* from 1; 0: the file as a whole */
};

struct problems {
	char *texts[PROBLEMS_MAX]; /* "FILE:LINE: what was found, what was expected" */
	size_t n;
	size_t n_more;
};

/* Without memory for its text a problem is counted all the same. */
void problems_add(struct problems *problems, const struct place *place, const char *format, ...)
	WAT_PRINTF(3, 4);
bool problems_any(const struct problems *problems) WAT_MUST_CHECK;
/* Zero-initialised before. */
void problems_deinit(struct problems *problems);

#endif
