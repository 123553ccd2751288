/* ini.h - INI text as sections and pairs, by inih behind a line reader of ours: plain inih cuts
 * long lines, section names and values with " ;" silently, joins indented lines, and does not say
 * where it is. Pure; any thread. */
#ifndef WAT_CONFIG_INI_H
#define WAT_CONFIG_INI_H

#include <stddef.h>

#include "daemon/config/problems.h"

/* Strings are valid during the call. */
struct ini_visitor {
	/* [word] or [word name]; name is "" where there is none. */
	void (*section)(void *arg, const struct place *place, const char *word, const char *name);
	/* Neither is empty. Comes before the first section too. */
	void (*pair)(void *arg, const struct place *place, const char *key, const char *value);
};

/* Each line that is no INI of ours is a problem, and skipped. file names it; it is passed on as it
 * is. */
void ini_read(const char *text,
	      size_t n,
	      const char *file,
	      const struct ini_visitor *visitor,
	      void *arg,
	      struct problems *problems);

#endif
