/* test_torture.c - kill -9 at random moments, of hosts, of the pool, of watd while it runs and
 * while it starts, and of the gate where it is used, while four clients have eight calls each in
 * flight: nothing that was acknowledged is lost, and nothing is done twice. rows 11, 50, 57, 58
 *
 * Each client adds 1 again and again, and notes when it made each call and when it was answered.
 * That history is held against the model of a counter: one order, the one that the answers tell, in
 * which each call stands once and between the two. The final state is the number of calls.
 * $WAT_TORTURE_ROUNDS: deaths of each case, default 50 and less under a sanitizer;
 * $WAT_TORTURE_SEED: of the moments. */
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
#include "tests/lib/linear_model.h"
#include "tests/scenario/chance.h"
#include "tests/scenario/remote.h"

#define CLIENTS 4
#define IN_FLIGHT 8
#define CALLS_OF_ROUND 1000u /* at most, between two deaths */
#define CALLS_AHEAD 1000u    /* that may be made beyond that */
/* So often a host may die of one watd without being given up, or waited for long. */
#define HOST_DEATHS 2u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 10u
#else
#define ROUNDS 50u
#endif

static struct test_daemon the_daemon;
static char address[sizeof the_daemon.socket];
static struct chance chance;
static _Atomic bool over;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* over, n_allowed, the goal */
static _Atomic uint64_t the_clock;
static _Atomic size_t n_sent, n_answered, n_allowed, the_goal;

struct client {
	pthread_t thread;
	char *token;
	struct linear_op *ops;
	size_t n_made, n_done, n_max;
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

static unsigned number_from(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void tell(void)
{
	(void)pthread_mutex_lock(&mutex);
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&mutex);
}

/* The answers of a lane come in the order of its calls. */
static void on_done(void *arg,
		    int status,
		    const counter_value *out,
		    const struct wat_failure *failure)
{
	struct client *client = arg;
	struct linear_op *op = &client->ops[client->n_done++];

	if (status != 0) {
		fprintf(stderr, "status %d: %s\n", status, failure->text);
		abort();
	}
	op->responded = ++the_clock;
	op->out = out->value;
	op->hint = (uint64_t)out->value;
	if (++n_answered == the_goal)
		tell();
}

static void send_call(struct client *client)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	struct linear_op *op = &client->ops[client->n_made++];

	one.n = op->in = 1;
	op->invoked = ++the_clock;
	n_sent++;
	must(counter_increment_send(client->user, &one, on_done, client) == 0,
	     "a call can't be sent");
}

static bool may_send(const struct client *client)
{
	return !over && client->n_made - client->n_done < IN_FLIGHT &&
	       client->n_made < client->n_max && n_sent < n_allowed;
}

static void wait_for_leave(void)
{
	(void)pthread_mutex_lock(&mutex);
	while (!over && n_sent >= n_allowed)
		(void)pthread_cond_wait(&changed, &mutex);
	(void)pthread_mutex_unlock(&mutex);
}

static void *run_client(void *arg)
{
	struct client *client = arg;

	/* Connecting is tried once, and watd may be dead just now. */
	while (wat_connect(address, &client->w) != 0)
		(void)sched_yield();
	wat_set_timeout(client->w, 100000);
	wat_set_reconnect(client->w, 100000);
	must(counter_user_open(client->w, client->token, &client->user) == 0, "no user");
	while (!over || client->n_made > client->n_done) {
		while (may_send(client))
			send_call(client);
		if (client->n_made > client->n_done)
			must(wat_dispatch(client->w, -1) == 0, "dispatch");
		else
			wait_for_leave();
	}
	counter_user_free(client->user);
	wat_free(client->w);
	return NULL;
}

static pid_t find_host(void)
{
	static struct test_output out;
	const char *at;

	test_watctl(&the_daemon, &out, "-j", "show", "c1", NULL);
	at = out.code == 0 ? strstr(out.out, "\"pid\":") : NULL;
	return at ? (pid_t)atoi(at + 6) : 0;
}

