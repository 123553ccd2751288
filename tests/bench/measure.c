/* measure.c - numbers of rounds. Pure. */
#include "tests/bench/measure.h"

#include <stdlib.h>
#include <string.h>

void series_add(struct series *series, double value)
{
	if (series->n < ROUNDS_MAX)
		series->values[series->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread series_spread(const struct series *series)
{
	double sorted[ROUNDS_MAX];
	size_t n = series->n;

	if (n == 0)
		return (struct spread){0};
	memcpy(sorted, series->values, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, compare);
	return (struct spread){
		.median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2,
		.lowest = sorted[0],
		.highest = sorted[n - 1],
	};
}

struct series series_ratio(const struct series *of, const struct series *to)
{
	struct series ratio = {0};

	for (size_t i = 0; i < of->n && i < to->n; i++)
		if (to->values[i] > 0)
			series_add(&ratio, of->values[i] / to->values[i]);
	return ratio;
}
