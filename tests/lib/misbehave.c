/* misbehave.c - cases that each do one thing wrong, for test_cases.sh: the test library has to
 * catch all of them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/cases.h"

static void good(void **state)
{
	char dir[64];

	(void)state;
	test_make_dir(dir, sizeof dir);
	assert_int_equal(rmdir(dir), 0);
}

static void fails(void **state)
{
	(void)state;
	assert_int_equal(1, 2);
}

static void leaks_descriptor(void **state)
{
	(void)state;
	assert_true(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

static void leaks_child(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "1000", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
}

static void leaks_file(void **state)
{
	char dir[64], path[80];
	FILE *file;

	(void)state;
	test_make_dir(dir, sizeof dir);
	snprintf(path, sizeof path, "%s/forgotten", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

static void crashes(void **state)
{
	(void)state;
	abort();
}

static void hangs(void **state)
{
	(void)state;
	for (;;)
		pause();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),        cmocka_unit_test(fails),
		cmocka_unit_test(leaks_child), cmocka_unit_test(leaks_descriptor),
		cmocka_unit_test(leaks_file),  cmocka_unit_test(crashes),
		cmocka_unit_test(hangs),
	};

	return test_run_cases(tests, NULL, NULL);
}
