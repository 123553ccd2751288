/* landlock.h - which files a thread may still open, which the kernel holds it to (Landlock). Beside
 * files that is nothing else: what is open stays, and what a path says of a file can be read. */
#ifndef WAT_BASE_LANDLOCK_H
#define WAT_BASE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/support/must_check.h"

enum landlock_use {
	LANDLOCK_LOAD,  /* files are read and mapped; directories are not listed */
	LANDLOCK_READ,  /* files are read, directories listed */
	LANDLOCK_WRITE, /* and written, made, removed */
};

/* A file, or a directory with everything below it. */
struct landlock_place {
	const char *path;
	enum landlock_use use;
	bool optional; /* it need not be there, nor be one that we can see */
};

/* The newest that is used. */
#define LANDLOCK_ABI_MAX 6

/* The version of the kernel's, 0: it has none, or it is switched off. Any thread. */
int landlock_abi(void);

/* A set of rules that allows no file, and without `net` no TCP. As of the version abi, which is at
 * most the kernel's and at least 1: each handles what it knows. Returns a descriptor, or a negative
 * errno. */
int landlock_rules(bool net, int abi) WAT_MUST_CHECK;
/* Beside what the rules allow so far, which are as of that abi. A negative errno. */
int landlock_allow(int rules, const struct landlock_place *place, int abi) WAT_MUST_CHECK;
/* From here on, for this thread and those that it starts, beside what held before. The descriptor
 * stays the caller's. The process can't have no_new_privs unset. A negative errno. */
int landlock_enter(int rules) WAT_MUST_CHECK;

#endif
