/* check_config.h - watd --check-config. Main thread; nothing else of watd runs. */
#ifndef WAT_SUPERVISOR_CHECK_CONFIG_H
#define WAT_SUPERVISOR_CHECK_CONFIG_H

#include <stdio.h>

#include "daemon/supervisor/options.h"

/* All problems, a line each. */
void problems_print(const struct problems *problems, FILE *out);

/* Adds to the problems of reading what plugins and files say; prints all on stderr, or a summary on
 * stdout. The exit status: 0, 78, or 71 when memory is out. */
int check_config(const struct options *options, struct problems *problems);

#endif
