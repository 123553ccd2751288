/* former_host.h - host processes that a watd of before started. They end with it; one that has not
 * yet holds the lock of its journals, so it is helped. Main thread. */
#ifndef WAT_SUPERVISOR_FORMER_HOST_H
#define WAT_SUPERVISOR_FORMER_HOST_H

#include <sys/types.h>

#include "daemon/store/store.h"
#include "proto/support/must_check.h"

/* What makes a process unmistakable: with its pid, when it started, and in which boot. */
int former_host_describe(pid_t pid, struct store_host *ret) WAT_MUST_CHECK;
/* Kills the process if it is still that one. */
void former_host_end(const struct store_host *host);

#endif
