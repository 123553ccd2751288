/* test_gate_threads.c - whoever has bound something is not kept waiting by those who did not, nor
 * by those who send much at once: the gate's patient thread, which serves the latter, is held, and
 * the others are served as before. */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenario/hand.h"
#include "tests/scenario/remote.h"

#define GET 0 /* counter.Counter */
#define STRANGERS 100
#define CALLS 500

/* The main thread alone: the patient one. */
static void hold(pid_t gate)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, gate, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, gate, NULL, NULL), 0);
	assert_int_equal(waitpid(gate, &status, __WALL), gate);
	assert_true(WIFSTOPPED(status));
}

static void let_go(pid_t gate)
{
	assert_int_equal(ptrace(PTRACE_DETACH, gate, NULL, NULL), 0);
}

static bool says_something(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	assert_true(poll(&readable, 1, 0) >= 0);
	return readable.revents != 0;
}

/* Connections that say nothing, and some that send what is no handshake. */
static void connect_strangers(const struct remote *r, int fds[static STRANGERS])
{
	static const char garbage[4096] = "0123456789";

	for (size_t i = 0; i < STRANGERS; i++) {
		fds[i] = hand_dial(r->address);
		if (i % 2)
			assert_int_equal(send(fds[i], garbage, sizeof garbage, MSG_NOSIGNAL),
					 sizeof garbage);
	}
}

/* However many connect and prove nothing, and though nobody serves them: who has bound something is
 * served, on TCP and on the gate's socket. Then they are, too: those that are no clients are gone,
 * and a newcomer is welcome (row 43). */
static void test_strangers_wait(void **state)
{
	struct remote *r = *state;
	char *tokens[2] = {remote_token(r, "u1"), remote_token(r, "u2")};
	const char *places[2] = {r->address, r->gate_socket};
	pid_t gate = remote_gate(r);
	int fds[STRANGERS], fd;
	struct hand newcomer;
	counter_user *users[2];
	wat *w[2];

	for (size_t i = 0; i < 2; i++) {
		users[i] = remote_user(places[i], tokens[i], &w[i]);
		assert_int_equal(counter_increment_with(users[i], 1, NULL), 0);
	}
	hold(gate);
	connect_strangers(r, fds);
	fd = hand_dial(r->address);
	for (size_t i = 0; i < CALLS; i++)
		assert_int_equal(counter_increment_with(users[i % 2], 1, NULL), 0);
	for (size_t i = 0; i < STRANGERS; i++)
		assert_false(says_something(fds[i]));
	let_go(gate);
	assert_int_equal(hand_begin(&newcomer, r->address, fd), 0);
	hand_greet(&newcomer);
	hand_close(&newcomer);
	for (size_t i = 0; i < STRANGERS; i++) {
		char byte;

		if (i % 2)
			assert_true(recv(fds[i], &byte, 1, 0) <= 0);
		close(fds[i]);
	}
	assert_int_equal(remote_get(users[0]), CALLS + 2);
	for (size_t i = 0; i < 2; i++) {
		counter_user_free(users[i]);
		wat_free(w[i]);
		wat_memory_free(tokens[i]);
	}
}

/* So many calls in one write; all are answered. */
static void call(struct hand *hand, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)hand_queue_call(hand, GET, NULL, 0);
	hand_flush(hand);
	for (size_t i = 0; i < n; i++) {
		assert_true(hand_read(hand));
		assert_int_equal(hand->frame.type, FRAME_REPLY);
	}
}

/* Who sends many calls at once, again and again, is served by the patient thread, so that others
 * need not wait for it; none of its calls is lost on the way there and back, and it is back when it
 * sends one at a time (row 43). */
static void test_bulk_waits(void **state)
{
	struct remote *r = *state;
	char *tokens[2] = {remote_token(r, "u1"), remote_token(r, "u2")};
	pid_t gate = remote_gate(r);
	struct hand loud;
	counter_user *user;
	wat *w;

	user = remote_user(r->address, tokens[0], &w);
	assert_int_equal(counter_increment_with(user, 1, NULL), 0);
	hand_connect(&loud, r->address);
	hand_greet(&loud);
	hand_bind_handle(&loud, tokens[1]);
	for (int i = 0; i < 100; i++)
		call(&loud, 64);
	hold(gate);
	(void)hand_queue_call(&loud, GET, NULL, 0);
	hand_flush(&loud);
	for (size_t i = 0; i < CALLS; i++)
		assert_int_equal(counter_increment_with(user, 1, NULL), 0);
	assert_false(says_something(loud.stream.fd));
	let_go(gate);
	assert_true(hand_read(&loud));
	assert_int_equal(loud.frame.type, FRAME_REPLY);
	for (int i = 0; i < 100; i++)
		call(&loud, 1);
	hold(gate);
	call(&loud, 1);
	let_go(gate);
	hand_close(&loud);
	counter_user_free(user);
	wat_free(w);
	for (size_t i = 0; i < 2; i++)
		wat_memory_free(tokens[i]);
}

/* The patient thread gives way to all others of the machine, the other one to none. */
static void test_priorities(void **state)
{
	struct remote *r = *state;
	pid_t gate = remote_gate(r);
	int own = getpriority(PRIO_PROCESS, 0), n_prompt = 0, n = 0;
	struct dirent *entry;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", (int)gate);
	threads = opendir(path);
	assert_non_null(threads);
	while ((entry = readdir(threads))) {
		int tid = atoi(entry->d_name);

		if (tid == 0)
			continue;
		n++;
		n_prompt += getpriority(PRIO_PROCESS, (id_t)tid) == own;
		if (tid == gate)
			assert_true(getpriority(PRIO_PROCESS, (id_t)tid) > own);
	}
	closedir(threads);
	assert_true(n >= 2);
	assert_int_equal(n_prompt, n - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		REMOTE_CASE(test_strangers_wait),
		REMOTE_CASE(test_bulk_waits),
		REMOTE_CASE(test_priorities),
	};

	if (geteuid() != 0) {
		fputs("SKIPPED: only root can hold a thread of the gate\n", stderr);
		return 77;
	}
	return test_run_cases(tests, NULL, NULL);
}
