/* sandbox.h - what this process gives up before it speaks with anybody. */
#ifndef WAT_GATE_SANDBOX_H
#define WAT_GATE_SANDBOX_H

#include "proto/support/must_check.h"

/* root becomes an account without rights: watd-gate's, if there is one, else nobody's. Everyone
 * else stays who they are. Main thread, before there is another. */
int sandbox_drop_root(void) WAT_MUST_CHECK;
/* No new files, programs, sockets, processes or privileges; not to be traced or dumped. What is
 * open stays. Of the calling thread: each enters by itself. Nothing in a build with sanitizers,
 * which need more: returns 1 then. */
int sandbox_enter(void) WAT_MUST_CHECK;

#endif
