/* test_users.c - Users come and go: Provision may refuse, Deprovision runs once, a lost connection
 * is noticed, a session ends with it, and who is left at the Stop is listed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/scenario/desk.h"

/* The handler sees name and id of the user; the third of two is refused, and no token is made.
 * row 5 */
static void capacity(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	guest_desk_admin *admin;
	guest_desk_user *user;
	char *token = NULL;
	guest_context *context = NULL;
	const struct wat_failure *failure;
	struct test_output out;

	initial.capacity = 2;
	admin = desk_spawned(d, tier, &initial);
	user = desk_user(d, admin, "u1");
	guest_desk_user_free(desk_user(d, admin, "u2"));
	assert_int_equal(desk_provision(admin, "u3", 0, &token), WAT_RESOURCE_EXHAUSTED);
	failure = wat_failure();
	assert_null(token);
	assert_non_null(strstr(failure->text, "Provision failed: the desk is full: 2 of 2"));
	assert_int_equal(failure->n_causes, 1);
	assert_string_equal(failure->causes[0].method, "Provision");
	test_watctl(&d->daemon, &out, "users", "d1", NULL);
	assert_null(strstr(out.out, "u3"));
	/* Who is inside is who was told. */
	assert_int_equal(guest_desk_who(user, NULL, &context), 0);
	assert_int_equal(guest_desk_deprovision(admin, "u2"), 0);
	assert_int_equal(desk_provision(admin, "u3", 0, &token), 0);
	wat_memory_free(token);
	assert_int_equal(guest_desk_stop(admin, &final), 0);
	assert_int_equal(final->n_present, 2);
	assert_string_equal(final->present[0]->name, "u1");
	assert_memory_equal(final->present[0]->id.data, context->user_id.data, 16);
	assert_string_equal(final->present[1]->name, "u3");
	guest_context_free(context);
	guest_desk_state_free(final);
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
}

static void test_capacity_thread(void **state)
{
	capacity(*state, WAT_TIER_THREAD);
}

static void test_capacity_process(void **state)
{
	capacity(*state, WAT_TIER_PROCESS);
}

