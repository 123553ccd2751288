/* test_restart.c - what survives: suspension, kill -9 of watd, the death of a host. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <poll.h>

#include "counter.client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/cases.h"

struct world {
	struct test_daemon daemon;
	char token[2048];
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	test_daemon_init(&w->daemon, NULL);
	test_daemon_start(&w->daemon);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	test_daemon_deinit(&w->daemon);
	free(w);
	return 0;
}

/* An instance c1 and a user's token, by watctl. */
static void provision(struct world *w, const char *tier, const char *state)
{
	struct test_output out;

	test_watctl(&w->daemon, &out, "spawn", "counter", "c1", "--tier", tier, "--state", state,
		    NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&w->daemon, &out, "provision", "c1", "me", NULL);
	assert_int_equal(out.code, 0);
	assert_memory_equal(out.out, "wats1_", 6);
	snprintf(w->token, sizeof w->token, "%.2000s", out.out);
}

static counter_user *open_user(struct world *w, wat **ret_wat)
{
	counter_user *u;

	assert_int_equal(wat_connect(w->daemon.socket, ret_wat), 0);
	assert_int_equal(counter_user_open(*ret_wat, w->token, &u), 0);
	return u;
}

static int64_t get(counter_user *u)
{
	int64_t value = -1;

	assert_int_equal(counter_get_with(u, &value), 0);
	return value;
}

/* A number in `watctl show -j`. */
static long show_number(struct world *w, const char *key)
{
	struct test_output out;
	char pattern[64];
	const char *at;

	test_watctl(&w->daemon, &out, "-j", "show", "c1", NULL);
	assert_int_equal(out.code, 0);
	snprintf(pattern, sizeof pattern, "\"%s\":", key);
	at = strstr(out.out, pattern);
	assert_non_null(at);
	at += strlen(pattern);
	at += strspn(at, " \"");
	return strtol(at, NULL, 10);
}

static void assert_state(struct world *w, const char *expected)
{
	struct test_output out;
	char pattern[64];

	test_watctl(&w->daemon, &out, "show", "c1", NULL);
	assert_int_equal(out.code, 0);
	snprintf(pattern, sizeof pattern, "%s", expected);
	if (!strstr(out.out, pattern))
		fail_msg("expected %s in: %s", expected, out.out);
}

/* SIGTERM suspends; the next start resumes the instance with its state, and the token is still
 * good. */
static void suspend_and_resume(struct world *w, const char *tier)
{
	counter_user *u;
	wat *client;

	provision(w, tier, "{\"value\":41}");
	u = open_user(w, &client);
	assert_int_equal(counter_increment_with(u, 1, NULL), 0);
	assert_int_equal(test_daemon_terminate(&w->daemon), 0);
	test_daemon_start(&w->daemon);
	/* The same handle goes on: libwat connects and binds again. */
	assert_int_equal(get(u), 42);
	counter_user_free(u);
	wat_free(client);
	assert_int_equal(show_number(w, "generation"), 2);
	assert_int_equal(show_number(w, "deaths"), 0);
}

static void test_suspend_thread(void **state)
{
	suspend_and_resume(*state, "thread");
}

static void test_suspend_process(void **state)
{
	suspend_and_resume(*state, "process");
}

/* kill -9 of watd: grants and the committed state are there again. */
static void test_kill_watd(void **state)
{
	struct world *w = *state;
	counter_user *u;
	wat *client;

	provision(w, "process", "{\"value\":5}");
	test_daemon_kill(&w->daemon);
	test_daemon_start(&w->daemon);
	u = open_user(w, &client);
	assert_int_equal(get(u), 5);
	counter_user_free(u);
	wat_free(client);
}

/* A final state that was answered survives kill -9 right after (row 57), and start goes on from it.
 */
static void test_stop_then_kill(void **state)
{
	struct world *w = *state;
	struct test_output out;

	provision(w, "process", "{\"value\":5}");
	test_watctl(&w->daemon, &out, "call", "c1", "Increment", "{\"n\":3}", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&w->daemon, &out, "stop", "c1", NULL);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.out, "\"8\""));
	test_daemon_kill(&w->daemon);
	test_daemon_start(&w->daemon);
	assert_state(w, "stopped");
	test_watctl(&w->daemon, &out, "start", "c1", "--tier", "thread", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&w->daemon, &out, "provision", "c1", "other", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&w->daemon, &out, "call", "c1", "Get", "--as", "other", NULL);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.out, "\"8\""));
}

