/* misdeeds.h - what the plugin bad does, one by one, and what has to come of it: the same for both
 * tiers. Each is done to an instance of its own, in one watd. */
#ifndef WAT_TESTS_MISDEEDS_H
#define WAT_TESTS_MISDEEDS_H

#include <stdint.h>

/* All cases as a program's main; tier: enum wat_tier. */
int misdeeds_run(uint32_t tier);

#endif
