/* session_service.c - handlers of wat.session.Session: what every control connection offers. Loop
 * thread. */
#include <string.h>
#include <wat/session.service.h>

#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "proto/token.h"

static const struct instance *instance_of(struct control_call *call, uint32_t handle)
{
	const struct binding *binding = session_binding(call->session, handle);

	if (!binding || binding->role == TOKEN_NODE || node_time(call->node) >= binding->not_after)
		return NULL;
	return instance_table_by_id(&call->node->instances, binding->instance_id);
}

/* It may have come back since the directory was looked at. */
static bool find_plugin(struct node *node,
			const char *name,
			const struct plugin_file **ret_file,
			const Wat__Manifest__Service **ret_service)
{
	if (catalog_find(&node->catalog, name, ret_file, ret_service) == CATALOG_FOUND)
		return true;
	return catalog_scan(&node->catalog, node->options->plugin_dir, node->options->config) ==
		       0 &&
	       catalog_find(&node->catalog, name, ret_file, ret_service) == CATALOG_FOUND;
}

wat_status session_on_get_interface(struct session_get_interface_call *c,
				    session_state *state,
				    const session_get_interface_request *in,
				    session_description *out)
{
	struct control_call *call = control_call_of(&c->base);
	const struct instance *instance = instance_of(call, in->handle);
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;

	(void)state;
	if (!instance)
		return wat_fail(c, WAT_NOT_FOUND,
				"handle: no Admin or User is bound under %u, or its time is over",
				in->handle);
	if (!find_plugin(call->node, instance->service, &file, &service))
		return wat_fail(c, WAT_NOT_FOUND,
				"the plugin of %s is not in the plugin directory any more",
				instance->service);
	out->service = (char *)instance->service;
	out->schema = (ProtobufCBinaryData){file->schema_len, file->schema};
	return WAT_OK;
}
