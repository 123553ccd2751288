/* plugin_file.h - what a plugin says about itself, read from its sections with libelf. Its code is
 * never mapped here, and all of it is checked as a stranger's bytes. */
#ifndef WAT_SUPERVISOR_PLUGIN_FILE_H
#define WAT_SUPERVISOR_PLUGIN_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <wat/manifest.pb-c.h>

#include "proto/support/must_check.h"

struct plugin_file {
	char *path;
	char *error;                     /* why it can't be used; NULL if it can */
	Wat__Manifest__Plugin *manifest; /* NULL with an error */
	uint8_t *schema;
	size_t schema_len;
	uint8_t schema_digest[32];
};

/* Reads the file; what is wrong with it stands in ->error. -ENOMEM only. */
int plugin_file_read(const char *path, struct plugin_file **ret) WAT_MUST_CHECK;
struct plugin_file *plugin_file_free(struct plugin_file *file);

#endif
