/* plugin_load.h - plugins that this host has mapped. Control thread. Once mapped a plugin stays:
 * the code of a running instance can't be taken away. */
#ifndef WAT_HOST_PLUGIN_LOAD_H
#define WAT_HOST_PLUGIN_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <wat/plugin.h>

#include "proto/limits.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct plugin_table {
	struct list plugins;
};

void plugin_table_init(struct plugin_table *table);
void plugin_table_deinit(struct plugin_table *table);

/* Bytes for the sentence about what is wrong. */
#define PLUGIN_TEXT_MAX 512

/* Is the table fit to be run? -EBADMSG with the reason, which names service and method. Pure. */
int plugin_check(const struct wat_plugin *plugin, char text[static PLUGIN_TEXT_MAX]) WAT_MUST_CHECK;

/* Bytes that the packed state of a service may have. */
static inline uint32_t interface_state_max(const struct wat_interface *interface)
{
	return interface->state_max ? interface->state_max : WAT_STATE_MAX;
}

/* Does its journal hold calls? */
static inline bool interface_is_deterministic(const struct wat_interface *interface)
{
	return interface->size >= sizeof *interface &&
	       (interface->flags & WAT_INTERFACE_DETERMINISTIC);
}

/* The service in the plugin at path (absolute), which is mapped and checked the first time. Runs
 * the plugin's constructors. -ENOENT, -EBADMSG or -ENOMEM, each with a sentence in text. */
int plugin_find_service(struct plugin_table *table,
			const char *path,
			const char *service,
			uint64_t interface_hash,
			const struct wat_service **ret_service,
			char text[static PLUGIN_TEXT_MAX]) WAT_MUST_CHECK;

#endif
