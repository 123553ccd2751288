/* symbols.h - the C names that the output of a file declares, and which of them meet. */
#ifndef WAT_GEN_SYMBOLS_H
#define WAT_GEN_SYMBOLS_H

#include "proto/gen/model.h"

struct symbol {
	char *name;     /* the C name */
	char *owner;    /* "method Put of service Store" */
	const void *of; /* the same for the same thing, also where another file imports it */
	const struct file *file;
	int32_t path[4]; /* of the owner in the file; n_path 0: it is imported */
	size_t n_path;
	struct type *type; /* of a message; else NULL */
	size_t order;      /* in which they were added */
};

/* Services and their methods in order, then messages: of two that meet, the later is the one to be
 * told of. The array lives as long as the program. */
struct symbol *symbols_of(const struct file *file, size_t *ret_n);

/* The first symbol, in order, whose name an earlier one of another thing has; NULL: none. Sorts the
 * array. */
const struct symbol *symbols_find_meeting(struct symbol *symbols,
					  size_t n,
					  const struct symbol **ret_earlier);

#endif
