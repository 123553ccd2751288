/* restore.h - watd --restore FILE. Main thread; nothing else of watd runs. */
#ifndef WAT_SUPERVISOR_RESTORE_H
#define WAT_SUPERVISOR_RESTORE_H

#include <stdbool.h>

#include "daemon/supervisor/options.h"

/* Goes back to the backup options->restore: says on stdout what it did. The exit status: 0; 65: it
 * is no good backup, and nothing has changed; 75: a watd runs; 1. */
int restore(const struct options *options);
/* One that did not come to its end: what is there is neither the old nor the new. */
bool restore_is_half_done(const char *state_dir);

#endif
