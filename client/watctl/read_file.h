/* read_file.h - whole files, and stdin. */
#ifndef WAT_WATCTL_READ_FILE_H
#define WAT_WATCTL_READ_FILE_H

#include <stddef.h>

#include "proto/support/must_check.h"

/* Everything in it; free(). Negative errno; -EFBIG beyond 16 MiB, which no message needs. */
int read_file(const char *path, char **ret, size_t *ret_n) WAT_MUST_CHECK;
int read_stdin(char **ret, size_t *ret_n) WAT_MUST_CHECK;

#endif
