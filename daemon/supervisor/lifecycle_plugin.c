/* lifecycle_plugin.c - which file an instance's host maps: a copy of the plugin that it was spawned
 * from, until somebody restarts it. Loop thread. */
#include <sodium.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/options.h"

int lifecycle_provide_plugin(struct instance *instance, char text[static PLUGIN_COPY_TEXT_MAX])
{
	struct node *node = instance->node;
	const bool fresh = sodium_is_zero(instance->plugin_digest, sizeof instance->plugin_digest);
	const struct plugin_wanted wanted = {.path = instance->plugin,
					     .schema = instance->schema,
					     .digest = instance->plugin_digest,
					     .trust = &node->trust};
	char *path;
	int r = plugin_copy_provide(&node->copies, &wanted, &path, text);

	if (r < 0)
		return r;
	free(instance->plugin_copy);
	instance->plugin_copy = path;
	if (fresh)
		lifecycle_sweep_plugins(node);
	return 0;
}

void lifecycle_take_installed_plugin(struct instance *instance)
{
	struct node *node = instance->node;
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;

	if (catalog_scan(&node->catalog, node->options->plugin_dir, node->options->config) < 0 ||
	    catalog_find(&node->catalog, instance->service, &file, &service) != CATALOG_FOUND) {
		log_warning("an instance goes on with the plugin that it had: none of the "
			    "plugin directory can be used",
			    "instance", instance->name, "plugin", instance->plugin);
		return;
	}
	memset(instance->plugin_digest, 0, sizeof instance->plugin_digest);
	instance_set_service(instance, file->path, file->schema_digest, service);
}

static bool is_used(void *arg, const uint8_t digest[PLUGIN_NAMED_SIZE])
{
	const struct node *node = arg;

	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (!instance_is_over(instance) &&
		    memcmp(instance->plugin_digest, digest, PLUGIN_NAMED_SIZE) == 0)
			return true;
	}
	return false;
}

void lifecycle_sweep_plugins(struct node *node)
{
	plugin_copies_sweep(&node->copies, is_used, node);
}
