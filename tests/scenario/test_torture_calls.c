/* test_torture_calls.c - kill -9 at random moments, of hosts, of the pool and of watd, of services
 * whose journals hold calls, while four clients have eight calls each in flight: nothing that was
 * acknowledged is lost, nothing is done twice, and no journal is run otherwise than it ran.
 * rows 11, 50, 57, 58
 *
 * Tally answers a sum: each value is answered once. Heap keeps everything that was pushed: at the
 * end each value is there once. $WAT_TORTURE_ROUNDS: kills, default 20. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tally.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define CLIENTS 4
#define IN_FLIGHT 8
#define CALLS_MAX 100000

static struct test_daemon the_daemon;
static _Atomic bool over;
static _Atomic size_t n_sent, n_answered;
static _Atomic unsigned char answered[CALLS_MAX + 1]; /* by value */

/* As an admin would, whatever happens to watd meanwhile. */
static wat *admin_side;
static wat_node *node;
static tally_admin *tally_owner;
static tally_heap_admin *heap_owner;

/* What is done with either of the services. */
struct game {
	int (*spawn)(const struct wat_spawn *);
	char *(*provision)(const struct wat_grant *); /* the token; wat_memory_free */
	void (*end)(void);                            /* stops it, and looks at its final state */
	void *(*open)(wat *, const char *token);
	int (*send)(void *user, int64_t n, void *client);
	void (*close)(void *user);
	bool answers_sums;
};

struct client {
	pthread_t thread;
	const struct game *game;
	char *token;
	size_t open;
	wat *w;
	void *user;
};

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void on_done(void *arg, int status, const tally_sum *out, const struct wat_failure *failure)
{
	struct client *client = arg;

	client->open--;
	if (status != 0) {
		fprintf(stderr, "status %d: %s\n", status, failure->text);
		abort();
	}
	if (client->game->answers_sums) {
		must(out->value > 0 && out->value <= CALLS_MAX, "a value that nobody could get");
		must(answered[out->value]++ == 0, "two calls got the same value: one was lost");
	}
	n_answered++;
}

static void *open_tally(wat *w, const char *token)
{
	tally_user *user;

	return tally_user_open(w, token, &user) == 0 ? user : NULL;
}

static int send_to_tally(void *user, int64_t n, void *client)
{
	tally_amount one = TALLY_AMOUNT_INIT;

	(void)n;
	one.n = 1;
	return tally_add_send(user, &one, on_done, client);
}

static void close_tally(void *user)
{
	(void)tally_user_free(user);
}

static void *open_heap(wat *w, const char *token)
{
	tally_heap_user *user;

	return tally_heap_user_open(w, token, &user) == 0 ? user : NULL;
}

static int send_to_heap(void *user, int64_t n, void *client)
{
	tally_amount in = TALLY_AMOUNT_INIT;

	in.n = n;
	return tally_heap_push_send(user, &in, on_done, client);
}

static void close_heap(void *user)
{
	(void)tally_heap_user_free(user);
}

static int spawn_tally(const struct wat_spawn *spawn)
{
	return tally_spawn(node, "t1", spawn, NULL, &tally_owner);
}

static char *provision_tally(const struct wat_grant *grant)
{
	tally_user *user;
	char *token;

	assert_int_equal(tally_provision(tally_owner, grant, &user), 0);
	assert_int_equal(tally_user_token(user, &token), 0);
	tally_user_free(user);
	return token;
}

static void end_tally(void)
{
	tally_state *final = NULL;

	assert_int_equal(tally_stop(tally_owner, &final), 0);
	assert_int_equal(final->value, n_sent);
	assert_int_equal(final->calls, n_sent);
	tally_state_free(final);
	tally_admin_free(tally_owner);
}

static int spawn_heap(const struct wat_spawn *spawn)
{
	return tally_heap_spawn(node, "t1", spawn, NULL, &heap_owner);
}

static char *provision_heap(const struct wat_grant *grant)
{
	tally_heap_user *user;
	char *token;

	assert_int_equal(tally_heap_provision(heap_owner, grant, &user), 0);
	assert_int_equal(tally_heap_user_token(user, &token), 0);
	tally_heap_user_free(user);
	return token;
}

static void end_heap(void)
{
	tally_heap_state *final = NULL;

	assert_int_equal(tally_heap_stop(heap_owner, &final), 0);
	assert_int_equal(final->n_values, n_sent);
	for (size_t i = 0; i < final->n_values; i++) {
		assert_true(final->values[i] > 0 && (size_t) final->values[i] <= n_sent);
		assert_int_equal(answered[final->values[i]]++, 0);
	}
	tally_heap_state_free(final);
	tally_heap_admin_free(heap_owner);
}

static const struct game tally = {spawn_tally,   provision_tally, end_tally, open_tally,
				  send_to_tally, close_tally,     true};
