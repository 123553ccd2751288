/* test_way.c - the whole way of a call, on both tiers, with the typed client; by each door that
 * $WAT_TEST_DOOR names (rows 37, 38, 98). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "counter.client.h"
#include "tests/lib/daemon.h"
#include "tests/lib/cases.h"

static struct test_daemon the_daemon;

struct fixture {
	wat *admin_side, *user_side;
	wat_node *node;
	counter_admin *admin;
};

static int set_up(void **state)
{
	(void)state;
	test_daemon_init(&the_daemon, NULL);
	test_daemon_start(&the_daemon);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_daemon_deinit(&the_daemon);
	return 0;
}

static void begin(struct fixture *f, const char *name, uint32_t tier, int64_t value)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	counter_state initial = COUNTER_STATE_INIT;
	counter_admin *spawned;
	char *token;

	spawn.tier = tier;
	initial.value = value;
	assert_int_equal(wat_connect(the_daemon.admin_socket, &f->admin_side), 0);
	assert_int_equal(wat_connect(the_daemon.socket, &f->user_side), 0);
	assert_int_equal(wat_node_open(f->admin_side, &f->node), 0);
	assert_int_equal(counter_spawn(f->node, name, &spawn, &initial, &spawned), 0);
	/* From here on everything goes by the clients' door. */
	assert_int_equal(counter_admin_token(spawned, &token), 0);
	counter_admin_free(spawned);
	assert_int_equal(counter_admin_open(f->user_side, token, &f->admin), 0);
	wat_memory_free(token);
}

static void end(struct fixture *f)
{
	counter_admin_free(f->admin);
	wat_node_free(f->node);
	wat_free(f->user_side);
	wat_free(f->admin_side);
}

/* A User of the instance on a connection of its own side, opened from the token as another program
 * would. */
static counter_user *user(struct fixture *f, const char *name)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_user *given, *opened;
	char *token;

	grant.name = name;
	assert_int_equal(counter_provision(f->admin, &grant, &given), 0);
	assert_int_equal(counter_user_token(given, &token), 0);
	counter_user_free(given);
	assert_int_equal(counter_user_open(f->user_side, token, &opened), 0);
	wat_memory_free(token);
	return opened;
}

static int64_t increment(counter_user *u, int64_t n)
{
	int64_t value = -1;

	assert_int_equal(counter_increment_with(u, n, &value), 0);
	return value;
}

static int64_t get(counter_user *u)
{
	int64_t value = -1;

	assert_int_equal(counter_get_with(u, &value), 0);
	return value;
}

static int64_t stop(struct fixture *f)
{
	counter_state *final = NULL;
	int64_t value;

	assert_int_equal(counter_stop(f->admin, &final), 0);
	value = final->value;
	counter_state_free(final);
	return value;
}

static uint32_t tier_of(void **state)
{
	return (uint32_t)(uintptr_t)*state;
}

/* Spawn with a state, call, stop, get the state back (rows 7, 30, 31, 36, 37, 39). */
static void test_increments(void **state)
{
	struct fixture f;
	counter_user *u;

	begin(&f, "way", tier_of(state), 4);
	u = user(&f, "u1");
	assert_int_equal(increment(u, 3), 7);
	assert_int_equal(get(u), 7);
	counter_user_free(u);
	assert_int_equal(stop(&f), 7);
	end(&f);
}

/* One state, however many users share it (row 10). */
static void test_one_shared_state(void **state)
{
	struct fixture f;
	counter_user *u[3];

	begin(&f, "shared", tier_of(state), 0);
	u[0] = user(&f, "u1");
	u[1] = user(&f, "u2");
	u[2] = user(&f, "u3");
	increment(u[0], 5);
	increment(u[1], 50);
	assert_int_equal(get(u[2]), 55);
	for (int i = 0; i < 3; i++)
		counter_user_free(u[i]);
	assert_int_equal(stop(&f), 55);
	end(&f);
}

/* A failed handler leaves the old state, and the caller the reason (row 8). */
static void test_failure_keeps_state(void **state)
{
	struct fixture f;
	counter_user *u;
	int64_t value = 0;

	begin(&f, "failing", tier_of(state), INT64_MAX - 1);
	u = user(&f, "u1");
	assert_int_equal(counter_increment_with(u, 5, &value), WAT_OUT_OF_RANGE);
	assert_int_equal(value, 0);
	assert_int_equal(wat_failure()->status, WAT_OUT_OF_RANGE);
	assert_non_null(strstr(wat_failure()->text, "does not fit"));
	assert_int_equal(get(u), INT64_MAX - 1);
	counter_user_free(u);
	stop(&f);
	end(&f);
}

/* The same connection's next call after deprovisioning is refused, and so is a new binding; others
 * go on (row 22). */
static void test_deprovision(void **state)
{
	struct fixture f;
	counter_user *one, *two, *again = NULL;
	char *token;
	int64_t value;

	begin(&f, "revoking", tier_of(state), 0);
	one = user(&f, "one");
	two = user(&f, "two");
	increment(one, 1);
	assert_int_equal(counter_user_token(one, &token), 0);
	assert_int_equal(counter_deprovision(f.admin, "one"), 0);
	assert_int_equal(counter_increment_with(one, 1, &value), WAT_ACCESS_DENIED);
	assert_int_equal(counter_user_open(f.user_side, token, &again), WAT_ACCESS_DENIED);
	assert_null(again);
	assert_int_equal(increment(two, 1), 2);
	assert_int_equal(counter_deprovision(f.admin, "one"), WAT_NOT_FOUND);
	wat_memory_free(token);
	counter_user_free(one);
	counter_user_free(two);
	assert_int_equal(stop(&f), 2);
	end(&f);
}

