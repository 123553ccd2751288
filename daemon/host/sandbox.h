/* sandbox.h - what this process gives up, in two stages. One: before any other thread, and before
 * any byte of a plugin is mapped. Two, in a process of its own: as soon as the plugin is loaded.
 * Main thread. */
#ifndef WAT_HOST_SANDBOX_H
#define WAT_HOST_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/landlock.h"
#include "proto/support/must_check.h"

/* Bytes for the sentence about what did not go. */
#define SANDBOX_TEXT_MAX 256

struct sandbox_wants {
	/* Those to load from are gone with stage two; the others are what its plugins need. */
	const struct landlock_place *places;
	size_t n_places;
	bool net;     /* connections to others are made */
	bool pool;    /* there is no stage two */
	bool trusted; /* a pool may do without Landlock */
	int landlock; /* version that is used, at most the kernel's; 0: the kernel has none */
};

enum sandbox_stage {
	SANDBOX_NONE,
	SANDBOX_ONE,
	SANDBOX_TWO,
	SANDBOX_OFF, /* a build with sanitizers, whose runtimes need more: nothing is given up */
};

struct sandbox {
	enum sandbox_stage stage;
	bool reads, writes, net; /* what the plugins need */
	int rules;               /* for stage two; -1: none */
};

#define SANDBOX_INIT                               \
	{                                          \
		.stage = SANDBOX_NONE, .rules = -1 \
	}

/* Stage one: no privileges to be had, no files but these, and a list of system calls; the rest
 * fails with EPERM. A negative errno with a sentence in text: then nothing may be loaded. */
int sandbox_enter(struct sandbox *sandbox,
		  const struct sandbox_wants *wants,
		  char text[static SANDBOX_TEXT_MAX]) WAT_MUST_CHECK;
/* Stage two: nothing is opened any more, and no memory made executable; but for what the plugin
 * needs. For every thread that there is. The same. */
int sandbox_close(struct sandbox *sandbox, char text[static SANDBOX_TEXT_MAX]) WAT_MUST_CHECK;

#endif
