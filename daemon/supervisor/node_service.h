/* node_service.h - what the handlers of the node service share. Loop thread. */
#ifndef WAT_SUPERVISOR_NODE_SERVICE_H
#define WAT_SUPERVISOR_NODE_SERVICE_H

#include "daemon/supervisor/control_call.h"
#include "proto/plugin_file.h"

struct instance;

/* Reads the plugin directory anew and finds the service; on failure the call's failure is set. */
wat_status node_find_service(struct wat_call *call,
			     const char *name,
			     const struct plugin_file **ret_file,
			     const Wat__Manifest__Service **ret_service);
wat_status node_find_instance(struct wat_call *call, const char *name, struct instance **ret);

#endif
