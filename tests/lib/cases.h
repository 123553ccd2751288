/* cases.h - each cmocka case in a process of its own, with a time limit and a leak check. The
 * program starts itself again for every case; that process has a directory of its own ($TMPDIR),
 * and the case fails if it leaves a descriptor, a child or a file behind, or does not end in
 * $WAT_CASE_LIMIT_S seconds (default 100). Its output is shown when it fails.
 *
 * An argument of the program picks the cases whose name contains it. */
#ifndef WAT_TESTS_CASES_H
#define WAT_TESTS_CASES_H

#include <stddef.h>

/* clang-format off: cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* clang-format on */
#include <cmocka.h>

/* In place of cmocka_run_group_tests; set_up and tear_down (or NULL) run in each case's process.
 * The exit code of main. */
#define test_run_cases(tests, set_up, tear_down) \
	test_cases_run(tests, sizeof(tests) / sizeof *(tests), set_up, tear_down)

int test_cases_run(const struct CMUnitTest *tests,
		   size_t n,
		   CMFixtureFunction set_up,
		   CMFixtureFunction tear_down);

/* Makes a directory below the case's own; the case removes it. At least 40 bytes. */
void test_make_dir(char *ret_path, size_t size);

#endif
