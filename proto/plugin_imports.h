/* plugin_imports.h - what a plugin takes from other libraries, read from its dynamic symbols with
 * libelf. Its code is never mapped here. Pure. */
#ifndef WAT_PROTO_PLUGIN_IMPORTS_H
#define WAT_PROTO_PLUGIN_IMPORTS_H

#include <stddef.h>
#include <libelf.h>

#include "proto/support/must_check.h"

/* The names of clocks and of sources of randomness that it imports, with ", " between them, on the
 * heap; NULL: none. -ENOMEM. */
int plugin_imports_of_chance(Elf *elf, char **ret_names) WAT_MUST_CHECK;

/* The same of functions that start threads, processes and programs, or look into those of others.
 * This tells an honest author before anything runs; what such functions ask of the kernel a
 * sandbox refuses. */
int plugin_imports_of_others(Elf *elf, char **ret_names) WAT_MUST_CHECK;

#endif
