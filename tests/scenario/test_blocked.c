/* test_blocked.c - SIGTERM of watd while somebody is blocked in each call of libwat that blocks:
 * with and without the wish to wait for the next watd. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <wat/node.pb-c.h>
#include <wat/raw.h>

#include "probe.client.h"
#include "tests/scenario/desk.h"

/* Numbers in node.proto. */
enum { NODE_WAIT = 12, NODE_EVENTS = 15, NODE_LOGS = 16, NODE_SNAPSHOT = 18 };

/* What somebody else might do some day; or an answer of a host, which is stopped. */
enum blocked_kind { WAITS, ASKS_HOST };

struct world;

/* One thread, in one call, on a connection of its own. */
struct blocked {
	const char *name;
	enum blocked_kind kind;
	int (*call)(struct blocked *);
	struct world *world;
	wat *w;
	pthread_t thread;
	atomic_int tid; /* of the thread; 0: it has not begun */
	atomic_bool done;
	atomic_bool sent_next; /* its capability is bound, and the call comes next */
	int r;
	char text[256]; /* of the failure */
};

struct world {
	struct desk desk;
	guest_desk_admin *admins[3]; /* of d1, d2 and d3; d1 and d2 have a host that is stopped */
	probe_admin *prober;
	char *user, *other, *stopping, *probe, *admin, *stopper; /* tokens */
	uint64_t now_ms;
	pid_t hosts[3];
};

static int call_node(struct blocked *b, uint16_t method, const ProtobufCMessage *message)
{
	uint8_t request[512], *reply = NULL;
	wat_node *node = NULL;
	size_t n;
	int r = wat_node_open(b->w, &node);

	assert_true(protobuf_c_message_get_packed_size(message) <= sizeof request);
	if (r == 0)
		r = wat_node_call_raw(node, method, request,
				      protobuf_c_message_pack(message, request), &reply, &n);
	wat_memory_free(reply);
	wat_node_free(node);
	return r;
}

static int call_wait(struct blocked *b)
{
	Wat__Node__WaitRequest request = WAT__NODE__WAIT_REQUEST__INIT;

	request.name = (char *)"d3";
	request.state = (char *)"stopped";
	return call_node(b, NODE_WAIT, &request.base);
}

static int call_events(struct blocked *b)
{
	Wat__Node__EventsRequest request = WAT__NODE__EVENTS_REQUEST__INIT;

	request.instance = (char *)"d3";
	request.since_ms = b->world->now_ms;
	request.wait = true;
	return call_node(b, NODE_EVENTS, &request.base);
}

static int call_logs(struct blocked *b)
{
	Wat__Node__LogsRequest request = WAT__NODE__LOGS_REQUEST__INIT;

	request.instance = (char *)"p1";
	request.since_ms = b->world->now_ms;
	request.wait = true;
	return call_node(b, NODE_LOGS, &request.base);
}

static int call_snapshot(struct blocked *b)
{
	Wat__Node__SnapshotRequest request = WAT__NODE__SNAPSHOT_REQUEST__INIT;

	request.name = (char *)"d1";
	request.request_id = (ProtobufCBinaryData){16, (uint8_t *)"once and no more"};
	return call_node(b, NODE_SNAPSHOT, &request.base);
}

static int open_and_add(struct blocked *b, const char *token)
{
	guest_desk_user *user = NULL;
	int64_t n;
	int r = guest_desk_user_open(b->w, token, &user);

	if (r == 0)
		r = guest_desk_add_with(user, 1, &n);
	guest_desk_user_free(user);
	return r;
}

static int call_add(struct blocked *b)
{
	return open_and_add(b, b->world->user);
}

/* Of d2, which is being stopped: the BIND waits for what comes of that. */
static int call_open(struct blocked *b)
{
	return open_and_add(b, b->world->stopping);
}

static int call_later(struct blocked *b)
{
	probe_user *user = NULL;
	int r = probe_user_open(b->w, b->world->probe, &user);

	b->sent_next = true;
	if (r == 0)
		r = probe_wait(user, NULL, NULL);
	probe_user_free(user);
	return r;
}

static int call_provision(struct blocked *b)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	guest_desk_admin *admin = NULL;
	guest_desk_user *user = NULL;
	int r = guest_desk_admin_open(b->w, b->world->admin, &admin);

	grant.name = "new";
	if (r == 0)
		r = guest_desk_provision(admin, &grant, &user);
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
	return r;
}

static int call_deprovision(struct blocked *b)
{
	guest_desk_admin *admin = NULL;
	int r = guest_desk_admin_open(b->w, b->world->admin, &admin);

	if (r == 0)
		r = guest_desk_deprovision(admin, "other");
	guest_desk_admin_free(admin);
	return r;
}

