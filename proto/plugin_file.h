/* plugin_file.h - what a plugin says about itself, read from its sections with libelf. Its code is
 * never mapped here, and all of it is checked as a stranger's bytes. Pure: whoever asks has opened
 * the file. */
#ifndef WAT_PROTO_PLUGIN_FILE_H
#define WAT_PROTO_PLUGIN_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <libelf.h>

#include <wat/manifest.pb-c.h>

#include "proto/support/cleanup.h"
#include "proto/support/must_check.h"

struct plugin_file {
	char *path;
	char *error;                     /* why it can't be used; NULL if it can */
	char *warning;                   /* what its author should look at; NULL: nothing */
	Wat__Manifest__Plugin *manifest; /* NULL with an error */
	uint8_t *schema;
	size_t schema_len;
	uint8_t schema_digest[32];
};

/* elf NULL: it could not be opened, for the reason `why`. abi: what it must be built for; 0: any.
 * path is for those who want to know. What is wrong with it stands in ->error. -ENOMEM only. */
int plugin_file_new(const char *path,
		    Elf *elf,
		    const char *why,
		    uint32_t abi,
		    struct plugin_file **ret) WAT_MUST_CHECK;
struct plugin_file *plugin_file_free(struct plugin_file *file);
DEFINE_CLEANUP(struct plugin_file *, plugin_file_free);

#endif
