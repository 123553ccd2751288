/* suggest.h - the name that was probably meant. Pure. */
#ifndef WAT_WATCTL_SUGGEST_H
#define WAT_WATCTL_SUGGEST_H

#include <stddef.h>

/* Of n names, which stand `stride` bytes apart from `first` on, the one nearest to `word` without
 * regard to case; NULL when none is near (at most one change for each three letters). */
const char *suggest(const char *word, const char *const *first, size_t n, size_t stride);

#endif
