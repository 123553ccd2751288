/* name.h - names of instances and users. Pure. */
#ifndef WAT_PROTO_NAME_H
#define WAT_PROTO_NAME_H

#include <stdbool.h>

#include "proto/support/must_check.h"

/* [a-z0-9][a-z0-9._-]{0,62}: no part of a path, nothing that a shell or a table stumbles over. */
bool name_is_valid(const char *name) WAT_MUST_CHECK;
#define NAME_RULE "expected 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit"

#endif
