/* spawn_options.h - how an instance is to run: --tier, --durability, --from. */
#ifndef WAT_WATCTL_SPAWN_OPTIONS_H
#define WAT_WATCTL_SPAWN_OPTIONS_H

#include "client/watctl/watctl.h"

/* Tier and durability; what is not given stays as it is. */
int spawn_read_options(const struct watctl *ctl, struct wat_spawn *ret) WAT_MUST_CHECK;
/* The number of a snapshot; not given: *ret stays as it is. */
int spawn_read_from(const struct watctl *ctl, uint64_t *ret) WAT_MUST_CHECK;

#endif
