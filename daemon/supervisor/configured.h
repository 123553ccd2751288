/* configured.h - what the sections of the configuration mean on this machine: services and methods
 * of plugins, initial states, groups. A mistake is told with its place. Loop thread, and the main
 * thread for --check-config; needs no privilege but that of reading the files. */
#ifndef WAT_SUPERVISOR_CONFIGURED_H
#define WAT_SUPERVISOR_CONFIGURED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/config/config.h"
#include "daemon/supervisor/catalog.h"
#include "daemon/supervisor/options.h"

/* Each returns false, with its outputs untouched, after it has told the problem. */

bool configured_service(const struct catalog *catalog,
			const struct options *options,
			const struct config_section *instance,
			struct problems *problems,
			const struct plugin_file **ret_file,
			const Wat__Manifest__Service **ret_service) WAT_MUST_CHECK;
/* The packed initial state; heap. unread (may be NULL): takes a file that exists and that this user
 * may not read, which is no problem then. */
bool configured_state(const struct plugin_file *file,
		      const Wat__Manifest__Service *service,
		      const struct config_section *instance,
		      struct problems *problems,
		      struct problems *unread,
		      uint8_t **ret_state,
		      size_t *ret_n);
/* Mask of the methods that the grant allows. */
bool configured_methods(const Wat__Manifest__Service *service,
			const struct config_section *grant,
			struct problems *problems,
			uint64_t *ret_mask);
/* (gid_t)-1: the file is for its owner alone. */
bool configured_group(const struct config_section *grant,
		      struct problems *problems,
		      gid_t *ret_gid);

/* Everything that can be said of a configuration before it is used. exists (may be NULL): instances
 * for which it says true have had their initial state. unread as above. -ENOMEM. */
int configured_check(const struct options *options,
		     bool (*exists)(const void *arg, const char *name),
		     const void *arg,
		     struct problems *problems,
		     struct problems *unread) WAT_MUST_CHECK;

#endif
