/* measure.h - numbers of rounds. Pure. */
#ifndef WAT_BENCH_MEASURE_H
#define WAT_BENCH_MEASURE_H

#include <stddef.h>

#define ROUNDS_MAX 64u

/* The same thing, measured once in each round. */
struct series {
	size_t n;
	double values[ROUNDS_MAX];
};

/* What a reader gets of it. */
struct spread {
	double median, lowest, highest;
};

/* More than ROUNDS_MAX are left out. */
void series_add(struct series *series, double value);
/* Of nothing: zeros. */
struct spread series_spread(const struct series *series);
/* Round by round, so that what disturbed both in the same round is no difference. */
struct series series_ratio(const struct series *of, const struct series *to);

#endif
