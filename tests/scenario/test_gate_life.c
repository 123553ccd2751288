/* test_gate_life.c - the process of the gate: what it may do, and what its end is to whom. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/scenario/hand.h"
#include "tests/scenario/relay.h"
#include "tests/scenario/remote.h"

struct tally {
	unsigned n_ok, n_other;
};

static void on_incremented(void *arg,
			   int status,
			   const counter_value *out,
			   const struct wat_failure *failure)
{
	struct tally *tally = arg;

	(void)out;
	if (status == 0) {
		tally->n_ok++;
		return;
	}
	tally->n_other++;
	fprintf(stderr, "%d: %s\n", status, failure->text);
}

#define CALLS 3000

/* Sends them all, and kills the gate when a third is answered. */
static void send_across_a_death(struct remote *r, counter_user *user, wat *w, struct tally *tally)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	pid_t gate = remote_gate(r);
	bool killed = false;

	one.n = 1;
	for (unsigned i = 0; i < CALLS; i++)
		assert_int_equal(counter_increment_send(user, &one, on_incremented, tally), 0);
	while (wat_outstanding(w) > 0) {
		assert_int_equal(wat_dispatch(w, -1), 0);
		if (!killed && tally->n_ok > CALLS / 3) {
			assert_int_equal(kill(gate, SIGKILL), 0);
			killed = true;
		}
	}
	assert_true(killed);
	remote_wait_gate(r, gate);
}

/* When the gate is killed, remote clients connect anew, and each of their calls is done once; a
 * local one goes on over the connections that it has, and a watd without a gate is still a watd
 * (rows 38, 48). */
static void test_killed(void **state)
{
	struct remote *r = *state;
	char *far_token = remote_token(r, "far"), *near_token = remote_token(r, "near");
	counter_user *far, *near;
	struct tally tally = {0};
	wat *w_far, *w_near;

	far = remote_user(r->address, far_token, &w_far);
	near = remote_user(r->daemon.socket, near_token, &w_near);
	/* One loss would be an error to it. */
	wat_set_reconnect(w_near, 0);
	assert_int_equal(remote_get(near), 0);
	send_across_a_death(r, far, w_far, &tally);
	assert_int_equal(tally.n_other, 0);
	assert_int_equal(tally.n_ok, CALLS);
	assert_int_equal(remote_get(near), CALLS);
	assert_int_equal(remote_get(far), CALLS);
	assert_true(test_daemon_logged(&r->daemon, "the gate has ended"));
	counter_user_free(far);
	counter_user_free(near);
	wat_free(w_far);
	wat_free(w_near);
	wat_memory_free(far_token);
	wat_memory_free(near_token);
}

/* The same for a client of gate.sock. */
static void test_killed_unix(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	struct tally tally = {0};
	counter_user *user;
	wat *w;

	user = remote_user(r->gate_socket, token, &w);
	send_across_a_death(r, user, w, &tally);
	assert_int_equal(tally.n_ok, CALLS);
	assert_int_equal(remote_get(user), CALLS);
	counter_user_free(user);
	wat_free(w);
	wat_memory_free(token);
}

/* A connection that is cut on its way takes the channels with it, and not their lanes: each call is
 * done once, however often the way is cut (row 48). */
static void test_cut(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	counter_amount one = COUNTER_AMOUNT_INIT;
	struct tally tally = {0};
	unsigned n_cuts = 0;
	counter_user *user;
	struct relay relay;
	wat *w;

	relay_start(&relay, r->address);
	user = remote_user(relay.address, token, &w);
	one.n = 1;
	for (unsigned i = 0; i < CALLS; i++)
		assert_int_equal(counter_increment_send(user, &one, on_incremented, &tally), 0);
	while (wat_outstanding(w) > 0) {
		assert_int_equal(wat_dispatch(w, -1), 0);
		if (tally.n_ok > (n_cuts + 1) * CALLS / 6) {
			relay_cut(&relay);
			n_cuts++;
		}
	}
	assert_int_equal(tally.n_ok, CALLS);
	assert_true(n_cuts >= 3);
	assert_int_equal(remote_get(user), CALLS);
	counter_user_free(user);
	wat_free(w);
	relay_stop(&relay);
	relay_free(&relay);
	wat_memory_free(token);
}

