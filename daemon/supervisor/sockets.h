/* sockets.h - the two sockets that a watd listens on. Loop thread. */
#ifndef WAT_SUPERVISOR_SOCKETS_H
#define WAT_SUPERVISOR_SOCKETS_H

#include "proto/support/must_check.h"

struct node;

/* node->client and node->admin: those that the service manager passed, or watd's own. Negative
 * errno; said in the log. */
int sockets_open(struct node *node) WAT_MUST_CHECK;

#endif
