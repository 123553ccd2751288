/* recovery.h - how long services are away when everything was killed. */
#ifndef WAT_BENCH_RECOVERY_H
#define WAT_BENCH_RECOVERY_H

#include "tests/bench/contestants.h"

struct recovery {
	size_t n;         /* instances, each with what one call did in its journal */
	double listens_s; /* from the start of watd until it answers */
	double all_s;     /* until each has answered a call of a client from before */
};

void recovery_measure(const char *dir, uint32_t tier, size_t n, struct recovery *ret);

#endif
