/* test_activate.c - a socket activator of others starts watd when somebody connects: under the
 * names of our socket units (row 110). */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

static struct test_daemon the_daemon;
static struct test_output out;

static int set_up(void **state)
{
	(void)state;
	test_daemon_init(&the_daemon, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_daemon_deinit(&the_daemon);
	return 0;
}

/* The name that a socket unit gives to its descriptor. */
static void name_of(const char *unit, char *ret, size_t size)
{
	static const char key[] = "FileDescriptorName=";
	char line[256];
	FILE *file = fopen(unit, "r");

	*ret = '\0';
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, key, sizeof key - 1) == 0)
			snprintf(ret, size, "%.*s", (int)strcspn(line + sizeof key - 1, "\n"),
				 line + sizeof key - 1);
	fclose(file);
	assert_true(*ret != '\0');
}

static void __attribute__((noreturn)) run_activator(int err, pid_t parent)
{
	char names[128], client[32], admin[32], notify[128], state[96], run[96];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	name_of(WAT_SOURCE_DIR "/systemd/watd.socket", client, sizeof client);
	name_of(WAT_SOURCE_DIR "/systemd/watd-admin.socket", admin, sizeof admin);
	snprintf(names, sizeof names, "--fdname=%s:%s", client, admin);
	snprintf(notify, sizeof notify, "NOTIFY_SOCKET=%s/notify", the_daemon.dir);
	snprintf(state, sizeof state, "%s/state", the_daemon.dir);
	snprintf(run, sizeof run, "%s/run", the_daemon.dir);
	execlp("systemd-socket-activate", "systemd-socket-activate", "-l", the_daemon.socket, "-l",
	       the_daemon.admin_socket, names, "-E", notify, WAT_BUILD_DIR "/bin/watd",
	       "--state-dir", state, "--runtime-dir", run, "--plugin-dir", WAT_BUILD_DIR "/plugins",
	       (char *)NULL);
	_exit(127);
}

/* Until both are listened on; then it waits for somebody. */
static FILE *start_activator(void)
{
	char dir[96], line[512];
	int fds[2], n = 0;
	pid_t parent = getpid();
	FILE *err;

	snprintf(dir, sizeof dir, "%s/run", the_daemon.dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(pipe(fds), 0);
	the_daemon.pid = fork();
	assert_true(the_daemon.pid >= 0);
	if (the_daemon.pid == 0)
		run_activator(fds[1], parent);
	close(fds[1]);
	err = fdopen(fds[0], "r");
	while (n < 2 && fgets(line, sizeof line, err))
		n += strncmp(line, "Listening on ", 13) == 0;
	assert_int_equal(n, 2);
	return err;
}

/* The first to connect starts watd and is served; it says that it is ready, to whom it was told. */
static void test_first_connection(void **state)
{
	FILE *err = start_activator();
	char text[1024], line[1024];
	bool missing = false;

	(void)state;
	test_watctl(&the_daemon, &out, "spawn", "counter", "c1", NULL);
	assert_int_equal(out.code, 0);
	assert_true(test_daemon_told(&the_daemon, "READY=1", text, sizeof text));
	assert_true(test_daemon_told(&the_daemon, "STATUS=1 instance ready", text, sizeof text));
	test_watctl(&the_daemon, &out, "provision", "c1", "me", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&the_daemon, &out, "call", "c1", "Increment", "{\"n\":2}", NULL);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.out, "\"2\""));
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	while (fgets(line, sizeof line, err))
		missing |= strstr(line, "one of two sockets") != NULL;
	assert_false(missing);
	fclose(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_connection),
	};

	return test_run_cases(tests, set_up, tear_down);
}
