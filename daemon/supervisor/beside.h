/* beside.h - where watd's own parts are: relative to the program, so that an installation can be
 * moved. Main thread, at start. */
#ifndef WAT_SUPERVISOR_BESIDE_H
#define WAT_SUPERVISOR_BESIDE_H

#include "proto/support/must_check.h"

/* The absolute path of the first of the places (relative to the program's directory, closed by
 * NULL) that is there; if none is, the first, for the message that it is missing. *ret is heap
 * memory. */
int beside_program(const char *const *places, char **ret) WAT_MUST_CHECK;

#endif