static const struct game heap = {spawn_heap,   provision_heap, end_heap, open_heap,
				 send_to_heap, close_heap,     false};

static void send_more(struct client *client)
{
	while (!over && client->open < IN_FLIGHT && n_sent < CALLS_MAX - CLIENTS) {
		must(client->game->send(client->user, (int64_t)++n_sent, client) == 0,
		     "a call can't be sent");
		client->open++;
	}
}

static void *run_client(void *arg)
{
	struct client *client = arg;

	while (wat_connect(the_daemon.socket, &client->w) != 0)
		(void)sched_yield();
	wat_set_timeout(client->w, 100000);
	wat_set_reconnect(client->w, 100000);
	client->user = client->game->open(client->w, client->token);
	must(client->user, "no user");
	while (!over || client->open > 0) {
		send_more(client);
		if (client->open > 0)
			must(wat_dispatch(client->w, -1) == 0, "dispatch");
		else
			(void)sched_yield();
	}
	client->game->close(client->user);
	wat_free(client->w);
	return NULL;
}

static struct test_output out;

static pid_t pid_of_host(void)
{
	const char *at;

	test_watctl(&the_daemon, &out, "-j", "show", "t1", NULL);
	at = out.code == 0 ? strstr(out.out, "\"pid\":") : NULL;
	return at ? (pid_t)atoi(at + 6) : 0;
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Waits until clients got more answers, or can't get more: everything is up again. */
static void wait_for_progress(size_t more)
{
	size_t goal = n_answered + more;

	if (goal > CALLS_MAX / 2)
		goal = CALLS_MAX / 2;
	while (n_answered < goal)
		(void)sched_yield();
}

/* An instance that dies too often is given up; a watd that starts anew counts anew. */
static void kill_something(unsigned round, unsigned *seed)
{
	pid_t pid;

	if (round % 5 == 4 || next_random(seed) % 4 == 0) {
		test_daemon_kill(&the_daemon);
		test_daemon_start(&the_daemon);
		return;
	}
	pid = pid_of_host();
	if (pid > 0)
		(void)kill(pid, SIGKILL);
}

static void run_clients(const struct game *game, unsigned rounds)
{
	struct client clients[CLIENTS] = {0};
	struct wat_grant grant = WAT_GRANT_INIT;
	unsigned seed = 42;
	char name[16];

	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i].game = game;
		(void)snprintf(name, sizeof name, "u%u", i);
		grant.name = name;
		clients[i].token = game->provision(&grant);
		assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]),
				 0);
	}
	for (unsigned round = 0; round < rounds; round++) {
		wait_for_progress(100 + next_random(&seed) % 1000);
		kill_something(round, &seed);
	}
	wait_for_progress(100);
	over = true;
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
		wat_memory_free(clients[i].token);
	}
	assert_int_equal(n_answered, n_sent);
}

static void torture(const struct game *game, uint32_t tier, uint32_t durability)
{
	const char *rounds = getenv("WAT_TORTURE_ROUNDS");
	struct wat_spawn spawn = WAT_SPAWN_INIT;

	test_daemon_init(&the_daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&the_daemon);
	spawn.tier = tier;
	spawn.durability = durability;
	assert_int_equal(wat_connect(the_daemon.admin_socket, &admin_side), 0);
	wat_set_timeout(admin_side, 100000);
	wat_set_reconnect(admin_side, 100000);
	assert_int_equal(wat_node_open(admin_side, &node), 0);
	assert_int_equal(game->spawn(&spawn), 0);
	run_clients(game, rounds ? (unsigned)atoi(rounds) : 20);
	game->end();
	assert_false(test_daemon_logged(&the_daemon, "quarantined"));
	wat_node_free(node);
	wat_free(admin_side);
	test_daemon_deinit(&the_daemon);
}

static void test_process_crash(void **state)
{
	(void)state;
	torture(&tally, WAT_TIER_PROCESS, WAT_DURABILITY_CRASH);
}

static void test_thread_crash(void **state)
{
	(void)state;
	torture(&tally, WAT_TIER_THREAD, WAT_DURABILITY_CRASH);
}

static void test_process_sync(void **state)
{
	(void)state;
	torture(&tally, WAT_TIER_PROCESS, WAT_DURABILITY_SYNC);
}

static void test_heap_process(void **state)
{
	(void)state;
	torture(&heap, WAT_TIER_PROCESS, WAT_DURABILITY_CRASH);
}

static void test_heap_thread(void **state)
{
	(void)state;
	torture(&heap, WAT_TIER_THREAD, WAT_DURABILITY_CRASH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_crash), cmocka_unit_test(test_thread_crash),
		cmocka_unit_test(test_process_sync),  cmocka_unit_test(test_heap_process),
		cmocka_unit_test(test_heap_thread),
	};

	return test_run_cases(tests, NULL, NULL);
}
