/* test_grant_limits.c - what a grant may do, and for how long, is enforced where its calls run; who
 * is refused is told which limit it is, and nothing was run. row 26 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counter.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define N_CALLS 60u

struct world {
	struct test_daemon daemon;
	wat *w;
	wat_node *node;
	counter_admin *admin;
};

static int set_up(void **state)
{
	struct world *t = calloc(1, sizeof *t);

	test_daemon_init(&t->daemon, NULL);
	test_daemon_start(&t->daemon);
	*state = t;
	return wat_connect(t->daemon.admin_socket, &t->w) || wat_node_open(t->w, &t->node) ||
	       counter_spawn(t->node, "c1", NULL, NULL, &t->admin);
}

static int tear_down(void **state)
{
	struct world *t = *state;

	counter_admin_free(t->admin);
	wat_node_free(t->node);
	wat_free(t->w);
	test_daemon_deinit(&t->daemon);
	free(t);
	return 0;
}

static counter_user *provision(struct world *t, const struct wat_grant *grant)
{
	counter_user *user = NULL;

	assert_int_equal(counter_provision(t->admin, grant, &user), 0);
	return user;
}

struct tally {
	unsigned done, refused;
	char text[256];
};

static void on_done(void *arg, int status, const counter_value *out, const struct wat_failure *f)
{
	struct tally *tally = arg;

	(void)out;
	if (status == 0) {
		tally->done++;
		return;
	}
	assert_int_equal(status, WAT_OVERLOADED);
	strncpy(tally->text, f->text, sizeof tally->text - 1);
	tally->refused++;
}

/* All are written before an answer is taken. */
static struct tally send_all(struct world *t, counter_user *user)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	struct tally tally = {0};
	int64_t value;

	one.n = 1;
	for (unsigned i = 0; i < N_CALLS; i++)
		assert_int_equal(counter_increment_send(user, &one, on_done, &tally), 0);
	while (wat_outstanding(t->w) > 0)
		assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(tally.done + tally.refused, N_CALLS);
	/* What was refused was not run. */
	assert_int_equal(counter_increment_with(user, 0, &value) == 0 ? value : tally.done,
			 tally.done);
	return tally;
}

/* Of a flood a grant with a rate gets what its rate gives, and no more; others all of theirs. */
static void test_rate(void **state)
{
	struct world *t = *state;
	struct wat_grant slow = WAT_GRANT_INIT, quick = WAT_GRANT_INIT;
	counter_user *user, *other;
	struct tally tally;

	slow.name = "slow";
	slow.rate = 1;
	quick.name = "quick";
	user = provision(t, &slow);
	other = provision(t, &quick);
	tally = send_all(t, user);
	assert_true(tally.done >= 1);
	assert_true(tally.refused > 0);
	assert_non_null(strstr(tally.text, "the rate limit of this grant is reached: 1 calls a"));
	assert_int_equal(counter_reset_with(other, NULL), 0);
	assert_int_equal(send_all(t, other).done, N_CALLS);
	counter_user_free(user);
	counter_user_free(other);
}

/* A new channel does not make the rate begin anew. */
static void test_rate_of_all_channels(void **state)
{
	struct world *t = *state;
	struct wat_grant slow = WAT_GRANT_INIT;
	struct timespec then, now;
	counter_user *user;
	unsigned done = 0;
	char *token;
	int64_t value;

	slow.name = "slow";
	slow.rate = 1;
	user = provision(t, &slow);
	assert_int_equal(counter_user_token(user, &token), 0);
	clock_gettime(CLOCK_MONOTONIC, &then);
	for (unsigned i = 0; i < 20; i++) {
		counter_user_free(user);
		assert_int_equal(counter_user_open(t->w, token, &user), 0);
		done += counter_increment_with(user, 1, &value) == 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* However long that took. */
	assert_true(done <= 2 + (unsigned)(now.tv_sec - then.tv_sec));
	wat_memory_free(token);
	counter_user_free(user);
}

/* Of calls that are sent before an answer is taken as many run as may be in flight. */
static void test_in_flight(void **state)
{
	struct world *t = *state;
	struct wat_grant narrow = WAT_GRANT_INIT;
	counter_user *user;
	struct tally tally;

	narrow.name = "narrow";
	narrow.in_flight = 3;
	user = provision(t, &narrow);
	tally = send_all(t, user);
	assert_int_equal(tally.done, 3);
	assert_non_null(
		strstr(tally.text, "the in-flight limit of this grant is reached: 3 calls at"));
	counter_user_free(user);
}

static void on_over(void *arg, int status, const counter_value *out, const struct wat_failure *f)
{
	(void)out;
	(void)f;
	*(int *)arg = status;
}

/* A channel ends when its capability does, though its client says nothing; a call afterwards is
 * refused, on the same handle and on a new one. */
static void test_expiry(void **state)
{
	struct world *t = *state;
	struct wat_grant brief = WAT_GRANT_INIT;
	struct pollfd pollfd;
	counter_user *user, *again = NULL;
	int status = -1;
	char *token;
	int64_t value;

	brief.name = "brief";
	brief.not_after = (uint64_t)time(NULL) + 3;
	user = provision(t, &brief);
	assert_int_equal(counter_user_token(user, &token), 0);
	assert_int_equal(counter_increment_with(user, 1, &value), 0);
	/* Nothing but the end of the channel wakes it. */
	pollfd = (struct pollfd){.fd = wat_fd(t->w), .events = POLLIN};
	assert_int_equal(poll(&pollfd, 1, 60000), 1);
	assert_true((uint64_t)time(NULL) >= brief.not_after);
	assert_int_equal(counter_increment_send(user, NULL, on_over, &status), 0);
	while (wat_outstanding(t->w) > 0)
		assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(status, WAT_ACCESS_DENIED);
	assert_int_equal(counter_user_open(t->w, token, &again), WAT_ACCESS_DENIED);
	wat_memory_free(token);
	counter_user_free(user);
}

/* watctl says it, and refuses what is no limit. */
static void test_command_line(void **state)
{
	struct world *t = *state;
	struct test_output out;

	test_watctl(&t->daemon, &out, "admin", "c1", NULL);
	test_watctl(&t->daemon, &out, "provision", "c1", "app", "--limit-rate", "1",
		    "--limit-inflight", "4", NULL);
	assert_int_equal(out.code, 0);
	test_watctl(&t->daemon, &out, "-j", "users", "c1", NULL);
	assert_non_null(strstr(out.out, "\"rate\":1"));
	assert_non_null(strstr(out.out, "\"inFlight\":4"));
	for (unsigned i = 0; i < 2; i++) {
		test_watctl(&t->daemon, &out, "provision", "c1", "x",
			    i ? "--limit-rate" : "--limit-inflight", i ? "0" : "4x", NULL);
		assert_int_equal(out.code, 64);
		assert_non_null(strstr(out.err, "is no limit and no process"));
	}
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_rate),   CASE(test_rate_of_all_channels), CASE(test_in_flight),
		CASE(test_expiry), CASE(test_command_line),
	};

	return test_run_cases(tests, NULL, NULL);
}
