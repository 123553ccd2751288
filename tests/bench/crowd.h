/* crowd.h - many connections that lie idle. */
#ifndef WAT_BENCH_CROWD_H
#define WAT_BENCH_CROWD_H

#include "tests/bench/contestants.h"

enum crowd_kind {
	CROWD_UNIX,        /* by watd.sock: each with its own socket there, and its channel */
	CROWD_TCP,         /* the same by TCP */
	CROWD_TCP_GREETED, /* by TCP, greeted, and nothing more */
	N_CROWDS
};

struct crowd {
	size_t n;     /* connections; of the first two kinds each has made one call */
	double added; /* bytes that they take, in all processes of the server together */
	double all;   /* and what these take then */
};

extern const char *const crowd_names[N_CROWDS];

/* So many, or as many as one process of watd may have descriptors for; of a watd of its own with
 * one instance, a process. The clients are in processes of their own. */
void crowd_measure(const char *dir, enum crowd_kind kind, size_t n, struct crowd *ret);

#endif
