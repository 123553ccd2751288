/* test_ends.c - how an instance ends in order, step by step, while clients send all the time: by a
 * Stop, and with its watd. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
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

/* A call or a Stop that does not come back before its host dies. */
struct wedged {
	const char *name;
	guest_desk_admin *admin;
	guest_desk_user *user; /* NULL: it is the Stop that hangs */
	pthread_t thread;
	int r;
};

static void *wedge(void *arg)
{
	guest_change change = GUEST_CHANGE_INIT;
	guest_desk_state *final = NULL;
	struct wedged *wedged = arg;

	change.then = GUEST__BEHAVIOUR__HANG;
	wedged->r = wedged->user ? guest_desk_reshape(wedged->user, &change, NULL)
				 : guest_desk_stop(wedged->admin, &final);
	return NULL;
}

static void wedged_start(struct desk *d, struct wedged *wedged, uint32_t tier, bool by_call)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;

	spawn.tier = tier;
	initial.stop = GUEST__BEHAVIOUR__HANG;
	assert_int_equal(guest_desk_spawn(d->node, wedged->name, &spawn, &initial, &wedged->admin),
			 0);
	if (by_call)
		wedged->user = desk_user(d, wedged->admin, "u");
	assert_int_equal(pthread_create(&wedged->thread, NULL, wedge, wedged), 0);
}

static pid_t pid_of(struct desk *d, const char *name)
{
	static const char key[] = "\"pid\":";
	struct test_output out;
	const char *at;

	test_watctl(&d->daemon, &out, "-j", "show", name, NULL);
	assert_int_equal(out.code, 0);
	at = strstr(out.out, key);
	assert_non_null(at);
	return (pid_t)strtol(at + sizeof key - 1, NULL, 10);
}

static void assert_shown(struct desk *d, const char *name, const char *what)
{
	struct test_output out;

	do
		test_watctl(&d->daemon, &out, "-j", "show", name, NULL);
	while (!strstr(out.out, what) && out.code == 0);
	assert_int_equal(out.code, 0);
}

static void assert_said(struct desk *d, const struct wedged *wedged, size_t n)
{
	char line[128];

	(void)snprintf(line, sizeof line, "and is not cut short instance=%s ", wedged->name);
	assert_true(test_daemon_wait_log(&d->daemon, line, n));
}

/* A Stop handler that does not return, on either tier, and a call that does not when watd goes
 * down: STATUS, watctl and the log say who it is and what is waited for, again and again, and
 * nothing but the death of the process ends it. row 83 */
static void test_wedged(void **state)
{
	struct desk *d = *state;
	struct wedged all[] = {{.name = "d1"}, {.name = "d2"}, {.name = "d3"}};
	char told[1024];
	pid_t pids[3];

	wat_set_timeout(d->admin_side, 0);
	/* Else the call would be made again, and hang again. */
	wat_set_reconnect(d->user_side, 0);
	wedged_start(d, &all[0], WAT_TIER_PROCESS, false);
	wedged_start(d, &all[1], WAT_TIER_THREAD, false);
	wedged_start(d, &all[2], WAT_TIER_PROCESS, true);
	for (size_t i = 0; i < 2; i++)
		assert_shown(d, all[i].name, "\"note\":\"its Stop handler runs");
	assert_true(test_daemon_told(&d->daemon, "2 stopping: d1, d2", told, sizeof told));
	for (size_t i = 0; i < 2; i++)
		assert_said(d, &all[i], 1);
	for (size_t i = 0; i < 3; i++)
		pids[i] = pid_of(d, all[i].name);
	assert_int_equal(kill(d->daemon.pid, SIGTERM), 0);
	assert_true(test_daemon_told(&d->daemon,
				     "STATUS=ending: 1 suspending: d3, 2 stopping: d1, d2", told,
				     sizeof told));
	for (size_t i = 0; i < 3; i++)
		assert_said(d, &all[i], i < 2 ? 2 : 1);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(kill(pids[i], SIGKILL), 0);
	assert_int_equal(test_daemon_wait(&d->daemon), 0);
	test_daemon_start(&d->daemon);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(all[i].thread, NULL), 0);
		assert_int_equal(all[i].r, i < 2 ? WAT_SERVER_DIED : WAT_DISCONNECTED);
		guest_desk_user_free(all[i].user);
		guest_desk_admin_free(all[i].admin);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_stop_thread),    DESK_CASE(test_stop_process),
		DESK_CASE(test_suspend_thread), DESK_CASE(test_suspend_process),
		DESK_CASE(test_wedged),
	};

	return test_run_cases(tests, NULL, NULL);
}