static void read_status(pid_t pid, const char *name, char ret[static 64])
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	*ret = '\0';
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			snprintf(ret, 64, "%.*s", (int)strcspn(line + strlen(name) + 2, "\n"),
				 line + strlen(name) + 2);
	fclose(file);
}

/* What a descriptor of it may be. */
static bool is_expected(const char *target)
{
	static const char *const begins[] = {"/dev/null", "socket:", "anon_inode:[event", "pipe:"};

	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (strncmp(target, begins[i], strlen(begins[i])) == 0)
			return true;
	return strlen(target) > 4 && strcmp(target + strlen(target) - 4, "/log") == 0;
}

static void assert_thread_shut_in(pid_t thread)
{
	char value[64];

	read_status(thread, "Uid", value);
	assert_int_not_equal(atoi(value), 0);
	read_status(thread, "NoNewPrivs", value);
	assert_string_equal(value, "1");
	read_status(thread, "CapEff", value);
	assert_string_equal(value, "0000000000000000");
#ifndef WAT_SANITIZED
	read_status(thread, "Seccomp", value);
	assert_string_equal(value, "2");
#endif
}

/* Each of its threads. */
static void assert_shut_in(pid_t gate)
{
#ifdef WAT_SANITIZED
	/* A sanitizer may have a thread of its own, from before. */
	assert_thread_shut_in(gate);
#else
	struct dirent *entry;
	size_t n = 0;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", (int)gate);
	threads = opendir(path);
	assert_non_null(threads);
	while ((entry = readdir(threads)))
		if (atoi(entry->d_name) > 0) {
			assert_thread_shut_in(atoi(entry->d_name));
			n++;
		}
	closedir(threads);
	assert_int_equal(n, 2);
#endif
}

/* The gate is not root, can't become more than it is, has a list of system calls, and holds
 * sockets, its loop and its log, and no file of watd's (row 20). */
static void test_shut_in(void **state)
{
	struct remote *r = *state;
	char path[64];
	pid_t gate;
	DIR *fds;
	struct dirent *entry;

	/* It has answered somebody, so it is past its beginning. */
	wat_free(({
		wat *w;
		assert_int_equal(wat_connect(r->address, &w), 0);
		w;
	}));
	gate = remote_gate(r);
	assert_shut_in(gate);
	snprintf(path, sizeof path, "/proc/%d/fd", (int)gate);
	fds = opendir(path);
	assert_non_null(fds);
	while ((entry = readdir(fds))) {
		char target[256];
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (!is_expected(target))
			fail_msg("descriptor %s: %s", entry->d_name, target);
	}
	closedir(fds);
}

/* The transport key is a file of watd's alone; --print-address says the same address as the log. */
static void test_address(void **state)
{
	struct remote *r = *state;
	struct test_output out;
	char path[128], conf[128], state_dir[128], expected[128];
	struct stat st;

	snprintf(path, sizeof path, "%s/state/transport.key", r->daemon.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	snprintf(conf, sizeof conf, "%s/conf/watd.conf", r->daemon.dir);
	snprintf(state_dir, sizeof state_dir, "%s/state", r->daemon.dir);
	test_watd(&r->daemon, &out, "--config", conf, "--state-dir", state_dir, "--listen",
		  strchr(r->address, '@') + 1, "--print-address", NULL);
	assert_int_equal(out.code, 0);
	snprintf(expected, sizeof expected, "%s\n", r->address);
	assert_string_equal(out.out, expected);
	test_watd(&r->daemon, &out, "--config", conf, "--state-dir", state_dir, "--listen",
		  "[::1]:7117 192.0.2.1:1", "--print-address", NULL);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.out, "@[::1]:7117\nwat://"));
	assert_non_null(strstr(out.out, "@192.0.2.1:1\n"));
	test_watd(&r->daemon, &out, "--listen", "localhost:1", "--print-address", NULL);
	assert_int_equal(out.code, 64);
}

