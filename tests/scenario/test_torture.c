/* test_torture.c - kill -9 at random moments, of hosts, of the pool and of watd, while four clients
 * have eight calls each in flight: nothing that was acknowledged is lost, and nothing is done
 * twice. rows 50, 57, 58
 *
 * Each client adds 1 again and again. At the end the sum is the number of its calls, and the values
 * that were answered are all different: each call was done once, whoever died meanwhile.
 * $WAT_TORTURE_ROUNDS: kills, default 20. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define CLIENTS 4
#define IN_FLIGHT 8
#define CALLS_MAX 2000000

static struct test_daemon the_daemon;
static _Atomic bool over;
static unsigned char *answered; /* by value */
static _Atomic size_t n_sent, n_answered;
static pthread_mutex_t answered_mutex = PTHREAD_MUTEX_INITIALIZER;

struct client {
	pthread_t thread;
	char *token;
	size_t open;
	wat *w;
	counter_user *user;
};

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void on_done(void *arg,
		    int status,
		    const counter_value *out,
		    const struct wat_failure *failure)
{
	struct client *client = arg;

	client->open--;
	if (status != 0) {
		fprintf(stderr, "status %d: %s\n", status, failure->text);
		abort();
	}
	(void)pthread_mutex_lock(&answered_mutex);
	must(out->value > 0 && out->value < CALLS_MAX, "a value that nobody could get");
	must(!answered[out->value], "two calls got the same value: one was lost");
	answered[out->value] = 1;
	(void)pthread_mutex_unlock(&answered_mutex);
	n_answered++;
}

static void *run_client(void *arg)
{
	struct client *client = arg;
	counter_amount one = COUNTER_AMOUNT_INIT;

	one.n = 1;
	/* Connecting is tried once, and watd may be dead just now. */
	while (wat_connect(the_daemon.socket, &client->w) != 0)
		(void)sched_yield();
	wat_set_timeout(client->w, 100000);
	wat_set_reconnect(client->w, 100000);
	must(counter_user_open(client->w, client->token, &client->user) == 0, "no user");
	while (!over || client->open > 0) {
		while (!over && client->open < IN_FLIGHT && n_sent < CALLS_MAX - 1000) {
			must(counter_increment_send(client->user, &one, on_done, client) == 0,
			     "a call can't be sent");
			client->open++;
			n_sent++;
		}
		must(wat_dispatch(client->w, -1) == 0, "dispatch");
	}
	counter_user_free(client->user);
	wat_free(client->w);
	return NULL;
}

static pid_t pid_of(const char *name)
{
	static struct test_output out;
	const char *at;

	test_watctl(&the_daemon, &out, "-j", "show", name, NULL);
	at = out.code == 0 ? strstr(out.out, "\"pid\":") : NULL;
	return at ? (pid_t)atoi(at + 6) : 0;
}

/* Waits until clients got more answers: everything is up again. */
static void wait_for_progress(size_t more)
{
	size_t goal = n_answered + more;

	while (n_answered < goal)
		(void)sched_yield();
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* An instance that dies too often is given up; a watd that starts anew counts anew. */
static void kill_something(unsigned round, unsigned *seed)
{
	pid_t pid = 0;

	if (round % 5 == 4 || next_random(seed) % 4 == 0) {
		test_daemon_kill(&the_daemon);
		test_daemon_start(&the_daemon);
		return;
	}
	pid = pid_of("c1");
	if (pid > 0)
		(void)kill(pid, SIGKILL);
}

/* As an admin would, whatever happens to watd meanwhile. */
struct desk_of_admin {
	wat *w;
	wat_node *node;
	counter_admin *admin;
};

static void begin(struct desk_of_admin *d, uint32_t tier, uint32_t durability)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;

	spawn.tier = tier;
	spawn.durability = durability;
	assert_int_equal(wat_connect(the_daemon.admin_socket, &d->w), 0);
	wat_set_timeout(d->w, 100000);
	wat_set_reconnect(d->w, 100000);
	assert_int_equal(wat_node_open(d->w, &d->node), 0);
	assert_int_equal(counter_spawn(d->node, "c1", &spawn, NULL, &d->admin), 0);
}

static char *provision(struct desk_of_admin *d, int i)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_user *user;
	char name[16], *token;

	(void)snprintf(name, sizeof name, "u%d", i);
	grant.name = name;
	assert_int_equal(counter_provision(d->admin, &grant, &user), 0);
	assert_int_equal(counter_user_token(user, &token), 0);
	counter_user_free(user);
	return token;
}

static void end(struct desk_of_admin *d)
{
	counter_state *final = NULL;

	assert_int_equal(counter_stop(d->admin, &final), 0);
	assert_int_equal(final->value, n_sent);
	counter_state_free(final);
	counter_admin_free(d->admin);
	wat_node_free(d->node);
	wat_free(d->w);
}

static void kill_again_and_again(unsigned rounds)
{
	unsigned seed = 42;

	for (unsigned round = 0; round < rounds; round++) {
		wait_for_progress(200 + next_random(&seed) % 2000);
		kill_something(round, &seed);
	}
	wait_for_progress(100);
}

static void torture(uint32_t tier, uint32_t durability)
{
	struct client clients[CLIENTS] = {0};
	const char *rounds = getenv("WAT_TORTURE_ROUNDS");
	struct desk_of_admin d;

	test_daemon_init(&the_daemon, NULL);
	test_daemon_start(&the_daemon);
	answered = calloc(1, CALLS_MAX);
	assert_non_null(answered);
	begin(&d, tier, durability);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].token = provision(&d, i);
		assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]),
				 0);
	}
	kill_again_and_again(rounds ? (unsigned)atoi(rounds) : 20);
	over = true;
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
		wat_memory_free(clients[i].token);
	}
	assert_int_equal(n_answered, n_sent);
	end(&d);
	free(answered);
	test_daemon_deinit(&the_daemon);
}

static void test_process_crash(void **state)
{
	(void)state;
	torture(WAT_TIER_PROCESS, WAT_DURABILITY_CRASH);
}

static void test_thread_crash(void **state)
{
	(void)state;
	torture(WAT_TIER_THREAD, WAT_DURABILITY_CRASH);
}

static void test_process_sync(void **state)
{
	(void)state;
	torture(WAT_TIER_PROCESS, WAT_DURABILITY_SYNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_crash),
		cmocka_unit_test(test_thread_crash),
		cmocka_unit_test(test_process_sync),
	};

	return test_run_cases(tests, NULL, NULL);
}