/* Until clients got so many more answers: everything is up again. */
static void wait_for_progress(size_t more)
{
	(void)pthread_mutex_lock(&mutex);
	the_goal = n_answered + more;
	n_allowed = the_goal + CALLS_AHEAD;
	(void)pthread_cond_broadcast(&changed);
	while (n_answered < the_goal)
		(void)pthread_cond_wait(&changed, &mutex);
	(void)pthread_mutex_unlock(&mutex);
}

/* One that has just begun to read what is there is killed too, half of the time. */
static void kill_watd(void)
{
	test_daemon_kill(&the_daemon);
	if (chance_below(&chance, 2)) {
		test_daemon_spawn(&the_daemon, NULL);
		for (size_t n = chance_below(&chance, 20000); n > 0; n--)
			(void)sched_yield();
		test_daemon_kill(&the_daemon);
	}
	test_daemon_start(&the_daemon);
}

/* Whom it hits is known before the moment comes, so that calls are in flight then. */
static void torture_once(unsigned *host_deaths)
{
	pid_t gate = remote_find_gate(the_daemon.pid);
	unsigned what = (unsigned)chance_below(&chance, gate > 0 ? 4 : 3);
	pid_t host = *host_deaths < HOST_DEATHS ? find_host() : 0;

	wait_for_progress(1 + chance_below(&chance, CALLS_OF_ROUND));
	if (what == 3) {
		(void)kill(gate, SIGKILL);
		return;
	}
	if (what > 0 && host > 0) {
		(void)kill(host, SIGKILL);
		++*host_deaths;
	}
	if (what == 0 || what == 2 || host <= 0) {
		kill_watd();
		*host_deaths = 0;
	}
}

static void kill_again_and_again(unsigned rounds)
{
	unsigned host_deaths = 0;

	for (unsigned round = 0; round < rounds; round++)
		torture_once(&host_deaths);
	wait_for_progress(100);
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

static void start_client(struct client *client, char *token, unsigned rounds)
{
	client->token = token;
	client->n_max = (size_t)(rounds + 1) * (CALLS_OF_ROUND + CALLS_AHEAD);
	client->ops = calloc(client->n_max, sizeof *client->ops);
	assert_non_null(client->ops);
	assert_int_equal(pthread_create(&client->thread, NULL, run_client, client), 0);
}

static void check_history(const struct client *clients)
{
	struct linear_client history[CLIENTS];
	struct linear_report report = {0};

	for (int i = 0; i < CLIENTS; i++)
		history[i] = (struct linear_client){clients[i].ops, clients[i].n_made};
	assert_int_equal(n_answered, n_sent);
	if (linear_follow(&linear_counter, history, CLIENTS, &report) != LINEAR_YES)
		fail_msg("after %zu calls the answers tell no order", report.n_placed);
}

static void torture(uint32_t tier, uint32_t durability)
{
	struct client clients[CLIENTS] = {0};
	unsigned rounds = number_from("WAT_TORTURE_ROUNDS", ROUNDS);
	struct desk_of_admin d;

	chance.state = number_from("WAT_TORTURE_SEED", 42);
	test_daemon_init(&the_daemon, NULL);
	test_daemon_start(&the_daemon);
	(void)snprintf(address, sizeof address, "%s", the_daemon.socket);
	begin(&d, tier, durability);
	n_allowed = CALLS_AHEAD;
	for (int i = 0; i < CLIENTS; i++)
		start_client(&clients[i], provision(&d, i), rounds);
	kill_again_and_again(rounds);
	over = true;
	tell();
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
	check_history(clients);
	end(&d);
	for (int i = 0; i < CLIENTS; i++) {
		wat_memory_free(clients[i].token);
		free(clients[i].ops);
	}
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

static void test_thread_sync(void **state)
{
	(void)state;
	torture(WAT_TIER_THREAD, WAT_DURABILITY_SYNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_crash),
		cmocka_unit_test(test_thread_crash),
		cmocka_unit_test(test_process_sync),
		cmocka_unit_test(test_thread_sync),
	};

	return test_run_cases(tests, NULL, NULL);
}
