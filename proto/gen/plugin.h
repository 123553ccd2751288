/* plugin.h - what becomes one .so: the files of one run that have services. */
#ifndef WAT_GEN_PLUGIN_H
#define WAT_GEN_PLUGIN_H

#include "proto/gen/model.h"

struct plugin {
	const struct file **files;
	size_t n_files;
	uint8_t *schema; /* a FileDescriptorSet with comments: section .wat.schema */
	size_t n_schema;
};

size_t plugin_n_services(const struct plugin *plugin);
const struct service *plugin_service(const struct plugin *plugin, size_t i);

/* All files are there: makes the schema. NULL, or why they can't be one plugin: C names of two
 * files that meet, or a schema that is too large. */
char *plugin_complete(struct plugin *plugin);

#endif
