/* test_host_sandbox.c - the two stages as each version of Landlock makes them, and the filter of
 * system calls. Each try is made by a child, which ends with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/call_filter.h"
#include "daemon/base/landlock.h"
#include "daemon/base/sanitized.h"
#include "daemon/host/sandbox.h"
#include "tests/lib/cases.h"

#define LIBRARY "/etc/ld.so.cache"

/* A directory with a file that may be read, one that may be written, and one that is for nobody. */
struct files {
	char dir[64], read[96], write[96], secret[96];
};

static void make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static int set_up(void **state)
{
	struct files *files = calloc(1, sizeof *files);

	assert_non_null(files);
	test_make_dir(files->dir, sizeof files->dir);
	(void)snprintf(files->read, sizeof files->read, "%s/read", files->dir);
	(void)snprintf(files->write, sizeof files->write, "%s/write", files->dir);
	(void)snprintf(files->secret, sizeof files->secret, "%s/secret", files->dir);
	make(files->read);
	make(files->write);
	make(files->secret);
	*state = files;
	return 0;
}

static int tear_down(void **state)
{
	struct files *files = *state;

	(void)unlink(files->read);
	(void)unlink(files->write);
	(void)unlink(files->secret);
	(void)rmdir(files->dir);
	free(files);
	return 0;
}
#define FILES_CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC), error = fd < 0 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return error;
}

/* The number of the line that is not so ends the child. */
#define EXPECT(is, wanted)               \
	do {                             \
		if ((is) != (wanted))    \
			return __LINE__; \
	} while (0)

static int in_child(int (*run)(const struct files *, int), const struct files *files, int argument)
{
	int status, fds[2], line = 0;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		line = run(files, argument);
		(void)!write(fds[1], &line, sizeof line);
		_exit(0);
	}
	(void)close(fds[1]);
	assert_int_equal(read(fds[0], &line, sizeof line), sizeof line);
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return line;
}

static int enter(struct sandbox *sandbox, const struct files *files, int abi, bool pool)
{
	const struct landlock_place places[] = {{files->read, LANDLOCK_READ, false},
						{files->write, LANDLOCK_WRITE, false}};
	const struct sandbox_wants wants = {
		.places = places, .n_places = 2, .pool = pool, .landlock = abi};
	char text[SANDBOX_TEXT_MAX];

	*sandbox = (struct sandbox)SANDBOX_INIT;
	return sandbox_enter(sandbox, &wants, text);
}

static int as_of_version(const struct files *files, int abi)
{
	char text[SANDBOX_TEXT_MAX];
	struct sandbox sandbox;

	EXPECT(enter(&sandbox, files, abi, false), 0);
	EXPECT(try_open(LIBRARY, O_RDONLY), 0);
	EXPECT(try_open(files->read, O_RDONLY), 0);
	EXPECT(try_open(files->write, O_RDWR), 0);
	EXPECT(try_open(files->read, O_RDWR), EACCES);
	EXPECT(try_open(files->secret, O_RDONLY), EACCES);
	EXPECT(try_open(files->dir, O_RDONLY | O_DIRECTORY), EACCES);
	EXPECT(sandbox_close(&sandbox, text), 0);
	EXPECT(try_open(LIBRARY, O_RDONLY), EACCES);
	EXPECT(try_open(files->read, O_RDONLY), 0);
	EXPECT(try_open(files->write, O_RDWR), 0);
	EXPECT(try_open(files->secret, O_RDONLY), EACCES);
	EXPECT(unlink(files->secret) < 0 ? errno : 0, EACCES);
	EXPECT(sandbox.stage, SANDBOX_TWO);
	EXPECT(sandbox.rules, -1);
	return 0;
}

/* Both stages hold, whichever version of Landlock the kernel has: it is held down to each that is
 * older. */
static void test_each_version(void **state)
{
	int newest = landlock_abi();

	assert_true(newest >= 1);
	for (int abi = 1; abi <= newest; abi++)
		if (in_child(as_of_version, *state, abi) != 0)
			fail_msg("version %d: line %d", abi, in_child(as_of_version, *state, abi));
}