/* Deprovision runs its handler once; that user is refused from then on, others go on. row 6 */
static void deprovision(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = desk_spawned(d, tier, &initial);
	guest_desk_user *one = desk_user(d, admin, "one"), *two = desk_user(d, admin, "two");
	int64_t n = 0;

	assert_int_equal(guest_desk_add_with(one, 1, &n), 0);
	assert_int_equal(guest_desk_add_with(two, 1, &n), 0);
	assert_int_equal(guest_desk_deprovision(admin, "one"), 0);
	assert_int_equal(guest_desk_add_with(one, 1, &n), WAT_ACCESS_DENIED);
	assert_int_equal(guest_desk_add_with(two, 1, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(guest_desk_deprovision(admin, "one"), WAT_NOT_FOUND);
	/* Its channel went with it: first that is seen, then the rest. */
	desk_assert_events(two, "start ", "provision one", "provision two", "disconnect one",
			   "deprovision one", NULL);
	guest_desk_user_free(one);
	guest_desk_user_free(two);
	guest_desk_admin_free(admin);
}

static void test_deprovision_thread(void **state)
{
	deprovision(*state, WAT_TIER_THREAD);
}

static void test_deprovision_process(void **state)
{
	deprovision(*state, WAT_TIER_PROCESS);
}

/* A Deprovision handler that fails or dies keeps nobody a user. What it did not get done before the
 * death is done when the instance is up again, once. */
static void test_deprovision_dies(void **state)
{
	struct desk *d = *state;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin;
	guest_desk_user *user, *other;
	int64_t n = 0;

	initial.deprovision = GUEST__BEHAVIOUR__REFUSE;
	admin = desk_spawned(d, WAT_TIER_PROCESS, &initial);
	user = desk_user(d, admin, "u1");
	other = desk_user(d, admin, "u2");
	assert_int_equal(guest_desk_deprovision(admin, "u1"), 0);
	assert_int_equal(guest_desk_add_with(user, 1, &n), WAT_ACCESS_DENIED);
	desk_assert_events(other, "start ", "provision u1", "provision u2", "disconnect u1", NULL);
	guest_desk_user_free(user);
	guest_desk_user_free(other);
	guest_desk_admin_free(admin);
}

/* The host dies in the handler again and again, until it is left alone; nobody hangs, nobody is let
 * in, and after `start` the handler runs again. */
static void test_deprovision_crashes(void **state)
{
	struct desk *d = *state;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin;
	char *token = NULL;
	guest_desk_user *user = NULL;
	struct test_output out;

	initial.deprovision = GUEST__BEHAVIOUR__CRASH;
	admin = desk_spawned(d, WAT_TIER_PROCESS, &initial);
	assert_int_equal(desk_provision(admin, "u1", 0, &token), 0);
	assert_int_equal(guest_desk_deprovision(admin, "u1"), 0);
	do
		test_watctl(&d->daemon, &out, "show", "d1", NULL);
	while (!strstr(out.out, "failed  "));
	assert_non_null(strstr(out.out, "while it ran Deprovision"));
	assert_int_equal(guest_desk_user_open(d->user_side, token, &user), WAT_ACCESS_DENIED);
	wat_memory_free(token);
	guest_desk_admin_free(admin);
}

/* A Provision handler that kills its host: an answer with the chain, and no capability. */
static void test_provision_crashes(void **state)
{
	struct desk *d = *state;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin;
	const struct wat_failure *failure;
	char *token = NULL;
	struct test_output out;

	initial.provision = GUEST__BEHAVIOUR__CRASH;
	admin = desk_spawned(d, WAT_TIER_PROCESS, &initial);
	assert_int_equal(desk_provision(admin, "u1", 0, &token), WAT_SERVER_DIED);
	failure = wat_failure();
	assert_non_null(strstr(failure->text, "while it ran Provision; its last words: "));
	assert_int_equal(failure->n_causes, 1);
	assert_int_equal(failure->causes[0].signal, 6);
	test_watctl(&d->daemon, &out, "-j", "users", "d1", NULL);
	assert_string_equal(out.out, "{\"users\":[]}\n");
	guest_desk_admin_free(admin);
}

/* on_disconnect: once for each loss of a grant's last channel, by an orderly close, by a broken
 * connection or by a client that breaks the protocol; the grant stays. row 27 */
static void disconnects(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = desk_spawned(d, tier, &initial);
	guest_desk_user *watcher = desk_user(d, admin, "watcher"), *first, *second;
	char *token = NULL;
	wat *gone;
	struct test_output out;

	assert_int_equal(desk_provision(admin, "u1", 0, &token), 0);
	/* Two channels of one grant: the first to go is no loss. */
	first = desk_open(d, token);
	second = desk_open(d, token);
	desk_assert_events(first, "start ", "provision watcher", "provision u1", NULL);
	desk_assert_events(second, "start ", "provision watcher", "provision u1", NULL);
	guest_desk_user_free(first);
	desk_assert_events(second, "start ", "provision watcher", "provision u1", NULL);
	guest_desk_user_free(second);
	desk_wait_events(watcher, 4);
	/* The connection is lost with everything on it. */
	assert_int_equal(wat_connect(d->daemon.socket, &gone), 0);
	assert_int_equal(guest_desk_user_open(gone, token, &first), 0);
	desk_assert_events(first, "start ", "provision watcher", "provision u1", "disconnect u1",
			   NULL);
	guest_desk_user_free(first);
	wat_free(gone);
	desk_wait_events(watcher, 5);
	desk_assert_events(watcher, "start ", "provision watcher", "provision u1", "disconnect u1",
			   "disconnect u1", NULL);
	test_watctl(&d->daemon, &out, "users", "d1", NULL);
	assert_non_null(strstr(out.out, "u1"));
	guest_desk_user_free(watcher);
	guest_desk_admin_free(admin);
	wat_memory_free(token);
}

static void test_disconnects_thread(void **state)
{
	disconnects(*state, WAT_TIER_THREAD);
}

static void test_disconnects_process(void **state)
{
	disconnects(*state, WAT_TIER_PROCESS);
}

/* A session grant ends when its last channel goes, with its handlers; its token is no good then. */
static void session(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = desk_spawned(d, tier, &initial);
	guest_desk_user *watcher = desk_user(d, admin, "watcher"), *user;
	char *token = NULL;
	struct test_output out;

	assert_int_equal(desk_provision(admin, "u1", WAT_GRANT_SESSION, &token), 0);
	user = desk_open(d, token);
	desk_assert_events(user, "start ", "provision watcher", "provision u1", NULL);
	guest_desk_user_free(user);
	desk_wait_events(watcher, 5);
	desk_assert_events(watcher, "start ", "provision watcher", "provision u1", "disconnect u1",
			   "deprovision u1", NULL);
	assert_int_equal(guest_desk_user_open(d->user_side, token, &user), WAT_ACCESS_DENIED);
	do
		test_watctl(&d->daemon, &out, "users", "d1", NULL);
	while (strstr(out.out, "u1"));
	guest_desk_user_free(watcher);
	guest_desk_admin_free(admin);
	wat_memory_free(token);
}

static void test_session_thread(void **state)
{
	session(*state, WAT_TIER_THREAD);
}

static void test_session_process(void **state)
{
	session(*state, WAT_TIER_PROCESS);
}

/* Who was not deprovisioned is listed, with ids, by the library and by watctl. row 28 */
static void test_left_at_stop(void **state)
{
	struct desk *d = *state;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = desk_spawned(d, WAT_TIER_PROCESS, &initial);
	guest_desk_user *one = desk_user(d, admin, "one"), *two = desk_user(d, admin, "two");
	const struct wat_user_left *left = NULL;
	guest_context *context = NULL;
	struct test_output out;
	size_t n = 0;

	assert_int_equal(guest_desk_who(one, NULL, &context), 0);
	guest_desk_user_free(two);
	two = desk_user(d, admin, "gone");
	assert_int_equal(guest_desk_deprovision(admin, "gone"), 0);
	assert_int_equal(guest_desk_users_left(admin, &left, &n), 0);
	assert_int_equal(guest_desk_stop(admin, NULL), 0);
	assert_int_equal(guest_desk_users_left(admin, &left, &n), 2);
	assert_int_equal(n, 2);
	assert_string_equal(left[0].name, "one");
	assert_memory_equal(left[0].grant_id, context->user_id.data, 16);
	assert_int_equal(left[0].channels, 1);
	assert_string_equal(left[1].name, "two");
	assert_non_null(left[1].grant_id);
	guest_context_free(context);
	guest_desk_user_free(one);
	guest_desk_user_free(two);
	guest_desk_admin_free(admin);
	assert_true(test_daemon_logged(&d->daemon, "a user was left at the stop"));
	test_watctl(&d->daemon, &out, "spawn", "counter", "c1", NULL);
	test_watctl(&d->daemon, &out, "spawn", "guest.Desk", "d2", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&d->daemon, &out, "provision", "d2", "bob", NULL);
	test_watctl(&d->daemon, &out, "provision", "d2", "eve", "--session", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&d->daemon, &out, "stop", "d2", NULL);
	assert_non_null(strstr(out.err, "2 users of d2 were left without deprovision:"));
	assert_non_null(strstr(out.err, "bob"));
	assert_non_null(strstr(out.err, "eve"));
}

/* What a channel's first call saw. */
struct seen {
	uint64_t connection;    /* of any instance */
	uint64_t invocation[2]; /* of each, in this generation */
	uint64_t start_ns;
};

static void assert_context(const guest_context *c, int which, struct seen *seen)
{
	assert_string_equal(c->service, "guest.Desk");
	assert_string_equal(c->instance, which ? "d2" : "d1");
	assert_string_equal(c->method, "Who");
	assert_string_equal(c->user, "u1");
	assert_true(c->connection > seen->connection);
	assert_true(c->invocation > seen->invocation[which]);
	assert_true(c->start_ns > seen->start_ns);
	seen->connection = c->connection;
	seen->invocation[which] = c->invocation;
	seen->start_ns = c->start_ns;
}

/* A new channel, on a new connection to watd at times. */
static void reconnect(struct desk *d, const char *token, int i, struct seen *seen)
{
	guest_context *c = NULL;
	guest_desk_user *user;

	if (i % 4 == 0) {
		wat_free(d->user_side);
		assert_int_equal(wat_connect(d->daemon.socket, &d->user_side), 0);
	}
	user = desk_open(d, token);
	assert_int_equal(guest_desk_who(user, NULL, &c), 0);
	assert_context(c, i % 2, seen);
	guest_context_free(c);
	guest_desk_user_free(user);
}

/* Where a handler runs and for whom; the number of a channel rises and is never used again in
 * 10,000 reconnects: not by another instance in another tier, not after watd was suspended, not
 * after it was killed. row 45 */
static void test_context(void **state)
{
	struct desk *d = *state;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admins[2] = {desk_spawned(d, WAT_TIER_THREAD, &initial), NULL};
	struct seen seen = {0};
	char *tokens[2] = {NULL, NULL};

	spawn.tier = WAT_TIER_PROCESS;
	assert_int_equal(guest_desk_spawn(d->node, "d2", &spawn, &initial, &admins[1]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(desk_provision(admins[i], "u1", 0, &tokens[i]), 0);
		guest_desk_admin_free(admins[i]);
	}
	for (int i = 0; i < 10000; i++) {
		reconnect(d, tokens[i % 2], i, &seen);
		if (i % 3500 != 3499)
			continue;
		desk_disconnect(d);
		if (i < 3500)
			assert_int_equal(test_daemon_terminate(&d->daemon), 0);
		else
			test_daemon_kill(&d->daemon);
		test_daemon_start(&d->daemon);
		desk_connect(d);
		seen.invocation[0] = seen.invocation[1] = 0;
	}
	for (int i = 0; i < 2; i++)
		wat_memory_free(tokens[i]);
}

/* No capability covers an internal method, and none can be made that does. */
static void test_internal(void **state)
{
	struct desk *d = *state;
	guest_desk_state initial = GUEST_DESK_STATE_INIT;
	guest_desk_admin *admin = desk_spawned(d, WAT_TIER_PROCESS, &initial);
	guest_desk_user *user = desk_user(d, admin, "u1");
	struct wat_grant grant = WAT_GRANT_INIT;
	uint8_t *reply = NULL;
	char *token = NULL;
	size_t n;

	assert_int_equal(wat_call_raw((wat_capability *)user, 6, 0, 0, "", 0, &reply, &n),
			 WAT_ACCESS_DENIED);
	grant.name = "u2";
	grant.methods = UINT64_C(1) << 6;
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token),
			 WAT_INVALID_ARGUMENT);
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_capacity_thread),
		DESK_CASE(test_capacity_process),
		DESK_CASE(test_deprovision_thread),
		DESK_CASE(test_deprovision_process),
		DESK_CASE(test_deprovision_dies),
		DESK_CASE(test_deprovision_crashes),
		DESK_CASE(test_provision_crashes),
		DESK_CASE(test_disconnects_thread),
		DESK_CASE(test_disconnects_process),
		DESK_CASE(test_session_thread),
		DESK_CASE(test_session_process),
		DESK_CASE(test_left_at_stop),
		DESK_CASE(test_context),
		DESK_CASE(test_internal),
	};

	return test_run_cases(tests, NULL, NULL);
}
