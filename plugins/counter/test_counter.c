/* test_counter.c - the counter's handlers, without a daemon. An author's test: run it under gdb or
 * valgrind as it is. */
/* clang-format off: cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format on */
#include <cmocka.h>

#include "counter.test.h"

static int begin(void **state)
{
	counter_state initial = COUNTER_STATE_INIT;
	counter_harness *test = NULL;

	initial.value = 40;
	if (counter_harness_new(&test) != 0 || counter_harness_start(test, &initial) != 0)
		return -1;
	*state = test;
	return 0;
}

static int end(void **state)
{
	counter_harness_free(*state);
	return 0;
}

static int64_t value_of(counter_harness *test)
{
	counter_value *value = NULL;
	int64_t n;

	assert_int_equal(counter_harness_on_get(test, NULL, &value), WAT_OK);
	n = value->value;
	counter_value_free(value);
	return n;
}

static int add(counter_harness *test, int64_t n)
{
	counter_amount amount = COUNTER_AMOUNT_INIT;

	amount.n = n;
	return counter_harness_on_increment(test, &amount, NULL);
}

/* What is added is there, negative too; a reset leaves nothing. */
static void test_adds(void **state)
{
	counter_harness *test = *state;

	assert_int_equal(add(test, 5), WAT_OK);
	assert_int_equal(add(test, -3), WAT_OK);
	assert_int_equal(value_of(test), 42);
	assert_int_equal(counter_harness_on_reset(test, NULL, NULL), WAT_OK);
	assert_int_equal(value_of(test), 0);
}

/* A sum that does not fit is refused with its numbers, and the value stays. */
static void test_overflow(void **state)
{
	counter_harness *test = *state;

	assert_int_equal(add(test, INT64_MAX), WAT_OUT_OF_RANGE);
	assert_string_equal(counter_harness_text(test), "40 + 9223372036854775807 does not fit");
	assert_int_equal(value_of(test), 40);
}

/* The state that stop gives is the one that the next incarnation begins with. */
static void test_carries(void **state)
{
	counter_harness *test = *state;
	counter_state *final = NULL;

	assert_int_equal(add(test, 2), WAT_OK);
	assert_int_equal(counter_harness_stop(test, &final), WAT_OK);
	assert_int_equal(add(test, 1), WAT_STOPPED);
	assert_int_equal(counter_harness_start(test, final), WAT_OK);
	assert_int_equal(value_of(test), 42);
	counter_state_free(final);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_adds),
		TEST(test_overflow),
		TEST(test_carries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
