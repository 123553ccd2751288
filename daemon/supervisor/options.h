/* options.h - what watd was told: command line, then configuration file, then environment, then
 * defaults. */
#ifndef WAT_SUPERVISOR_OPTIONS_H
#define WAT_SUPERVISOR_OPTIONS_H

#include "daemon/base/log.h"
#include "proto/support/must_check.h"

#define OPTIONS_LIST(O)                                                                         \
	O(state_dir, "state-dir", "DIR",                                                        \
	  "database and keys; $STATE_DIRECTORY, /var/lib/watd or XDG's")                        \
	O(runtime_dir, "runtime-dir", "DIR", "sockets; $RUNTIME_DIRECTORY, /run/watd or XDG's") \
	O(plugin_dir, "plugin-dir", "DIR", "service plugins (*.so)")                            \
	O(socket, "socket", "PATH", "client socket; RUNTIME-DIR/watd.sock")                     \
	O(admin_socket, "admin-socket", "PATH", "admin socket; RUNTIME-DIR/admin.sock")         \
	O(log_level, "log-level", "LEVEL", "error, warning, info or debug; info")               \
	O(log_format, "log-format", "FORMAT", "text or json; text")

struct options {
	char *config; /* NULL: none */
#define OPTIONS_FIELD(field, name, value, help) char *field;
	OPTIONS_LIST(OPTIONS_FIELD)
#undef OPTIONS_FIELD
	char *host_program; /* watd-host */
	int level;
	enum log_format format;
};

enum options_outcome {
	OPTIONS_RUN = 0,
	OPTIONS_EXIT_OK = 1,     /* --help, --version: printed */
	OPTIONS_EXIT_USAGE = 2,  /* said on stderr; exit 64 */
	OPTIONS_EXIT_CONFIG = 3, /* said on stderr with file:line; exit 78 */
};

/* Zero-initialised before; options_deinit after, whatever came back. A negative errno is this
 * machine's. */
int options_read(struct options *options, int argc, char **argv) WAT_MUST_CHECK;
void options_deinit(struct options *options);

/* The field for a name such as "state-dir"; NULL if there is none. */
char **options_field(struct options *options, const char *name);

#endif
