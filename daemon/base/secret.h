/* secret.h - memory for keys: locked, left out of core dumps and of forked children, wiped on free.
 */
#ifndef WAT_BASE_SECRET_H
#define WAT_BASE_SECRET_H

#include <stddef.h>

#include "proto/support/must_check.h"

int secret_alloc(size_t n, void **ret) WAT_MUST_CHECK;
/* Returns NULL; takes NULL. */
void *secret_free(void *secret);

#endif
