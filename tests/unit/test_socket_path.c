/* test_socket_path.c - where a client looks for watd. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/socket_path.h"
#include "tests/lib/cases.h"

static char dir[64], own_dir[80], own[96], system_wide[96];

static int set_up(void **state)
{
	(void)state;
	test_make_dir(dir, sizeof dir);
	snprintf(own_dir, sizeof own_dir, "%s/watd", dir);
	snprintf(own, sizeof own, "%s/watd.sock", own_dir);
	snprintf(system_wide, sizeof system_wide, "%s/system.sock", dir);
	return mkdir(own_dir, 0700);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(own);
	unlink(system_wide);
	rmdir(own_dir);
	return rmdir(dir);
}

static void make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void assert_chosen(unsigned uid, const char *runtime_dir, const char *expected)
{
	char *path = socket_path_choose(uid, runtime_dir, system_wide);

	assert_string_equal(path, expected);
	free(path);
}

/* One's own watd goes before the system's, and that before none; root has the system's. */
static void test_choice(void **state)
{
	(void)state;
	assert_chosen(1000, dir, own);
	make(system_wide);
	assert_chosen(1000, dir, system_wide);
	make(own);
	assert_chosen(1000, dir, own);
	assert_chosen(0, dir, system_wide);
}

/* Without $XDG_RUNTIME_DIR one's own is where logind would have made it. */
static void test_no_runtime_dir(void **state)
{
	(void)state;
	assert_chosen(4294967294u, NULL, "/run/user/4294967294/watd/watd.sock");
	assert_chosen(4294967294u, "", "/run/user/4294967294/watd/watd.sock");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {CASE(test_choice), CASE(test_no_runtime_dir)};

	return test_run_cases(tests, NULL, NULL);
}
