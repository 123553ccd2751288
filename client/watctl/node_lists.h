/* node_lists.h - lists of the node, which come in pages, as one. */
#ifndef WATCTL_NODE_LISTS_H
#define WATCTL_NODE_LISTS_H

#include <wat/node.pb-c.h>

#include "client/watctl/watctl.h"

/* All pages put together; `next` is 0. Free with protobuf_c_message_free_unpacked. An exit code;
 * said.
 */
int node_list_of_instances(struct watctl *ctl, Wat__Node__InstanceList **ret) WAT_MUST_CHECK;
int node_list_of_users(struct watctl *ctl, const char *instance, Wat__Node__UserList **ret)
	WAT_MUST_CHECK;

#endif
