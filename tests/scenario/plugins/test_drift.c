/* test_drift.c - the author of a service that is not deterministic is told so by a test, with the
 * call and what differs. row 11 */
/* clang-format off: cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format on */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drift.test.h"

static void test_differs(void **state)
{
	drift_harness *test = NULL;
	drift_state *saved = NULL;

	(void)state;
	assert_int_equal(drift_harness_new(&test), 0);
	assert_int_equal(drift_harness_start(test, NULL), WAT_OK);
	assert_int_equal(drift_harness_on_add(test, NULL, NULL), WAT_OK);
	assert_int_equal(wat_test_crash(drift_harness_base(test)), WAT_OK);
	assert_int_equal(drift_harness_on_add_and_look(test, NULL, NULL), WAT_OK);
	assert_int_equal(wat_test_crash(drift_harness_base(test)), WAT_START_FAILED);
	assert_non_null(strstr(drift_harness_text(test), "AddAndLook"));
	assert_non_null(
		strstr(drift_harness_text(test), "its answer is not the one that was given"));
	assert_int_equal(drift_harness_state(test, &saved), WAT_STOPPED);
	drift_harness_free(test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
