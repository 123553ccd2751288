/* grant_process.h - grants that end with a process. Loop thread. What a grant has here is freed
 * with grant_process_free, before the grant. */
#ifndef WAT_SUPERVISOR_GRANT_PROCESS_H
#define WAT_SUPERVISOR_GRANT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/store.h"
#include "proto/support/must_check.h"

struct grant;
struct node;

#define GRANT_PROCESSES_MAX 1024u /* of a node: each takes a descriptor */

/* The process of that pid, as it is known later; start: as /proc has it, 0: whichever it is.
 * -ESRCH: there is none, or another one by now. */
int grant_process_describe(uint32_t pid, uint64_t start, struct store_host *ret) WAT_MUST_CHECK;
/* Watches the process of the grant's row. -ESRCH: it has ended. -ENOSPC: there are too many. */
int grant_process_watch(struct node *node, struct grant *grant) WAT_MUST_CHECK;
/* After all rows were loaded: those whose process ended while watd was away end. */
void grant_process_begin(struct node *node);
/* Its process has ended, whether or not that was heard already: before the pid is anybody else's.
 */
bool grant_process_is_over(const struct grant *grant);
/* Takes NULL. */
void grant_process_free(struct grant *grant);

#endif
