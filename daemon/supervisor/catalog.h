/* catalog.h - the plugins of the plugin directory, as files. Loop thread. */
#ifndef WAT_SUPERVISOR_CATALOG_H
#define WAT_SUPERVISOR_CATALOG_H

#include <stddef.h>

#include "daemon/config/config.h"
#include "proto/plugin_file.h"

struct catalog {
	struct plugin_file **files; /* those of the configuration, then the directory's by name */
	size_t n_files;
};

/* Reads the [plugin] files of the configuration and DIR/ *.so anew. A directory that can't be read
 * leaves the former: -errno. */
int catalog_scan(struct catalog *catalog, const char *directory, const struct config *config)
	WAT_MUST_CHECK;
void catalog_deinit(struct catalog *catalog);

enum catalog_find { CATALOG_FOUND = 0, CATALOG_UNKNOWN = 1, CATALOG_AMBIGUOUS = 2 };

/* By the full name, or by the C prefix where that is unique. */
enum catalog_find catalog_find(const struct catalog *catalog,
			       const char *name,
			       const struct plugin_file **ret_file,
			       const Wat__Manifest__Service **ret_service);
/* NULL: no file of this path was read. */
const struct plugin_file *catalog_file(const struct catalog *catalog, const char *path);
/* Why some file that may be meant can't be used: its path and error; NULL if all files are fine. */
const struct plugin_file *catalog_broken(const struct catalog *catalog, const char *name);

#endif
