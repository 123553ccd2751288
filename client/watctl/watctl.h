/* watctl.h - what one run of watctl is made of. One thread; the process ends with the command.
 *
 * Functions that take a struct watctl return 0, or the exit status of the program after they have
 * said why. */
#ifndef WAT_WATCTL_WATCTL_H
#define WAT_WATCTL_WATCTL_H

#include <stdbool.h>

#include <wat/raw.h>
#include <wat/wat.h>

#include "proto/support/cleanup.h"
#include "proto/support/must_check.h"

/* sysexits.h has the names; the issue of each number is in the README. */
enum watctl_exit {
	WATCTL_OK = 0,
	WATCTL_FAILED = 1,       /* a call that failed in a way not listed below */
	WATCTL_USAGE = 64,       /* the command line */
	WATCTL_UNREACHABLE = 69, /* no watd answers */
	WATCTL_RETRY = 75,       /* UNAVAILABLE, OVERLOADED, DEADLINE_EXCEEDED */
	WATCTL_DENIED = 77,      /* ACCESS_DENIED, STALE */
	WATCTL_CONFIG = 78,      /* keyring, token files, socket paths */
};

enum watctl_option {
	WATCTL_TIER = 1u << 0,
	WATCTL_STATE = 1u << 1,
	WATCTL_OUT = 1u << 2,
	WATCTL_AS = 1u << 3,
	WATCTL_TOKEN = 1u << 4,
	WATCTL_SESSION = 1u << 5,
	WATCTL_ONLY = 1u << 6,
	WATCTL_DRY_RUN = 1u << 7,
};

/* What a command acts with; it decides which socket is used and what advice fits a refusal. */
enum watctl_power { WATCTL_NODE, WATCTL_ADMIN, WATCTL_USER };

struct watctl;

struct command {
	const char *name;
	const char *arguments; /* as the usage shows them */
	const char *summary;
	int (*run)(struct watctl *);
	int n_min, n_max; /* of the arguments */
	unsigned options; /* enum watctl_option */
	enum watctl_power power;
};

struct watctl {
	const struct command *command;
	const char *socket; /* NULL: not given */
	bool json;
	const char *tier, *state, *out, *as, *token;
	unsigned given; /* enum watctl_option */
	char *const *arguments;
	int n_arguments;

	wat *connection; /* opened when a command first needs it */
	wat_node *node;
};

/* The n-th argument, or NULL. */
static inline const char *watctl_argument(const struct watctl *ctl, int n)
{
	return n < ctl->n_arguments ? ctl->arguments[n] : NULL;
}

void watctl_deinit(struct watctl *ctl);

DEFINE_CLEANUP(wat_capability *, wat_capability_free);

static inline void wat_memory_freep(void *p)
{
	wat_memory_free(*(void **)p);
}

#endif
