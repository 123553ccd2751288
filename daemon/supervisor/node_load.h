/* node_load.h - the store's rows become instances, grants and answers. Main thread, before the
 * loop. */
#ifndef WAT_SUPERVISOR_NODE_LOAD_H
#define WAT_SUPERVISOR_NODE_LOAD_H

#include "daemon/supervisor/node.h"

int node_load(struct node *node) WAT_MUST_CHECK;

#endif
