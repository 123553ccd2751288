/* plugin_load.c - mapping plugins and checking their tables. Control thread; the table owns its
 * entries, the mapping stays until the process ends. */
#include "daemon/host/plugin_load.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/cleanup.h"

#define SERVICES_MAX 256u

struct plugin {
	struct list link;
	const struct wat_plugin *exported;
	char path[];
};

static int WAT_PRINTF(2, 3) refuse(char text[static PLUGIN_TEXT_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, PLUGIN_TEXT_MAX, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

static bool is_message(const ProtobufCMessageDescriptor *descriptor)
{
	return descriptor && descriptor->magic == PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC &&
	       descriptor->name && descriptor->message_init &&
	       descriptor->sizeof_message >= sizeof(ProtobufCMessage);
}

static int check_method(const struct wat_service *service, uint32_t i, char *text)
{
	const uint32_t served = WAT_METHOD_READ_ONLY | WAT_METHOD_LATER |
				WAT_METHOD_VALIDATES_FIRST | WAT_METHOD_INTERNAL;
	const struct wat_interface *interface = service->interface;
	const struct wat_method *method = &interface->methods[i];

	if (!method->name || !*method->name)
		return refuse(text, "%s: method %u has no name", interface->name, i);
	if (!is_message(method->input) || !is_message(method->output))
		return refuse(text, "%s: %s has no messages", interface->name, method->name);
	if (method->flags & ~served)
		return refuse(text, "%s: %s has options (0x%x) that this host does not serve",
			      interface->name, method->name, method->flags);
	if (interface_is_deterministic(interface) && (method->flags & WAT_METHOD_LATER))
		return refuse(text, "%s: %s answers later, in a deterministic service",
			      interface->name, method->name);
	if (!service->handlers[i])
		return refuse(text, "%s: %s has no handler", interface->name, method->name);
	return 0;
}

static int check_interface(const struct wat_interface *interface, uint32_t i, char *text)
{
	/* Plugins of before the flags have none. */
	if (!interface || interface->size < offsetof(struct wat_interface, flags))
		return refuse(text, "service %u has no interface of this ABI", i);
	if (!interface->name || !*interface->name)
		return refuse(text, "service %u has no name", i);
	if (!is_message(interface->state))
		return refuse(text, "%s has no state", interface->name);
	if (interface->n_methods > WAT_METHODS_MAX)
		return refuse(text, "%s has %u methods; at most %u are possible", interface->name,
			      interface->n_methods, (unsigned)WAT_METHODS_MAX);
	if (interface->state_max > WAT_STATE_MAX_MAX)
		return refuse(text, "%s wants states of %u bytes; at most %u are possible",
			      interface->name, interface->state_max, WAT_STATE_MAX_MAX);
	if (interface->n_methods > 0 && !interface->methods)
		return refuse(text, "%s has no table of methods", interface->name);
	return 0;
}

static int check_service(const struct wat_service *service, uint32_t i, char *text)
{
	int r;

	if (!service || service->size < sizeof *service)
		return refuse(text, "service %u is not of this ABI", i);
	r = check_interface(service->interface, i, text);
	if (r < 0)
		return r;
	if (service->self && (!service->self->load || !service->self->save || !service->self->free))
		return refuse(text, "%s has no load, save and free for its live form",
			      service->interface->name);
	if (service->interface->n_methods > 0 && !service->handlers)
		return refuse(text, "%s has no handlers", service->interface->name);
	for (uint32_t m = 0; m < service->interface->n_methods; m++) {
		r = check_method(service, m, text);
		if (r < 0)
			return r;
	}
	return 0;
}

int plugin_check(const struct wat_plugin *plugin, char text[static PLUGIN_TEXT_MAX])
{
	if (plugin->abi != WAT_PLUGIN_ABI)
		return refuse(text,
			      "it was built for plugin ABI %u, this host has %u; build it again",
			      plugin->abi, WAT_PLUGIN_ABI);
	if (plugin->size < sizeof *plugin)
		return refuse(text, "its table has %u bytes; expected at least %zu", plugin->size,
			      sizeof *plugin);
	if (plugin->n_services == 0 || plugin->n_services > SERVICES_MAX || !plugin->services)
		return refuse(text, "it has %u services; expected 1 to %u", plugin->n_services,
			      SERVICES_MAX);
	for (uint32_t i = 0; i < plugin->n_services; i++) {
		int r = check_service(plugin->services[i], i, text);

		if (r < 0)
			return r;
	}
	return 0;
}

void plugin_table_init(struct plugin_table *table)
{
	list_init(&table->plugins);
}

void plugin_table_deinit(struct plugin_table *table)
{
	list_for_each_safe (i, &table->plugins) {
		list_remove(i);
		free(container_of(i, struct plugin, link));
	}
}

static struct plugin *find_plugin(const struct plugin_table *table, const char *path)
{
	list_for_each (i, &table->plugins) {
		struct plugin *plugin = container_of(i, struct plugin, link);

		if (strcmp(plugin->path, path) == 0)
			return plugin;
	}
	return NULL;
}

static int map(const char *path, const struct wat_plugin **ret_exported, char *text)
{
	const struct wat_plugin *exported;
	void *handle;

	/* Without a slash dlopen would search the machine's libraries. */
	if (path[0] != '/')
		return refuse(text, "%s: expected an absolute path", path);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		const char *why = dlerror();

		return refuse(text, "the plugin can't be loaded: %s", why ? why : path);
	}
	exported = dlsym(handle, "wat_plugin");
	if (!exported)
		return refuse(text, "%s is not a plugin: it exports no wat_plugin", path);
	*ret_exported = exported;
	return 0;
}

static int load(struct plugin_table *table,
		const char *path,
		struct plugin **ret_plugin,
		char *text)
{
	size_t n = strlen(path) + 1;
	_cleanup_(freep) struct plugin *plugin = malloc(sizeof *plugin + n);
	char why[PLUGIN_TEXT_MAX];
	int r;

	if (!plugin) {
		(void)refuse(text, "no memory to load %s", path);
		return -ENOMEM;
	}
	memcpy(plugin->path, path, n);
	r = map(path, &plugin->exported, text);
	if (r < 0)
		return r;
	if (plugin_check(plugin->exported, why) < 0)
		return refuse(text, "%.200s can't be used: %.280s", path, why);
	list_append(&table->plugins, &plugin->link);
	*ret_plugin = TAKE(plugin);
	return 0;
}

int plugin_find_service(struct plugin_table *table,
			const char *path,
			const char *name,
			uint64_t interface_hash,
			const struct wat_service **ret_service,
			char text[static PLUGIN_TEXT_MAX])
{
	struct plugin *plugin = find_plugin(table, path);
	int r;

	if (!plugin) {
		r = load(table, path, &plugin, text);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < plugin->exported->n_services; i++) {
		const struct wat_service *service = plugin->exported->services[i];

		if (strcmp(service->interface->name, name) != 0)
			continue;
		if (service->interface->hash != interface_hash)
			return refuse(text, "%s in %s is of another major version", name, path);
		*ret_service = service;
		return 0;
	}
	(void)refuse(text, "%s has no service %s", path, name);
	return -ENOENT;
}
