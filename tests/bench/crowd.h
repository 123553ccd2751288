/* crowd.h - many connections that lie idle. */
#ifndef WAT_BENCH_CROWD_H
#define WAT_BENCH_CROWD_H

#include "tests/bench/contestants.h"

struct crowd {
	size_t n;     /* connections: each has made one call */
	double added; /* bytes that they take, in all processes of the server together */
	double all;   /* and what these take then */
};

/* Of a watd of its own with one instance, a process; each connection has its own socket to watd
 * and, locally, its channel. */
void crowd_measure(const char *dir, bool tcp, size_t n, struct crowd *ret);

#endif