/* The Admin manages and nothing else; a User uses and nothing else: on the wire too (rows 14, 16).
 */
static void test_roles(void **state)
{
	struct fixture f;
	counter_user *u, *wrong = NULL;
	counter_admin *wrong_admin = NULL;
	char *token;

	begin(&f, "roles", tier_of(state), 0);
	assert_int_equal(counter_admin_token(f.admin, &token), 0);
	assert_int_equal(counter_user_open(f.user_side, token, &wrong), WAT_ACCESS_DENIED);
	wat_memory_free(token);
	u = user(&f, "u1");
	assert_int_equal(counter_user_token(u, &token), 0);
	assert_int_equal(counter_admin_open(f.user_side, token, &wrong_admin), WAT_ACCESS_DENIED);
	wat_memory_free(token);
	assert_int_equal(increment(u, 1), 1);
	counter_user_free(u);
	stop(&f);
	end(&f);
}

/* Management needs the Admin's token and the client socket, nothing else (rows 36, 39). */
static void test_admin_elsewhere(void **state)
{
	struct fixture f;
	counter_admin *admin;
	counter_state *final;
	counter_user *u;
	char *token;

	begin(&f, "elsewhere", tier_of(state), 10);
	assert_int_equal(counter_admin_token(f.admin, &token), 0);
	assert_int_equal(counter_admin_open(f.user_side, token, &admin), 0);
	wat_memory_free(token);
	u = user(&f, "u1");
	increment(u, 1);
	counter_user_free(u);
	assert_int_equal(counter_stop(admin, &final), 0);
	assert_int_equal(final->value, 11);
	counter_state_free(final);
	counter_admin_free(admin);
	end(&f);
}

struct tally {
	unsigned n_ok, n_other;
	int64_t last;
};

static void on_incremented(void *arg,
			   int status,
			   const counter_value *out,
			   const struct wat_failure *failure)
{
	struct tally *tally = arg;

	(void)failure;
	if (status != 0) {
		tally->n_other++;
		return;
	}
	/* Replies come in the order of the calls. */
	assert_true(out->value > tally->last);
	tally->last = out->value;
	tally->n_ok++;
}

/* 100 increments sent and not waited for, then Stop: the state is 100, and each call is answered
 * (rows 79, 80). */
static void test_stop_after_sends(void **state)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_amount one = COUNTER_AMOUNT_INIT;
	struct tally tally = {0};
	counter_user *u;
	struct fixture f;

	begin(&f, "queued", tier_of(state), 0);
	grant.name = "u1";
	one.n = 1;
	/* On the Admin's own connection: its calls go before its Stop. */
	assert_int_equal(counter_provision(f.admin, &grant, &u), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(counter_increment_send(u, &one, on_incremented, &tally), 0);
	assert_int_equal(stop(&f), 100);
	while (wat_outstanding(f.user_side) > 0)
		assert_int_equal(wat_dispatch(f.user_side, -1), 0);
	assert_int_equal(tally.n_ok, 100);
	assert_int_equal(tally.n_other, 0);
	assert_int_equal(counter_increment(u, &one, NULL), WAT_STOPPED);
	counter_user_free(u);
	end(&f);
}

/* thread, +7, stop, process, stop, thread again: the state goes along, old tokens are stale (rows
 * 56, 18, 65). */
static void test_carry(void **state)
{
	static const uint32_t tiers[] = {WAT_TIER_THREAD, WAT_TIER_PROCESS, WAT_TIER_THREAD};
	counter_user *stale = NULL;
	char *token = NULL;
	int64_t value = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture f;
		counter_user *u;

		begin(&f, "carried", tiers[i], value);
		if (token)
			assert_int_equal(counter_user_open(f.user_side, token, &stale), WAT_STALE);
		wat_memory_free(token);
		u = user(&f, "u1");
		assert_int_equal(get(u), value);
		increment(u, 7);
		assert_int_equal(counter_user_token(u, &token), 0);
		counter_user_free(u);
		value = stop(&f);
		assert_int_equal(value, 7 * (int64_t)(i + 1));
		assert_int_equal(counter_user_open(f.user_side, token, &stale), WAT_STOPPED);
		end(&f);
	}
	wat_memory_free(token);
}

#define THREAD ((void *)(uintptr_t)WAT_TIER_THREAD)
#define PROCESS ((void *)(uintptr_t)WAT_TIER_PROCESS)
#define ON_BOTH(test)                                       \
	{#test "/thread", test, NULL, NULL, THREAD},        \
	{                                                   \
#test "/process", test, NULL, NULL, PROCESS \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_increments),
		ON_BOTH(test_one_shared_state),
		ON_BOTH(test_failure_keeps_state),
		ON_BOTH(test_deprovision),
		ON_BOTH(test_roles),
		ON_BOTH(test_admin_elsewhere),
		ON_BOTH(test_stop_after_sends),
		cmocka_unit_test(test_carry),
	};

	return test_run_cases(tests, set_up, tear_down);
}
