/* test_host_limits.c - what a grant may ask of an instance at a time: to the call and to the
 * nanosecond. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/host/limits.h"
#include "tests/lib/cases.h"

#define SECOND UINT64_C(1000000000)

static char text[160];

static unsigned taken(struct limits *limits, unsigned n, uint64_t at_ns)
{
	unsigned done = 0;

	while (n-- > 0)
		done += limits_take(limits, 0, at_ns, text, sizeof text);
	return done;
}

/* A rate of 5 is 5 at once and one more every 200 ms, never more than 5 together. */
static void test_rate(void **state)
{
	struct limits limits = {0};

	(void)state;
	limits_set(&limits, 5, 0, 77);
	assert_int_equal(taken(&limits, 9, 77), 5);
	assert_non_null(strstr(text, "the rate limit of this grant is reached: 5 calls a second"));
	assert_int_equal(taken(&limits, 1, 77 + SECOND / 5 - 1), 0);
	assert_int_equal(taken(&limits, 9, 77 + SECOND / 5), 1);
	assert_int_equal(taken(&limits, 9, 77 + SECOND), 4);
	assert_int_equal(taken(&limits, 99, 77 + 1000 * SECOND), 5);
	assert_false(limits_are_full(&limits, 77 + 1001 * SECOND - 1));
	assert_true(limits_are_full(&limits, 77 + 1001 * SECOND));
}

/* The greatest rate there is, after a sleep of centuries: no sum runs over. */
static void test_bounds(void **state)
{
	struct limits limits = {0};

	(void)state;
	limits_set(&limits, UINT32_MAX, 0, 0);
	assert_int_equal(taken(&limits, 10, UINT64_MAX), 10);
	assert_int_equal(taken(&limits, 10, UINT64_MAX - 1), 10);
	assert_true(limits.left <= UINT32_MAX * SECOND);
	limits_set(&limits, 0, 0, 0);
	assert_int_equal(taken(&limits, 10, 0), 10);
}

/* Whoever attaches again has what is left; another rate begins full. */
static void test_set_again(void **state)
{
	struct limits limits = {0};

	(void)state;
	assert_true(limits_are_full(&limits, 0));
	limits_set(&limits, 3, 0, 0);
	assert_int_equal(taken(&limits, 9, 0), 3);
	limits_set(&limits, 3, 7, 1);
	assert_int_equal(taken(&limits, 9, 1), 0);
	assert_int_equal(limits.in_flight, 7);
	limits_set(&limits, 4, 7, 1);
	assert_int_equal(taken(&limits, 9, 1), 4);
}

/* As many at once as it says, and the refusal takes nothing from the rate. */
static void test_in_flight(void **state)
{
	struct limits limits = {0};

	(void)state;
	limits_set(&limits, 1, 2, 0);
	assert_false(limits_take(&limits, 2, 0, text, sizeof text));
	assert_non_null(strstr(text, "in-flight limit of this grant is reached: 2 calls at once"));
	assert_false(limits_take(&limits, UINT64_MAX, 0, text, sizeof text));
	assert_true(limits_take(&limits, 1, 0, text, sizeof text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_set_again),
		cmocka_unit_test(test_in_flight),
	};

	return test_run_cases(tests, NULL, NULL);
}
