/* limits.h - what a grant may ask of an instance at a time: calls per second, calls at once.
 * Instance's thread. */
#ifndef WAT_HOST_LIMITS_H
#define WAT_HOST_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

/* Embedded in the grant. */
struct limits {
	uint32_t rate;      /* calls per second, and how many may come at once; 0: no limit */
	uint32_t in_flight; /* calls that are not answered yet; 0: no limit */
	uint64_t left;      /* of the rate, in billionths of a call */
	uint64_t at_ns;     /* as of this time; monotonic */
};

/* A grant that had the same goes on with what is left of it. */
void limits_set(struct limits *limits, uint32_t rate, uint32_t in_flight, uint64_t now_ns);
/* Nobody would notice if they were forgotten. */
bool limits_are_full(const struct limits *limits, uint64_t now_ns);
/* One call more, beside `open` others? Takes it from the rate. False: text says which limit it is
 * that is reached. */
bool limits_take(struct limits *limits, uint64_t open, uint64_t now_ns, char *text, size_t size)
	WAT_MUST_CHECK;

#endif
