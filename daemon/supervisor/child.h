/* child.h - starting a program of watd's: fork, and at once exec, with exactly the descriptors that
 * it is to have. Loop thread. */
#ifndef WAT_SUPERVISOR_CHILD_H
#define WAT_SUPERVISOR_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/support/must_check.h"

#define CHILD_FDS_MAX 8u

/* fds[i], which stays the caller's, is descriptor i of the child; everything else is closed there.
 * It gets no environment but the settings of sanitizers, which are of no effect in a release build,
 * and is killed when watd dies. */
int child_start(const char *program,
		const char *name,
		const int *fds,
		size_t n_fds,
		pid_t *ret_pid,
		int *ret_pidfd) WAT_MUST_CHECK;

#endif
