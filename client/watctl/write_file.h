/* write_file.h - a file that is there whole or not at all: written under another name beside it,
 * mode 0600, synced, then renamed. */
#ifndef WAT_WATCTL_WRITE_FILE_H
#define WAT_WATCTL_WRITE_FILE_H

#include <stddef.h>

#include "proto/support/must_check.h"

struct written;

int written_new(const char *path, struct written **ret) WAT_MUST_CHECK;
int written_add(struct written *file, const void *bytes, size_t n) WAT_MUST_CHECK;
/* What was there under the name is replaced. */
int written_commit(struct written *file) WAT_MUST_CHECK;
/* Without commit nothing is left. Returns NULL; takes NULL. */
struct written *written_free(struct written *file);

#endif
