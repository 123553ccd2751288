/* test_lock.c - one watd per state directory. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/supervisor/lock.h"
#include "tests/lib/cases.h"

static void remove_dir(const char *dir)
{
	char path[96];

	snprintf(path, sizeof path, "%s/lock", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Takes the lock and forks once, as watd does for a host; says so when both are there. */
static void __attribute__((noreturn)) hold(const char *dir, const int *said, int wait)
{
	int fd, other;
	char byte = 0;

	if (lock_state_dir(dir, &fd, &other) < 0)
		_exit(1);
	close(said[0]);
	if (fork() == 0) {
		/* Until the test ends it. */
		(void)!write(said[1], &byte, 1);
		close(said[1]);
		(void)!read(wait, &byte, 1);
		_exit(0);
	}
	for (;;)
		(void)pause();
}

/* A second process is told who has it. When that one is killed the lock is free, also while a child
 * that it had just forked is still there. */
static void test_lock(void **state)
{
	int said[2], wait[2], fd, other = 0;
	char dir[64], byte;
	pid_t pid;

	(void)state;
	test_make_dir(dir, sizeof dir);
	assert_int_equal(pipe(said), 0);
	assert_int_equal(pipe(wait), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(wait[1]);
		hold(dir, said, wait[0]);
	}
	close(said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	assert_int_equal(lock_state_dir(dir, &fd, &other), -EBUSY);
	assert_int_equal(other, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lock_state_dir(dir, &fd, &other), 0);
	close(fd);
	close(said[0]);
	close(wait[0]);
	/* The child ends, and is this process's now. */
	close(wait[1]);
	assert_true(waitpid(-1, NULL, 0) > 0);
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lock)};

	return test_run_cases(tests, NULL, NULL);
}
