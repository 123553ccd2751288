/* recovery.h - how long services are away when everything was killed. */
#ifndef WAT_BENCH_RECOVERY_H
#define WAT_BENCH_RECOVERY_H

#include "tests/bench/contestants.h"

struct recovery {
	size_t n;         /* instances, each with what one call did in its journal */
	double listens_s; /* from the start of watd until it answers */
	double all_s;     /* until each has answered a call of a client from before */
};

/* One whose journal holds calls, which are run again. watd is held up while they come, so that it
 * never gives the host another segment: else a checkpoint cuts a journal at a few megabytes. */
struct replayed {
	size_t n;         /* calls */
	uint64_t n_bytes; /* of the journal */
	double calls_s;   /* that they took at first */
	double all_s;     /* from the start of watd until it has answered a client from before */
	double few_s;     /* the same of a journal with one call */
};

void recovery_measure_calls(const char *dir, size_t n, struct replayed *ret);
void recovery_measure(const char *dir, uint32_t tier, size_t n, struct recovery *ret);

#endif
