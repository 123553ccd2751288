/* test_ends.c - how an instance ends in order, step by step, while clients send all the time: by a
 * Stop, and with its watd. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenario/desk.h"

#define CLIENTS 6
#define WINDOW 16  /* calls that every other client has under way */
#define ROUNDS 20  /* until an end finds calls under way */
#define WARM_UP 20 /* calls that each client has behind it before the end */
#define STEPS_MAX 16

/* One that calls until it is refused, on a connection of its own. */
struct client {
	wat *w;
	guest_desk_user *user;
	unsigned window;
	atomic_long acknowledged;
	int refused; /* the first status that was not 0; each other one is the same */
	pthread_t thread;
};

static void on_added(void *arg,
		     int status,
		     const guest_number *reply,
		     const struct wat_failure *failure)
{
	struct client *client = arg;

	(void)reply;
	(void)failure;
	if (status == 0)
		client->acknowledged++;
	else if (client->refused == 0 || client->refused == WAT_STOPPED)
		client->refused = status;
	/* Nothing is done any more once somebody was told of the end. */
	if (status == 0 && client->refused)
		client->refused = -1;
}

static void *call_until_refused(void *arg)
{
	guest_number one = GUEST_NUMBER_INIT;
	struct client *client = arg;

	one.n = 1;
	while (!client->refused || wat_outstanding(client->w) > 0) {
		while (!client->refused && wat_outstanding(client->w) < client->window)
			if (guest_desk_add_send(client->user, &one, on_added, client) != 0)
				client->refused = -2;
		if (wat_dispatch(client->w, -1) != 0)
			client->refused = -3;
	}
	return NULL;
}

static void clients_start(struct desk *d, guest_desk_admin *admin, struct client *clients)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &clients[i];
		char name[8], *token;

		*client = (struct client){.window = i % 2 ? WINDOW : 1};
		(void)snprintf(name, sizeof name, "u%u", i);
		assert_int_equal(desk_provision(admin, name, 0, &token), 0);
		assert_int_equal(wat_connect(d->daemon.socket, &client->w), 0);
		assert_int_equal(guest_desk_user_open(client->w, token, &client->user), 0);
		wat_memory_free(token);
		assert_int_equal(pthread_create(&client->thread, NULL, call_until_refused, client),
				 0);
	}
}

/* Until each of them has so many more answers. */
static void clients_wait(struct client *clients, long more)
{
	long from[CLIENTS];

	for (unsigned i = 0; i < CLIENTS; i++)
		from[i] = clients[i].acknowledged;
	for (unsigned i = 0; i < CLIENTS; i++)
		while (clients[i].acknowledged < from[i] + more)
			(void)sched_yield();
}

/* What all of them were told is done, when each was told of the Stop. */
static long clients_join(struct client *clients)
{
	long acknowledged = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
		assert_int_equal(clients[i].refused, WAT_STOPPED);
		acknowledged += clients[i].acknowledged;
		guest_desk_user_free(clients[i].user);
		wat_free(clients[i].w);
	}
	return acknowledged;
}

struct trace {
	char steps[STEPS_MAX][16];
	unsigned long n[STEPS_MAX];
	size_t n_steps;
};

static void take_word(const char *line, const char *key, char *ret, size_t size)
{
	const char *at = strstr(line, key);
	size_t n = at ? strcspn(at + strlen(key), " \n") : 0;

	assert_non_null(at);
	assert_true(n < size);
	memcpy(ret, at + strlen(key), n);
	ret[n] = '\0';
}

/* The steps of the last end of d1 that the log of watd has, which are all of one kind. */
static void trace_read(const struct desk *d, const char *kind, struct trace *ret)
{
	char path[128], line[8192], word[32];
	FILE *log;

	(void)snprintf(path, sizeof path, "%s/log", d->daemon.dir);
	log = fopen(path, "re");
	assert_non_null(log);
	ret->n_steps = 0;
	while (fgets(line, sizeof line, log)) {
		if (strncmp(line, "debug: ", 7) != 0 || !strstr(line, " step="))
			continue;
		take_word(line, " instance=", word, sizeof word);
		assert_string_equal(word, "d1");
		take_word(line, " step=", word, sizeof word);
		if (strcmp(word, "closed") == 0)
			ret->n_steps = 0;
		assert_true(ret->n_steps < STEPS_MAX);
		memcpy(ret->steps[ret->n_steps], word, 16);
		take_word(line, " n=", word, sizeof word);
		ret->n[ret->n_steps++] = strtoul(word, NULL, 10);
		take_word(line, " end=", word, sizeof word);
		if (strcmp(word, kind) != 0)
			ret->n_steps = 0;
	}
	(void)fclose(log);
}

