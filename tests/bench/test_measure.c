/* test_measure.c - what the page says of the figures is right: medians, ratios of rounds, marks. */
#include "tests/bench/report.h"
#include "tests/lib/cases.h"

static struct series series_of(const double *values, size_t n)
{
	struct series series = {0};

	for (size_t i = 0; i < n; i++)
		series_add(&series, values[i]);
	return series;
}
#define SERIES(...)                              \
	series_of((const double[]){__VA_ARGS__}, \
		  sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void assert_near(double a, double b)
{
	assert_true(a > b - 1e-9 && a < b + 1e-9);
}

/* The median is the middle one, or lies between the two in the middle; nothing is zero. */
static void test_spread(void **state)
{
	struct series odd = SERIES(5, 1, 9), even = SERIES(4, 1, 2, 90), none = {0};
	struct spread spread = series_spread(&odd);

	(void)state;
	assert_near(spread.median, 5);
	assert_near(spread.lowest, 1);
	assert_near(spread.highest, 9);
	assert_near(series_spread(&even).median, 3);
	assert_near(series_spread(&none).median, 0);
}

/* Ratios are of rounds: a round that was slow for both makes no difference. */
static void test_ratio(void **state)
{
	struct series own = SERIES(2, 20, 4), other = SERIES(1, 10, 2), shorter = SERIES(2);
	struct series ratio = series_ratio(&own, &other);

	(void)state;
	assert_int_equal(ratio.n, 3);
	assert_near(series_spread(&ratio).lowest, 2);
	assert_near(series_spread(&ratio).highest, 2);
	assert_int_equal(series_ratio(&own, &shorter).n, 1);
}

/* One round more than there is room for is left out. */
static void test_many_rounds(void **state)
{
	struct series series = {0};

	(void)state;
	for (size_t i = 0; i < ROUNDS_MAX + 1; i++)
		series_add(&series, 1);
	assert_int_equal(series.n, ROUNDS_MAX);
}

static const struct mark *mark_of(enum load load, enum who to)
{
	for (size_t i = 0; i < N_MARKS; i++)
		if (marks[i].load == load && marks[i].who == THREAD && marks[i].to == to)
			return &marks[i];
	fail_msg("no such mark");
	return NULL;
}

/* Round trips of 1.3 times the raw one are within the mark, of 1.4 times are not. */
static void test_mark_of_times(void **state)
{
	static struct report report;
	const struct mark *mark = mark_of(LOAD_ROUND_TRIP, RAW);
	struct figures *figures = report.figures[PINNED][LOAD_ROUND_TRIP];

	(void)state;
	figures[RAW].wall_us = SERIES(10, 10, 10);
	figures[THREAD].wall_us = SERIES(13, 12.9, 99);
	assert_true(mark_is_met(&report, mark));
	figures[THREAD].wall_us = SERIES(14, 12, 15);
	assert_false(mark_is_met(&report, mark));
}

/* Of speeds: 1.4 times that of Redis is within, 1.3 times is not. */
static void test_mark_of_speeds(void **state)
{
	static struct report report;
	const struct mark *mark = mark_of(LOAD_PIPELINED, REDIS);
	struct figures *figures = report.figures[PINNED][LOAD_PIPELINED];

	(void)state;
	figures[REDIS].wall_us = SERIES(0.56, 0.56, 0.56);
	figures[THREAD].wall_us = SERIES(0.4, 0.39, 0.9);
	assert_true(mark_is_met(&report, mark));
	assert_near(mark_ratio(&report, mark, false).median, 1.4);
	figures[THREAD].wall_us = SERIES(0.43, 0.43, 0.3);
	assert_false(mark_is_met(&report, mark));
}

/* Pipelined calls have their mark against the echo by messages; against the echo alone the ratio is
 * said, and is no mark. */
static void test_marks_of_raw(void **state)
{
	(void)state;
	assert_near(mark_of(LOAD_PIPELINED, MESSAGES)->limit, 0.4);
	assert_near(mark_of(LOAD_PIPELINED, RAW)->limit, 0);
}

/* What was not measured is not met. */
static void test_not_measured(void **state)
{
	static struct report report;

	(void)state;
	for (size_t i = 0; i < N_MARKS; i++)
		assert_false(mark_is_met(&report, &marks[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),         cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_many_rounds),    cmocka_unit_test(test_mark_of_times),
		cmocka_unit_test(test_mark_of_speeds), cmocka_unit_test(test_marks_of_raw),
		cmocka_unit_test(test_not_measured),
	};

	return test_run_cases(tests, NULL, NULL);
}
