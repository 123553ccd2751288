/* confinement.h - what the host of an instance may do beside serving it. watd tells the host, which
 * gives up everything else before it loads a plugin. Loop thread. */
#ifndef WAT_SUPERVISOR_CONFINEMENT_H
#define WAT_SUPERVISOR_CONFINEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/need.h"
#include "proto/support/must_check.h"

struct host;
struct instance;
struct node;

/* A host's, which owns it. */
struct confinement {
	char **loads; /* where plugins may be loaded from: files, and directories with all in them
		       */
	size_t n_loads;
	char needs[NEEDS_TEXT_SIZE]; /* that are granted, words with blanks between them */
};

/* Says in the log what this kernel has to confine hosts with, and what follows. */
void confinement_log(const struct node *node);

/* May it be started at all? If not, the text says what would have to be written where. */
bool confinement_refuses(const struct instance *instance, char *text, size_t size) WAT_MUST_CHECK;

/* What a host has to be allowed for it; what is needed and not granted is left out. -ENOMEM.
 * confinement_deinit follows in any case. */
int confinement_of(const struct instance *instance, struct confinement *ret) WAT_MUST_CHECK;
void confinement_deinit(struct confinement *confinement);

/* Is a pool that was confined so one for it? No more is allowed there than it needs, and its plugin
 * can be loaded. */
bool confinement_suits(const struct confinement *confinement, const struct instance *instance);

/* The first request to a host. */
int confinement_tell(struct host *host) WAT_MUST_CHECK;

#endif