/* Ends the host and waits until it has gone. */
static void kill_host(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fd = {.fd = pidfd, .events = POLLIN};

	assert_true(pidfd >= 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(poll(&fd, 1, -1), 1);
	close(pidfd);
}

/* A host that dies is started again from the committed state; the sixth death within ten seconds is
 * the end, which names its cause, hurts nobody else, and which start leaves with the next
 * generation of the same incarnation. */
static void deaths(struct world *w, const char *tier)
{
	struct test_output out;
	counter_user *u;
	int64_t value;
	wat *client;

	provision(w, tier, "{\"value\":9}");
	test_watctl(&w->daemon, &out, "spawn", "counter", "other", "--tier", "process", NULL);
	assert_int_equal(out.code, 0);
	u = open_user(w, &client);
	for (int i = 0; i < 5; i++) {
		kill_host((pid_t)show_number(w, "pid"));
		/* Waits in BIND until the instance is back. */
		assert_int_equal(get(u), 9);
		assert_int_equal(show_number(w, "deaths"), i + 1);
	}
	kill_host((pid_t)show_number(w, "pid"));
	assert_int_equal(counter_get_with(u, &value), WAT_SERVER_DIED);
	assert_true(wat_failure()->n_causes == 1);
	assert_int_equal(wat_failure()->causes[0].kind, WAT_CAUSE_SIGNAL);
	assert_string_equal(wat_failure()->causes[0].service, "counter.Counter");
	/* A User is told that, and no more; who asks as the Admin does is told all of it. row 49 */
	assert_int_equal(wat_failure()->causes[0].signal, 0);
	assert_string_equal(wat_failure()->causes[0].instance, "");
	assert_string_equal(wat_failure()->causes[0].text, "");
	assert_null(strstr(wat_failure()->text, "signal"));
	assert_state(w, "failed");
	assert_state(w, "was killed by signal 9");
	assert_int_equal(show_number(w, "signal"), SIGKILL);
	test_watctl(&w->daemon, &out, "show", "other", NULL);
	assert_non_null(strstr(out.out, "ready"));
	test_watctl(&w->daemon, &out, "start", "c1", NULL);
	assert_int_equal(out.code, 0);
	assert_int_equal(get(u), 9);
	assert_int_equal(show_number(w, "generation"), 7);
	counter_user_free(u);
	wat_free(client);
	test_watctl(&w->daemon, &out, "stop", "c1", NULL);
	assert_int_equal(out.code, 0);
}

static void test_deaths_process(void **state)
{
	deaths(*state, "process");
}

static void test_deaths_thread(void **state)
{
	deaths(*state, "thread");
}

/* One watd per state directory: the second says by which pid the first holds it, and the first goes
 * on. */
static void test_second_watd(void **state)
{
	struct world *w = *state;
	struct test_daemon second = w->daemon;
	struct test_output out;
	char text[32];

	test_daemon_spawn(&second, NULL);
	assert_int_equal(test_daemon_wait(&second), 1);
	snprintf(text, sizeof text, "pid=%d", (int)w->daemon.pid);
	assert_true(test_daemon_logged(&w->daemon, text));
	test_watctl(&w->daemon, &out, "status", NULL);
	assert_int_equal(out.code, 0);
}

/* Listens as a watd does, and forks as it does for a host. */
static void __attribute__((noreturn)) listen_and_fork(const char *path, int said)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t child;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0)
		_exit(1);
	child = fork();
	if (child > 0 && write(said, &child, sizeof child) != sizeof child)
		_exit(1);
	for (;;)
		(void)pause();
}

/* A watd that is killed between fork and exec of a host leaves its socket open in that child, where
 * nobody accepts: the next one takes its place. */
static void test_socket_of_a_child(void **state)
{
	struct world *w = *state;
	int said[2];
	char path[96];
	pid_t pid, child;

	snprintf(path, sizeof path, "%s/run/watd.sock", w->daemon.dir);
	assert_int_equal(test_daemon_terminate(&w->daemon), 0);
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		listen_and_fork(path, said[1]);
	assert_int_equal(read(said[0], &child, sizeof child), sizeof child);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	test_daemon_start(&w->daemon);
	close(said[0]);
	close(said[1]);
	/* It is this process's now. */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_suspend_thread), CASE(test_suspend_process),   CASE(test_kill_watd),
		CASE(test_stop_then_kill), CASE(test_deaths_process),    CASE(test_deaths_thread),
		CASE(test_second_watd),    CASE(test_socket_of_a_child),
	};

	return test_run_cases(tests, NULL, NULL);
}
