/* test_waiting.c - clients that wait: for a handler that runs, for an answer that is given later,
 * behind others. What becomes of the service when they are killed, and of them when it stops. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.client.h"
#include "probe.client.h"
#include "tests/scenario/desk.h"

static void wait_logged(const struct desk *d, const char *text)
{
	while (!test_daemon_logged(&d->daemon, text))
		(void)sched_yield();
}

static long shown(struct desk *d, const char *name, const char *key)
{
	struct test_output out;
	char pattern[64];
	const char *at;

	test_watctl(&d->daemon, &out, "-j", "show", name, NULL);
	assert_int_equal(out.code, 0);
	snprintf(pattern, sizeof pattern, "\"%s\":", key);
	at = strstr(out.out, pattern);
	assert_non_null(at);
	at += strlen(pattern);
	return strtol(at + strspn(at, "\" "), NULL, 10);
}

/* What Block waits for. */
static void release(struct desk *d, const char *name)
{
	pid_t pid = (pid_t)shown(d, name, "pid");

	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGUSR1), 0);
}

static int64_t read_cell(ledger_user *user, uint32_t at)
{
	ledger_cell cell = LEDGER_CELL_INIT;
	ledger_answer *answer = NULL;
	int64_t value;

	cell.at = at;
	assert_int_equal(ledger_read(user, &cell, &answer), 0);
	value = answer->value;
	ledger_answer_free(answer);
	return value;
}

struct service {
	ledger_admin *admin;
	ledger_user *user;
};

static struct service begin(struct desk *d, uint32_t tier)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	struct service s = {NULL, NULL};

	spawn.tier = tier;
	grant.name = "u1";
	assert_int_equal(ledger_spawn(d->node, "l1", &spawn, NULL, &s.admin), 0);
	assert_int_equal(ledger_provision(s.admin, &grant, &s.user), 0);
	return s;
}

static void end(struct service *s)
{
	ledger_user_free(s->user);
	ledger_admin_free(s->admin);
}

/* A client of its own process, in the middle of a call to Block when this returns. */
static pid_t start_blocked(struct desk *d, ledger_admin *admin)
{
	char token_file[128], *token = NULL;
	char *arguments[] = {(char *)"watctl",
			     (char *)"-s",
			     d->daemon.socket,
			     (char *)"call",
			     (char *)"--token",
			     token_file,
			     (char *)"l1",
			     (char *)"Block",
			     (char *)"{\"at\":1,\"value\":8}",
			     NULL};
	struct wat_grant grant = WAT_GRANT_INIT;
	FILE *file;
	pid_t pid;

	grant.name = "killed";
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token), 0);
	snprintf(token_file, sizeof token_file, "%s/token", d->daemon.dir);
	file = fopen(token_file, "we");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	fprintf(file, "%s\n", token);
	fclose(file);
	wat_memory_free(token);
	assert_int_equal(
		posix_spawn(&pid, WAT_BUILD_DIR "/bin/watctl", NULL, NULL, arguments, environ), 0);
	wait_logged(d, "blocked until SIGUSR1");
	return pid;
}

/* A client is killed while the handler of its call runs: the handler goes on, what it did is the
 * state, and no death is recorded of the service. row 44 */
static void killed_in_call(struct desk *d, uint32_t tier)
{
	struct service s = begin(d, tier);
	pid_t pid = start_blocked(d, s.admin);
	int status = 0;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, SIGKILL);
	release(d, "l1");
	assert_int_equal(read_cell(s.user, 1), 8);
	assert_int_equal(shown(d, "l1", "deaths"), 0);
	assert_int_equal(shown(d, "l1", "generation"), 1);
	assert_int_equal(ledger_stop(s.admin, NULL), 0);
	assert_false(test_daemon_logged(&d->daemon, "died"));
	end(&s);
}

static void test_killed_in_call_thread(void **state)
{
	killed_in_call(*state, WAT_TIER_THREAD);
}

static void test_killed_in_call_process(void **state)
{
	killed_in_call(*state, WAT_TIER_PROCESS);
}

struct outcome {
	unsigned n_ok, n_stopped, n_other;
	int other; /* a status of those */
};

static void note(struct outcome *outcome, int status)
{
	if (status == 0)
		outcome->n_ok++;
	else if (status == WAT_STOPPED)
		outcome->n_stopped++;
	else {
		outcome->n_other++;
		outcome->other = status;
	}
}

static void on_answer(void *arg,
		      int status,
		      const ledger_answer *out,
		      const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	note(arg, status);
}

static void on_value(void *arg,
		     int status,
		     const probe_value *out,
		     const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	note(arg, status);
}

struct stopper {
	ledger_admin *admin;
	int r;
};

static void *stop_ledger(void *arg)
{
	struct stopper *stopper = arg;

	stopper->r = ledger_stop(stopper->admin, NULL);
	return NULL;
}

