/* lock.h - one watd per state directory. */
#ifndef WAT_SUPERVISOR_LOCK_H
#define WAT_SUPERVISOR_LOCK_H

#include "proto/support/must_check.h"

/* Locks state_dir/lock for this process, until it ends or closes the descriptor, and writes our pid
 * into it. -EBUSY:
 * another watd has it, *ret_pid is its pid (0 if it can't be read). */
int lock_state_dir(const char *state_dir, int *ret_fd, int *ret_pid) WAT_MUST_CHECK;

/* Makes a directory and what is missing above it. The last one gets the mode. */
int make_directory(const char *path, unsigned mode) WAT_MUST_CHECK;

#endif