static int call_stop(struct blocked *b)
{
	guest_desk_admin *admin = NULL;
	guest_desk_state *final = NULL;
	int r = guest_desk_admin_open(b->w, b->world->stopper, &admin);

	if (r == 0)
		r = guest_desk_stop(admin, &final);
	guest_desk_state_free(final);
	guest_desk_admin_free(admin);
	return r;
}

static const struct blocked calls[] = {
	{.name = "a stop", .kind = ASKS_HOST, .call = call_stop},
	{.name = "a wait", .kind = WAITS, .call = call_wait},
	{.name = "events", .kind = WAITS, .call = call_events},
	{.name = "logs", .kind = WAITS, .call = call_logs},
	{.name = "an answer for later", .kind = WAITS, .call = call_later},
	{.name = "an open", .kind = WAITS, .call = call_open},
	{.name = "a call", .kind = ASKS_HOST, .call = call_add},
	{.name = "a provision", .kind = ASKS_HOST, .call = call_provision},
	{.name = "a deprovision", .kind = ASKS_HOST, .call = call_deprovision},
	{.name = "a snapshot", .kind = ASKS_HOST, .call = call_snapshot},
};
#define CALLS (sizeof calls / sizeof *calls)

static void *run(void *arg)
{
	struct blocked *b = arg;

	b->tid = (int)syscall(SYS_gettid);
	b->r = b->call(b);
	(void)snprintf(b->text, sizeof b->text, "%s", wat_failure()->text);
	b->done = true;
	return NULL;
}

/* Until it sleeps in the kernel: then what it asks has been written. */
static void wait_blocked(const struct blocked *b)
{
	char path[64], line[512] = "", *at;
	FILE *file;

	/* One that is taken only when watd goes on would be taken by the next one. */
	while (!b->tid || (b->call == call_later && !b->sent_next))
		(void)sched_yield();
	(void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", b->tid);
	do {
		(void)sched_yield();
		if (b->done)
			fail_msg("%s is not blocked: %d %s", b->name, b->r, b->text);
		file = fopen(path, "re");
		assert_non_null(file);
		at = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
		(void)fclose(file);
	} while (!at || at[2] != 'S');
}

static pid_t pid_of(struct desk *d, const char *name, const char *state)
{
	static const char key[] = "\"pid\":";
	struct test_output out;
	const char *at;

	do {
		test_watctl(&d->daemon, &out, "-j", "show", name, NULL);
		assert_int_equal(out.code, 0);
	} while (!strstr(out.out, state));
	at = strstr(out.out, key);
	assert_non_null(at);
	return (pid_t)strtol(at + sizeof key - 1, NULL, 10);
}

static void blocked_start(struct world *t, struct blocked *b, uint64_t reconnect_ms)
{
	b->world = t;
	assert_int_equal(wat_connect(t->desk.daemon.admin_socket, &b->w), 0);
	wat_set_reconnect(b->w, reconnect_ms);
	wat_set_timeout(b->w, 80000);
	assert_int_equal(pthread_create(&b->thread, NULL, run, b), 0);
}

static void blocked_end(struct blocked *b)
{
	assert_int_equal(pthread_join(b->thread, NULL), 0);
	wat_free(b->w);
}

static void begin(struct world *t)
{
	static const char *const names[] = {"d1", "d2", "d3"};
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			guest_desk_spawn(t->desk.node, names[i], &spawn, &initial, &t->admins[i]),
			0);
	assert_int_equal(probe_spawn(t->desk.node, "p1", &spawn, NULL, &t->prober), 0);
	assert_int_equal(desk_provision(t->admins[0], "user", 0, &t->user), 0);
	assert_int_equal(desk_provision(t->admins[0], "other", 0, &t->other), 0);
	assert_int_equal(desk_provision(t->admins[1], "user", 0, &t->stopping), 0);
	assert_int_equal(guest_desk_admin_token(t->admins[0], &t->admin), 0);
	assert_int_equal(guest_desk_admin_token(t->admins[1], &t->stopper), 0);
	grant.name = "user";
	assert_int_equal(wat_provision_raw((wat_capability *)t->prober, &grant, &t->probe), 0);
	for (size_t i = 0; i < 2; i++) {
		t->hosts[i] = pid_of(&t->desk, names[i], "\"ready\"");
		assert_int_equal(kill(t->hosts[i], SIGSTOP), 0);
	}
}

