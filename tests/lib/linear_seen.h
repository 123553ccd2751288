/* linear_seen.h - the configurations that a search has been in, as digests. Inside of linear.c. */
#ifndef WAT_TESTS_LINEAR_SEEN_H
#define WAT_TESTS_LINEAR_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct linear_digest {
	uint64_t words[2];
};

/* Zeroed: empty. Owns its memory. */
struct linear_seen {
	struct linear_digest *table;
	size_t size, n; /* size: a power of two */
};

/* Was it new? 1, 0 or -ENOMEM. */
int linear_seen_add(struct linear_seen *seen,
		    const uint32_t *position,
		    size_t n_clients,
		    const void *state,
		    size_t state_size) __attribute__((warn_unused_result));
void linear_seen_deinit(struct linear_seen *seen);

#endif
