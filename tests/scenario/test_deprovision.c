/* test_deprovision.c - a Deprovision that was acknowledged is the end: no call of that User runs
 * any more, however many were on their way and whatever happens meanwhile, and whoever still has
 * its channel or its token is refused. rows 22, 65 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "counter.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define LANES 5u
#define IN_FLIGHT 200u /* of each: a thousand in all */

struct world {
	struct test_daemon daemon;
	wat *w;
	wat_node *node;
	counter_admin *admin;
	counter_user *other;
	char *token;
	_Atomic unsigned acknowledged;
	_Atomic bool queued;
};

static int set_up(void **state)
{
	struct world *t = calloc(1, sizeof *t);
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_user *user;

	test_daemon_init(&t->daemon, NULL);
	test_daemon_start(&t->daemon);
	*state = t;
	if (wat_connect(t->daemon.admin_socket, &t->w) || wat_node_open(t->w, &t->node) ||
	    counter_spawn(t->node, "c1", NULL, NULL, &t->admin))
		return -1;
	grant.name = "other";
	if (counter_provision(t->admin, &grant, &t->other))
		return -1;
	grant.name = "gone";
	if (counter_provision(t->admin, &grant, &user) || counter_user_token(user, &t->token))
		return -1;
	counter_user_free(user);
	return 0;
}

static int tear_down(void **state)
{
	struct world *t = *state;

	wat_memory_free(t->token);
	counter_user_free(t->other);
	counter_admin_free(t->admin);
	wat_node_free(t->node);
	wat_free(t->w);
	test_daemon_deinit(&t->daemon);
	free(t);
	return 0;
}

static int64_t value_of(const struct world *t)
{
	int64_t value = -1;

	assert_int_equal(counter_increment_with(t->other, 0, &value), 0);
	return value;
}

struct flood {
	struct world *t;
	counter_user *lanes[LANES];
	wat *w;
	unsigned refused;
};

static void on_done(void *arg, int status, const counter_value *out, const struct wat_failure *f);

static void send_one(struct flood *flood, counter_user *lane)
{
	counter_amount one = COUNTER_AMOUNT_INIT;

	one.n = 1;
	if (counter_increment_send(lane, &one, on_done, flood) != 0)
		flood->refused++;
}

static void on_done(void *arg, int status, const counter_value *out, const struct wat_failure *f)
{
	struct flood *flood = arg;

	(void)out;
	(void)f;
	if (status == 0)
		flood->t->acknowledged++;
	else if (status == WAT_ACCESS_DENIED)
		flood->refused++;
}

/* Keeps its lanes full until it is refused. */
static void *run_flood(void *arg)
{
	struct flood flood = {.t = arg};

	assert_int_equal(wat_connect(flood.t->daemon.socket, &flood.w), 0);
	for (size_t i = 0; i < LANES; i++)
		assert_int_equal(counter_user_open(flood.w, flood.t->token, &flood.lanes[i]), 0);
	while (flood.refused == 0) {
		for (size_t i = 0; i < LANES; i++)
			for (unsigned n = 0; n < IN_FLIGHT; n++)
				send_one(&flood, flood.lanes[i]);
		flood.t->queued = true;
		while (wat_outstanding(flood.w) > 0)
			assert_int_equal(wat_dispatch(flood.w, -1), 0);
	}
	/* The same live peer, on the connection that it has. */
	for (size_t i = 0; i < LANES; i++) {
		int64_t value;

		assert_int_equal(counter_increment_with(flood.lanes[i], 1, &value),
				 WAT_ACCESS_DENIED);
		counter_user_free(flood.lanes[i]);
	}
	wat_free(flood.w);
	return NULL;
}

/* What goes on at the same time. */
static void *disturb(void *arg)
{
	const char *const *command = arg;
	struct test_output out;

	test_watctl((const struct test_daemon *)(const void *)command[0], &out, command[1], "c1",
		    NULL);
	return NULL;
}

static void deprovisioned_during(struct world *t, const char *what)
{
	const char *command[] = {(const char *)&t->daemon, what};
	pthread_t flood, disturber;
	counter_user *again = NULL;
	unsigned acknowledged;
	int64_t value;

	assert_int_equal(pthread_create(&flood, NULL, run_flood, t), 0);
	while (!t->queued)
		;
	if (what)
		assert_int_equal(pthread_create(&disturber, NULL, disturb, command), 0);
	assert_int_equal(counter_deprovision(t->admin, "gone"), 0);
	value = value_of(t);
	/* A new channel is refused at once, too. */
	assert_int_equal(counter_user_open(t->w, t->token, &again), WAT_ACCESS_DENIED);
	assert_int_equal(pthread_join(flood, NULL), 0);
	if (what)
		assert_int_equal(pthread_join(disturber, NULL), 0);
	acknowledged = t->acknowledged;
	assert_true(acknowledged > 0 || what);
	assert_int_equal(value_of(t), value);
	assert_true(value >= acknowledged);
	/* Nor does a restart let it in again. */
	test_daemon_kill(&t->daemon);
	test_daemon_start(&t->daemon);
	assert_int_equal(counter_user_open(t->w, t->token, &again), WAT_ACCESS_DENIED);
	assert_int_equal(value_of(t), value);
}

static void test_queued(void **state)
{
	deprovisioned_during(*state, NULL);
}

static void test_death(void **state)
{
	deprovisioned_during(*state, "kill");
}

static void test_restart(void **state)
{
	deprovisioned_during(*state, "restart");
}

static void test_checkpoint(void **state)
{
	deprovisioned_during(*state, "snapshot");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_queued),
		CASE(test_death),
		CASE(test_restart),
		CASE(test_checkpoint),
	};

	return test_run_cases(tests, NULL, NULL);
}