/* Somebody still has the port when watd starts, as the gate of one that was killed does for a
 * moment: watd says so, and goes on when it is free (row 58). */
static void test_port_in_use(void **state)
{
	struct remote *r = *state;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char told[1024];

	at.sin_port = htons((uint16_t)atoi(strrchr(r->address, ':') + 1));
	assert_int_equal(test_daemon_terminate(&r->daemon), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	remote_configure(r);
	test_daemon_spawn(&r->daemon, NULL);
	assert_true(test_daemon_wait_log(&r->daemon, "an address is in use", 1));
	close(fd);
	assert_true(test_daemon_told(&r->daemon, "READY=1", told, sizeof told));
}

/* At an orderly end of watd a remote client is told so, and goes on after the next start, over a
 * lane that was kept (rows 58, 81). */
static void test_suspended(void **state)
{
	struct remote *r = *state;
	char *token = remote_token(r, "u1");
	counter_user *user;
	struct hand hand;
	wat *w;

	user = remote_user(r->address, token, &w);
	assert_int_equal(counter_increment_with(user, 3, NULL), 0);
	hand_connect(&hand, r->address);
	hand_greet(&hand);
	assert_int_equal(kill(r->daemon.pid, SIGTERM), 0);
	hand_expect_goaway(&hand, WAT_UNAVAILABLE);
	hand_close(&hand);
	assert_int_equal(test_daemon_wait(&r->daemon), 0);
	remote_start_again(r);
	assert_int_equal(counter_increment_with(user, 4, NULL), 0);
	assert_int_equal(remote_get(user), 7);
	counter_user_free(user);
	wat_free(w);
	wat_memory_free(token);
}

/* No gate outlives its watd (row 76). */
static void test_watd_killed(void **state)
{
	struct remote *r = *state;
	int pidfd = (int)syscall(SYS_pidfd_open, remote_gate(r), 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	assert_true(pidfd >= 0);
	test_daemon_kill(&r->daemon);
	assert_int_equal(poll(&ended, 1, -1), 1);
	close(pidfd);
	remote_start_again(r);
}

/* watctl status tells the addresses and sockets that clients use, and who came by the gate. */
static void test_status(void **state)
{
	struct remote *r = *state;
	static struct test_output out;
	char expected[256];
	wat *w;

	assert_int_equal(wat_connect(r->address, &w), 0);
	test_watctl(&r->daemon, &out, "status", NULL);
	assert_int_equal(out.code, 0);
	snprintf(expected, sizeof expected, "\naddress      %s\n", r->address);
	assert_non_null(strstr(out.out, expected));
	snprintf(expected, sizeof expected, "\ngate         %s\n", r->gate_socket);
	assert_non_null(strstr(out.out, expected));
	snprintf(expected, sizeof expected, "\nadmin        %s\n", r->daemon.admin_socket);
	assert_non_null(strstr(out.out, expected));
	assert_non_null(strstr(out.out, "\nby the gate  1\n"));
	test_watctl(&r->daemon, &out, "status", "-j", NULL);
	snprintf(expected, sizeof expected, "\"%s\"", r->address);
	assert_non_null(strstr(out.out, expected));
	wat_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		REMOTE_CASE(test_killed),      REMOTE_CASE(test_killed_unix),
		REMOTE_CASE(test_cut),         REMOTE_CASE(test_shut_in),
		REMOTE_CASE(test_address),     REMOTE_CASE(test_suspended),
		REMOTE_CASE(test_watd_killed), REMOTE_CASE(test_port_in_use),
		REMOTE_CASE(test_status),
	};

	return test_run_cases(tests, NULL, NULL);
}