static void assert_steps(const struct trace *trace, const char *const *expected, size_t n)
{
	for (size_t i = 0; i < trace->n_steps && i < n; i++)
		assert_string_equal(trace->steps[i], expected[i]);
	assert_int_equal(trace->n_steps, n);
}

static void trace_in_full(struct desk *d)
{
	struct test_output out;

	test_watctl(&d->daemon, &out, "log-level", "debug", NULL);
	assert_int_equal(out.code, 0);
}

/* Stops d1 while all of them send; how many calls were found under way. */
static unsigned long stop_once(struct desk *d, uint32_t tier)
{
	static const char *const steps[] = {"closed", "told",      "served",  "handled",
					    "given",  "committed", "severed", "ended"};
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	struct client clients[CLIENTS];
	guest_desk_admin *admin = desk_spawned(d, tier, &initial);
	struct trace trace;

	clients_start(d, admin, clients);
	clients_wait(clients, WARM_UP);
	assert_int_equal(guest_desk_stop(admin, &final), 0);
	/* The handler doubles: what had been done after it would be in there once, and what was
	 * acknowledged and not done not at all. Start's 1 is before all. */
	assert_int_equal(final->value, 2 * (1 + clients_join(clients)));
	assert_int_equal(final->started, 1);
	trace_read(d, "stop", &trace);
	assert_steps(&trace, steps, sizeof steps / sizeof *steps);
	assert_int_equal(trace.n[6], CLIENTS);
	guest_desk_state_free(final);
	guest_desk_admin_free(admin);
	return trace.n[2];
}

/* A Stop that comes while clients send: nobody new is let in, the host is told, what was sent is
 * done, then its Stop handler runs and nothing after it, the last state is stored, all channels are
 * told and closed, and only then is the Stop answered; the state is what was acknowledged to all
 * of them, and each of them learns of the Stop and of nothing else. row 82 */
static void stop_under_load(struct desk *d, uint32_t tier)
{
	unsigned long under_way = 0;

	trace_in_full(d);
	for (unsigned i = 0; under_way == 0 && i < ROUNDS; i++)
		under_way = stop_once(d, tier);
	assert_true(under_way > 0);
}

static void test_stop_thread(void **state)
{
	stop_under_load(*state, WAT_TIER_THREAD);
}

static void test_stop_process(void **state)
{
	stop_under_load(*state, WAT_TIER_PROCESS);
}

/* watd goes down while clients send: the same steps without the Stop handler, and watd ends after
 * the last one. What was acknowledged is there when it is back, where those clients go on by
 * themselves. row 82 */
static void suspend_under_load(struct desk *d, uint32_t tier)
{
	static const char *const steps[] = {"closed",    "told",    "served", "given",
					    "committed", "severed", "ended"};
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	struct client clients[CLIENTS];
	guest_desk_admin *admin;
	struct trace trace;

	trace_in_full(d);
	admin = desk_spawned(d, tier, &initial);
	clients_start(d, admin, clients);
	clients_wait(clients, WARM_UP);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
	trace_read(d, "suspend", &trace);
	assert_steps(&trace, steps, sizeof steps / sizeof *steps);
	assert_int_equal(trace.n[5], CLIENTS);
	test_daemon_start(&d->daemon);
	clients_wait(clients, WARM_UP);
	assert_int_equal(guest_desk_stop(admin, &final), 0);
	assert_int_equal(final->value, 2 * (1 + clients_join(clients)));
	assert_int_equal(final->started, 1);
	guest_desk_state_free(final);
	guest_desk_admin_free(admin);
}

static void test_suspend_thread(void **state)
{
	suspend_under_load(*state, WAT_TIER_THREAD);
}

static void test_suspend_process(void **state)
{
	suspend_under_load(*state, WAT_TIER_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_stop_thread),
		DESK_CASE(test_stop_process),
		DESK_CASE(test_suspend_thread),
		DESK_CASE(test_suspend_process),
	};

	return test_run_cases(tests, NULL, NULL);
}
