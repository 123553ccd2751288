/* test_share.c - one service, many programs and threads at once. row 109 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "counter.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define PROCESSES 8
#define THREADS 8
#ifdef __SANITIZE_THREAD__
#define CALLS 100
#else
#define CALLS 500
#endif

static pid_t run_worker(const struct test_daemon *daemon, char *token)
{
	char threads[8], calls[8], socket[96];
	char *arguments[] = {(char *)"worker", socket, token, threads, calls, NULL};
	pid_t pid;

	snprintf(socket, sizeof socket, "%s", daemon->socket);
	snprintf(threads, sizeof threads, "%d", THREADS);
	snprintf(calls, sizeof calls, "%d", CALLS);
	assert_int_equal(posix_spawn(&pid, WAT_BUILD_DIR "/bin/client-worker", NULL, NULL,
				     arguments, environ),
			 0);
	return pid;
}

/* 8 processes of 8 threads each, half of them pipelining, under one capability: every call is
 * answered, and the sum is exact. */
static void share(uint32_t tier)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	struct test_daemon daemon;
	counter_state *final = NULL;
	counter_admin *admin;
	char *token = NULL;
	pid_t pids[PROCESSES];
	wat_node *node;
	wat *w;

	test_daemon_init(&daemon, NULL);
	test_daemon_start(&daemon);
	assert_int_equal(wat_connect(daemon.admin_socket, &w), 0);
	assert_int_equal(wat_node_open(w, &node), 0);
	spawn.tier = tier;
	assert_int_equal(counter_spawn(node, "c1", &spawn, NULL, &admin), 0);
	grant.name = "all";
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token), 0);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = run_worker(&daemon, token);
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(counter_stop(admin, &final), 0);
	assert_int_equal(final->value, (int64_t)PROCESSES * THREADS * CALLS);
	counter_state_free(final);
	wat_memory_free(token);
	counter_admin_free(admin);
	wat_node_free(node);
	wat_free(w);
	test_daemon_deinit(&daemon);
}

static void test_share_thread(void **state)
{
	(void)state;
	share(WAT_TIER_THREAD);
}

static void test_share_process(void **state)
{
	(void)state;
	share(WAT_TIER_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_thread),
		cmocka_unit_test(test_share_process),
	};

	return test_run_cases(tests, NULL, NULL);
}