static int send_write(ledger_user *user, int64_t value, struct outcome *outcome)
{
	ledger_cell cell = LEDGER_CELL_INIT;

	cell.value = value;
	return ledger_write_send(user, &cell, on_answer, outcome);
}

/* Calls wait behind one whose handler runs when the Stop comes. All that were sent before are done,
 * those sent while it stops are done or told STOPPED; none hears of a death or of a lost channel.
 * row 54 */
static void stop_behind_handler(struct desk *d, uint32_t tier)
{
	struct service s = begin(d, tier);
	struct outcome block = {0}, before = {0}, during = {0};
	struct wat_grant grant = WAT_GRANT_INIT;
	struct stopper stopper = {.admin = s.admin};
	ledger_cell cell = LEDGER_CELL_INIT;
	ledger_user *user = NULL;
	char *token = NULL;
	pthread_t thread;

	grant.name = "u2";
	assert_int_equal(wat_provision_raw((wat_capability *)s.admin, &grant, &token), 0);
	assert_int_equal(ledger_user_open(d->user_side, token, &user), 0);
	wat_memory_free(token);
	assert_int_equal(ledger_block_send(user, &cell, on_answer, &block), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(send_write(user, i, &before), 0);
	wait_logged(d, "blocked until SIGUSR1");
	assert_int_equal(pthread_create(&thread, NULL, stop_ledger, &stopper), 0);
	wait_logged(d, "from=ready to=stopping");
	for (int i = 0; i < 100; i++)
		assert_int_equal(send_write(user, 100 + i, &during), 0);
	release(d, "l1");
	while (wat_outstanding(d->user_side) > 0)
		assert_int_equal(wat_dispatch(d->user_side, -1), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(stopper.r, 0);
	assert_int_equal(block.n_ok, 1);
	assert_int_equal(before.n_ok, 100);
	assert_int_equal(during.n_other, 0);
	assert_int_equal(during.n_ok + during.n_stopped, 100);
	assert_int_equal(ledger_write(user, &cell, NULL), WAT_STOPPED);
	ledger_user_free(user);
	end(&s);
}

static void test_stop_behind_handler_thread(void **state)
{
	stop_behind_handler(*state, WAT_TIER_THREAD);
}

static void test_stop_behind_handler_process(void **state)
{
	stop_behind_handler(*state, WAT_TIER_PROCESS);
}

struct waiter {
	probe_user *user;
	int r, n_causes;
};

static void *wait_blocked(void *arg)
{
	struct waiter *waiter = arg;

	waiter->r = probe_wait(waiter->user, NULL, NULL);
	waiter->n_causes = (int)wat_failure()->n_causes;
	return NULL;
}

/* Clients wait for answers that the service gives later, one in a blocking call, one with many
 * under way: the Stop answers all of them STOPPED. row 54 */
static void stop_while_waiting(struct desk *d, uint32_t tier)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	probe_admin *admin = NULL;
	struct waiter waiter = {0};
	struct outcome outcome = {0};
	probe_user *user = NULL;
	char *token = NULL;
	pthread_t thread;
	wat *own = NULL;

	spawn.tier = tier;
	grant.name = "u1";
	assert_int_equal(probe_spawn(d->node, "p1", &spawn, NULL, &admin), 0);
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token), 0);
	assert_int_equal(probe_user_open(d->user_side, token, &user), 0);
	assert_int_equal(wat_connect(d->daemon.socket, &own), 0);
	assert_int_equal(probe_user_open(own, token, &waiter.user), 0);
	wat_memory_free(token);
	assert_int_equal(pthread_create(&thread, NULL, wait_blocked, &waiter), 0);
	while (wat_outstanding(d->user_side) < 10)
		assert_int_equal(probe_wait_send(user, NULL, on_value, &outcome), 0);
	assert_int_equal(probe_get(user, NULL, NULL), 0);
	assert_int_equal(probe_stop(admin, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	while (wat_outstanding(d->user_side) > 0)
		assert_int_equal(wat_dispatch(d->user_side, -1), 0);
	assert_int_equal(waiter.r, WAT_STOPPED);
	assert_int_equal(waiter.n_causes, 0);
	assert_int_equal(outcome.n_stopped, 10);
	probe_user_free(waiter.user);
	wat_free(own);
	probe_user_free(user);
	probe_admin_free(admin);
}

static void test_stop_while_waiting_thread(void **state)
{
	stop_while_waiting(*state, WAT_TIER_THREAD);
}

static void test_stop_while_waiting_process(void **state)
{
	stop_while_waiting(*state, WAT_TIER_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_killed_in_call_thread),
		DESK_CASE(test_killed_in_call_process),
		DESK_CASE(test_stop_behind_handler_thread),
		DESK_CASE(test_stop_behind_handler_process),
		DESK_CASE(test_stop_while_waiting_thread),
		DESK_CASE(test_stop_while_waiting_process),
	};

	return test_run_cases(tests, NULL, NULL);
}
