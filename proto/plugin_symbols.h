/* plugin_symbols.h - which function of a file an address is in, read with libelf. Nothing of the
 * file is mapped, and all of it is checked as a stranger's bytes. */
#ifndef WAT_PROTO_PLUGIN_SYMBOLS_H
#define WAT_PROTO_PLUGIN_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/cleanup.h"
#include "proto/support/must_check.h"

struct plugin_symbols;

/* Of a program or a shared object. A negative errno; -EBADMSG: it is none. */
int plugin_symbols_new(const char *path, struct plugin_symbols **ret) WAT_MUST_CHECK;
struct plugin_symbols *plugin_symbols_free(struct plugin_symbols *symbols);
DEFINE_CLEANUP(struct plugin_symbols *, plugin_symbols_free);

/* Was what has this build id made from the file? False if either has none. */
bool plugin_symbols_is(const struct plugin_symbols *symbols, const uint8_t *build_id, size_t n);
/* The function at an address as the file counts them, and how far into it that is. The name is cut
 * to size. False: none has it. */
bool plugin_symbols_find(const struct plugin_symbols *symbols,
			 uint64_t address,
			 char *ret_name,
			 size_t size,
			 uint64_t *ret_offset);

#endif
