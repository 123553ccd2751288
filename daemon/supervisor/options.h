/* options.h - what watd was told: command line, then configuration, then environment, then
 * defaults. Main thread; the loop thread at a reload. */
#ifndef WAT_SUPERVISOR_OPTIONS_H
#define WAT_SUPERVISOR_OPTIONS_H

#include <stdint.h>

#include "daemon/base/early_drop.h"
#include "daemon/base/log.h"
#include "daemon/base/sources.h"
#include "daemon/config/config.h"
#include "daemon/store/store.h"
#include "proto/support/must_check.h"

/* What the clients of watd may take. */
struct limits {
	uint64_t connections;
	uint64_t calls, capabilities, waiting; /* of one connection */
	uint64_t hello_s;
	uint64_t grant_life_s;
	uint64_t key_grace_s;
	uint64_t gate_connections, gate_connections_of_address;
	struct source_limits of_uid;
	struct token_rate binds; /* of a uid or an address */
	struct early_drop unauthenticated;
	uint64_t buffered;      /* bytes */
	struct store_keep keep; /* snapshots */
	uint64_t ballast;       /* bytes */
	uint64_t memory;        /* bytes of a host */
};

struct options {
	/* In effect, as text; one for each key of [watd]. */
#define OPTIONS_FIELD(id, ...) char *id;
	CONFIG_WATD_KEYS(OPTIONS_FIELD)
#undef OPTIONS_FIELD
	char *host_program; /* watd-host */
	char *gate_program; /* watd-gate */
	int level;
	enum log_format format;
	struct limits limits;
	struct config *config; /* what the files say */
	/* The command line; NULL: not given. It stays in force at a reload. */
	char *given[WATD_KEYS_N];
	char *given_config;
	bool check;         /* --check-config */
	bool print_address; /* --print-address */
	char *restore;      /* --restore; NULL: not given */
};

enum options_outcome {
	OPTIONS_RUN = 0,
	OPTIONS_EXIT_OK = 1,    /* --help and the like: printed */
	OPTIONS_EXIT_USAGE = 2, /* said on stderr; exit 64 */
};

/* Zero-initialised before; options_deinit after, whatever came back. What is wrong with the
 * configuration goes to problems; the rest is read all the same. A negative errno is this
 * machine's.
 */
int options_read(struct options *options, int argc, char **argv, struct problems *problems)
	WAT_MUST_CHECK;
/* The same command line with the files as they are now. */
int options_read_again(const struct options *running,
		       struct problems *problems,
		       struct options *ret) WAT_MUST_CHECK;
void options_deinit(struct options *options);

/* In effect, by its key. */
char **options_field(struct options *options, enum watd_key key);
/* Is no plugin used without a signature? */
bool options_require_signed(const struct options *options);
const char *options_text(const struct options *options, enum watd_key key);

#endif
