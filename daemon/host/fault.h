/* fault.h - a signal that a thread brings upon itself: which instance's thread it was stands in the
 * attribution page before the process dies of it. */
#ifndef WAT_HOST_FAULT_H
#define WAT_HOST_FAULT_H

#include "proto/attribution.h"
#include "proto/support/must_check.h"

/* Before other threads exist. With a sanitizer its own handlers stay, and nothing is noted. The
 * page stays mapped as long as the process lives. */
void fault_watch(struct attribution *page);
/* This thread's slot; it gets a stack of its own for the handler, until fault_leave. -ENOMEM. */
int fault_enter(struct attribution_slot *slot) WAT_MUST_CHECK;
void fault_leave(void);
/* Whatever this thread brings about is that one's, without a stack of its own; NULL: nobody's. */
void fault_act_for(struct attribution_slot *slot);

#endif
