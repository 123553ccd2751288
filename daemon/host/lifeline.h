/* lifeline.h - a host never outlives its watd: the kernel kills it when watd's main thread ends,
 * and a thread of its own ends it when the lifeline, a pipe that only watd can write to, closes. A
 * handler in an endless loop holds up neither. Main thread. */
#ifndef WAT_HOST_LIFELINE_H
#define WAT_HOST_LIFELINE_H

#include "proto/support/must_check.h"

/* Before anything else: the first of the two. A negative errno if there is no such protection; it
 * does not return if watd has ended already. */
int lifeline_hold(int fd) WAT_MUST_CHECK;
/* The second. The thread is confined as its starter is; fd stays open for good. A negative errno.
 */
int lifeline_watch(int fd) WAT_MUST_CHECK;

#endif