static int without(const struct files *files, int pool)
{
	char text[SANDBOX_TEXT_MAX];
	struct sandbox sandbox;

	if (pool) {
		EXPECT(enter(&sandbox, files, 0, true), -EOPNOTSUPP);
		EXPECT(sandbox.stage, SANDBOX_NONE);
		return 0;
	}
	EXPECT(enter(&sandbox, files, 0, false), 0);
	EXPECT(try_open(files->secret, O_RDONLY), 0);
	EXPECT(sandbox_close(&sandbox, text), 0);
	EXPECT(socket(AF_UNIX, SOCK_STREAM, 0), -1);
	EXPECT(errno, EPERM);
	return 0;
}

/* Without Landlock a pool is refused unless it is trusted; in a process of its own the list of
 * calls holds. */
static void test_without_landlock(void **state)
{
	assert_int_equal(in_child(without, *state, true), 0);
	assert_int_equal(in_child(without, *state, false), 0);
}

static int pid_of(const struct files *files, int argument)
{
	struct call_filter filter;
	static const int allowed[] = {SYS_write, SYS_exit_group, SYS_getppid};
	static const struct call_argument wide = {0, ARGUMENT_IS_WIDE, 0x100000002ull},
					  low = {0, ARGUMENT_IS, 7},
					  bits[] = {{1, ARGUMENT_WITHOUT, 6}, {2, ARGUMENT_IS, 1}};

	(void)files;
	(void)argument;
	call_filter_init(&filter);
	call_filter_allow(&filter, allowed, 3);
	call_filter_allow_when(&filter, SYS_close, &low, 1);
	call_filter_allow_when(&filter, SYS_close, &wide, 1);
	call_filter_allow_when(&filter, SYS_dup3, bits, 2);
	call_filter_fail(&filter, SYS_getpid, ENOSYS);
	call_filter_allow(&filter, (const int[]){SYS_getpid}, 1);
	EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	EXPECT(call_filter_enter(&filter, false), 0);
	EXPECT(syscall(SYS_getppid) > 0, true);
	EXPECT(syscall(SYS_getpid), -1);
	EXPECT(errno, ENOSYS);
	EXPECT(syscall(SYS_gettid), -1);
	EXPECT(errno, EPERM);
	/* Let through, the kernel says EBADF. */
	EXPECT(syscall(SYS_close, 7), -1);
	EXPECT(errno, EBADF);
	EXPECT(syscall(SYS_close, 8), -1);
	EXPECT(errno, EPERM);
	EXPECT(syscall(SYS_close, 2), -1);
	EXPECT(errno, EPERM);
	EXPECT(syscall(SYS_close, 0x300000002ull), -1);
	EXPECT(errno, EPERM);
	EXPECT(syscall(SYS_close, 0x100000002ull), 0);
	EXPECT(syscall(SYS_dup3, 99, 1, 1), -1);
	EXPECT(errno, EINVAL);
	EXPECT(syscall(SYS_dup3, 99, 3, 1), -1);
	EXPECT(errno, EPERM);
	EXPECT(syscall(SYS_dup3, 99, 1, 2), -1);
	EXPECT(errno, EPERM);
	return 0;
}

/* A list lets through what it names, by all of its conditions, and what comes first counts. */
static void test_filter(void **state)
{
	assert_int_equal(in_child(pid_of, *state, 0), 0);
}

/* One that did not fit is not entered. */
static void test_filter_full(void **state)
{
	static struct call_filter filter;

	(void)state;
	call_filter_init(&filter);
	for (int i = 0; i < 1000; i++)
		call_filter_allow(&filter, &i, 1);
	assert_int_equal(call_filter_enter(&filter, false), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILES_CASE(test_filter),
		cmocka_unit_test(test_filter_full),
		FILES_CASE(test_without_landlock),
		FILES_CASE(test_each_version),
	};
	/* Nothing is given up there; what a filter lets through, a sanitizer needs more of. */
	const struct CMUnitTest sanitized[] = {cmocka_unit_test(test_filter_full)};

	if (WAT_SANITIZED)
		return test_run_cases(sanitized, NULL, NULL);
	if (landlock_abi() == 0) {
		fprintf(stderr, "THIS KERNEL HAS NO LANDLOCK: its versions are not tried\n");
		return test_cases_run(tests, 3, NULL, NULL);
	}
	return test_run_cases(tests, NULL, NULL);
}