/* All of them, each where it can't go on. */
static void block_all(struct world *t, struct blocked *all, uint64_t reconnect_ms)
{
	struct timespec now;

	/* Lines and events of before are older. */
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	t->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 1;
	memcpy(all, calls, sizeof calls);
	for (size_t i = 0; i < CALLS; i++) {
		blocked_start(t, &all[i], reconnect_ms);
		wait_blocked(&all[i]);
		/* The others find it stopping. */
		if (i == 0)
			(void)pid_of(&t->desk, "d2", "\"stopping\"");
	}
	/* watd has read what they wrote. */
	(void)pid_of(&t->desk, "d1", "");
	for (size_t i = 0; i < CALLS; i++)
		wait_blocked(&all[i]);
}

static void continue_hosts(struct world *t)
{
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(kill(t->hosts[i], SIGCONT), 0);
}

static void end(struct world *t)
{
	char *const tokens[] = {t->user, t->other, t->stopping, t->probe, t->admin, t->stopper};

	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
		wat_memory_free(tokens[i]);
	for (size_t i = 0; i < 3; i++)
		guest_desk_admin_free(t->admins[i]);
	probe_admin_free(t->prober);
}

/* A line in the log of p1. */
static void note(struct world *t)
{
	probe_change change = PROBE_CHANGE_INIT;
	probe_user *user = NULL;

	change.note = (char *)"here";
	assert_int_equal(probe_user_open(t->desk.user_side, t->probe, &user), 0);
	assert_int_equal(probe_log(user, &change, NULL), 0);
	probe_user_free(user);
}

static void assert_one_of(const struct blocked *b, int one, int other)
{
	if (b->r != one && b->r != other)
		fail_msg("%s: %d %s", b->name, b->r, b->text);
}

/* Whoever does not want to wait for the next watd has an answer when this one is told to end: what
 * waits for somebody else at once, while instances that are not down yet still hold watd up; what a
 * host has to do when it has done it, and that is the truth: the Stop has its state. row 81 */
static void test_at_once(void **state)
{
	struct blocked all[CALLS];
	struct world t = {.desk = *(struct desk *)*state};
	wat *w = NULL;

	begin(&t);
	block_all(&t, all, 0);
	assert_int_equal(kill(t.desk.daemon.pid, SIGTERM), 0);
	for (size_t i = 0; i < CALLS; i++)
		if (all[i].kind == WAITS) {
			blocked_end(&all[i]);
			assert_one_of(&all[i], WAT_UNAVAILABLE, WAT_DISCONNECTED);
		}
	assert_true(wat_connect(t.desk.daemon.admin_socket, &w) < 0);
	continue_hosts(&t);
	for (size_t i = 0; i < CALLS; i++)
		if (all[i].kind == ASKS_HOST) {
			blocked_end(&all[i]);
			assert_one_of(&all[i], 0, i == 0 ? 0 : WAT_UNAVAILABLE);
		}
	assert_int_equal(test_daemon_wait(&t.desk.daemon), 0);
	end(&t);
	((struct desk *)*state)->daemon = t.desk.daemon;
}

/* Whoever wants to wait for the next watd goes on with it, within the time of its call: a wait
 * waits on, a BIND is made again and finds what was stopped STOPPED, and nothing is done twice.
 * What the service had taken, and did not answer, is told so. row 81 */
static void test_go_on(void **state)
{
	struct blocked all[CALLS];
	struct world t = {.desk = *(struct desk *)*state};
	guest_desk_state *final = NULL;
	guest_desk_user *user;
	int64_t n = 0;

	begin(&t);
	block_all(&t, all, 60000);
	assert_int_equal(kill(t.desk.daemon.pid, SIGTERM), 0);
	continue_hosts(&t);
	assert_int_equal(test_daemon_wait(&t.desk.daemon), 0);
	test_daemon_start(&t.desk.daemon);
	/* What the wait, the events and the logs wait for. */
	assert_int_equal(guest_desk_stop(t.admins[2], &final), 0);
	guest_desk_state_free(final);
	note(&t);
	for (size_t i = 0; i < CALLS; i++) {
		const struct blocked *b = &all[i];
		int expected = b->call == call_later  ? WAT_UNAVAILABLE
			       : b->call == call_open ? WAT_STOPPED
						      : 0;

		blocked_end(&all[i]);
		assert_one_of(b, expected, expected);
	}
	user = desk_open(&t.desk, t.user);
	assert_int_equal(guest_desk_add_with(user, 0, &n), 0);
	assert_int_equal(n, 2); /* Start's, and one call */
	guest_desk_user_free(user);
	end(&t);
	((struct desk *)*state)->daemon = t.desk.daemon;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_at_once),
		DESK_CASE(test_go_on),
	};

	return test_run_cases(tests, NULL, NULL);
}
