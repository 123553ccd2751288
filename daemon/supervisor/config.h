/* config.h - the configuration file. */
#ifndef WAT_SUPERVISOR_CONFIG_H
#define WAT_SUPERVISOR_CONFIG_H

#include "proto/support/must_check.h"

struct options;

/* Fills the options that are still unset from section [watd]. 0; 1: refused, said on stderr as
 * file:line: what was expected; or a negative errno. */
int config_read(const char *path, struct options *options) WAT_MUST_CHECK;

#endif
