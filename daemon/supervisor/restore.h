/* restore.h - watd --restore FILE. Main thread; nothing else of watd runs. */
#ifndef WAT_SUPERVISOR_RESTORE_H
#define WAT_SUPERVISOR_RESTORE_H

#include <stdbool.h>

#include "daemon/supervisor/options.h"

/* Goes back to the backup options->restore: says on stdout what it did. The exit status: 0; 65: it
 * is no good backup, and nothing has changed; 75: a watd runs; 1. */
int restore(const struct options *options);
/* -EBUSY, which is said in the log: one did not come to its end, and what is there is neither the
 * old nor the new. */
int restore_check(const char *state_dir) WAT_MUST_CHECK;

#endif
