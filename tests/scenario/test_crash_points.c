/* test_crash_points.c - at each place where a process could die, it does: a host or watd, the
 * first or second time that it gets there ($WAT_CRASH_VISITS: up to the ninth), on both tiers and
 * with both durabilities, while two users add and others come and go. Nothing that was acknowledged
 * is lost, nothing is done twice, each handler of a user's life runs once. Once with a service
 * whose journal holds states, once with one whose journal holds calls. rows 11, 50, 57, 58 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "tally.client.h"
#include "tests/scenario/kept.h"

#define ADDS 600 /* of each user, in each half */
#define IN_FLIGHT 8
#define VISITS_MAX 9u

struct point {
	const char *name;
	unsigned visit;
	uint32_t tier, durability;
	bool calls; /* of a journal of calls */
};

static void begin(struct kept *w, const struct point *point)
{
	char at[64];

	(void)snprintf(at, sizeof at, "%s:%u", point->name, point->visit);
	kept_begin(w, at, true);
}

static void on_added(void *arg,
		     int status,
		     const guest_number *out,
		     const struct wat_failure *failure)
{
	size_t *open = arg;

	(void)out;
	if (status != 0)
		fail_msg("an Add ended with %d: %s", status, failure->text);
	(*open)--;
}

static void add_many(struct kept *w, guest_desk_user *user, int n)
{
	guest_number one = GUEST_NUMBER_INIT;
	size_t open = 0;

	one.n = 1;
	while (n > 0 || open > 0) {
		while (n > 0 && open < IN_FLIGHT) {
			assert_int_equal(guest_desk_add_send(user, &one, on_added, &open), 0);
			open++;
			n--;
		}
		assert_int_equal(wat_dispatch(w->desk.user_side, -1), 0);
	}
}

static guest_desk_user *provision(struct kept *w, guest_desk_admin *admin, const char *name)
{
	guest_desk_user *user;
	char *token = NULL;

	if (desk_provision(admin, name, 0, &token) != 0)
		fail_msg("provision %s: %s", name, wat_failure()->text);
	user = desk_open(&w->desk, token);
	wat_memory_free(token);
	return user;
}

/* So that the places of a recovery are reached, too. */
static void kill_host(struct kept *w)
{
	static struct test_output out;
	const char *at;

	test_watctl(&w->desk.daemon, &out, "-j", "show", "d1", NULL);
	at = out.code == 0 ? strstr(out.out, "\"pid\":") : NULL;
	if (at && atoi(at + 6) > 0)
		(void)kill((pid_t)atoi(at + 6), SIGKILL);
}

static size_t count(const guest_desk_state *state, const char *event)
{
	size_t n = 0;

	for (size_t i = 0; i < state->n_events; i++)
		n += strcmp(state->events[i], event) == 0;
	return n;
}

static void assert_once(const guest_desk_state *state, const char *event)
{
	if (count(state, event) != 1)
		fail_msg("\"%s\" happened %zu times", event, count(state, event));
}

/* A user that was let in and could not be told so has left again. */
static void assert_inside(const guest_desk_state *state, const char *user, size_t n)
{
	char in[64], out[64];

	(void)snprintf(in, sizeof in, "provision %s", user);
	(void)snprintf(out, sizeof out, "deprovision %s", user);
	if (count(state, in) != count(state, out) + n)
		fail_msg("%s came %zu times and left %zu times", user, count(state, in),
			 count(state, out));
}

/* Those that it can't come to: its users leave without a handler. */
static bool is_of_states(const char *name)
{
	return strcmp(name, "deprovision_ran") == 0;
}

/* test_poison.c has a call that leads there. */
static bool is_of_poison(const char *name)
{
	return strncmp(name, "verdict_", 8) == 0 || strcmp(name, "fault_noted") == 0;
}

static bool is_of_calls(const char *name)
{
	return strcmp(name, "replay_call") == 0;
}

static void visit(const struct point *point)
{
	struct kept w = {0};
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_desk_state *final = NULL;
	guest_desk_admin *admin = NULL;
	guest_desk_user *ann, *bob;
	int r;

	begin(&w, point);
	spawn.tier = point->tier;
	spawn.durability = point->durability;
	/* A host that died in the start, or in the stop, is that one's failure; it can be tried
	 * again. */
	r = guest_desk_spawn(w.desk.node, "d1", &spawn, NULL, &admin);
	if (r == WAT_START_FAILED)
		r = guest_desk_spawn(w.desk.node, "d1", &spawn, NULL, &admin);
	if (r != 0)
		fail_msg("%s: spawn: %s", point->name, wat_failure()->text);
	ann = provision(&w, admin, "ann");
	bob = provision(&w, admin, "bob");
	add_many(&w, ann, ADDS);
	add_many(&w, bob, ADDS);
	kill_host(&w);
	add_many(&w, ann, ADDS);
	guest_desk_user_free(bob);
	assert_int_equal(guest_desk_deprovision(admin, "bob"), 0);
	guest_desk_user_free(provision(&w, admin, "cid"));
	guest_desk_user_free(ann);
	r = guest_desk_stop(admin, &final);
	while (r == WAT_SERVER_DIED || r == WAT_FAILED_PRECONDITION)
		r = guest_desk_stop(admin, &final);
	if (r != 0)
		fail_msg("%s: stop: %s", point->name, wat_failure()->text);
	/* Start adds 1, Stop doubles. */
	assert_int_equal(final->value, 2 * (1 + 3 * ADDS));
	assert_once(final, "start ");
	assert_once(final, "stop ");
	assert_inside(final, "ann", 1);
	assert_inside(final, "bob", 0);
	assert_inside(final, "cid", 1);
	guest_desk_state_free(final);
	guest_desk_admin_free(admin);
	if (point->visit == 1 && !is_of_calls(point->name) && !kept_came(&w))
		fail_msg("nobody came to %s", point->name);
	kept_end(&w);
}

/* The same with a journal of calls. */

static void on_tallied(void *arg,
		       int status,
		       const tally_sum *out,
		       const struct wat_failure *failure)
{
	size_t *open = arg;

	(void)out;
	if (status != 0)
		fail_msg("an Add ended with %d: %s", status, failure->text);
	(*open)--;
}

static void tally_many(struct kept *w, tally_user *user, int n)
{
	tally_amount one = TALLY_AMOUNT_INIT;
	size_t open = 0;

	one.n = 1;
	while (n > 0 || open > 0) {
		while (n > 0 && open < IN_FLIGHT) {
			assert_int_equal(tally_add_send(user, &one, on_tallied, &open), 0);
			open++;
			n--;
		}
		assert_int_equal(wat_dispatch(w->desk.user_side, -1), 0);
	}
}

static tally_user *let_in(struct kept *w, tally_admin *admin, const char *name)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	tally_user *by_admin, *user;
	char *token = NULL;

	grant.name = name;
	if (tally_provision(admin, &grant, &by_admin) != 0)
		fail_msg("provision %s: %s", name, wat_failure()->text);
	assert_int_equal(tally_user_token(by_admin, &token), 0);
	tally_user_free(by_admin);
	assert_int_equal(tally_user_open(w->desk.user_side, token, &user), 0);
	wat_memory_free(token);
	return user;
}

/* A checkpoint right before the death leaves nothing to be run again: then another one dies with a
 * call behind it, so often as the restart policy allows. How many calls that took. */
static int die_with_calls(struct kept *w, const struct point *point, tally_user *user)
{
	int n = 0;

	while (is_of_calls(point->name) && point->visit == 1 && !kept_came(w) && n < 2) {
		tally_many(w, user, 1);
		kill_host(w);
		n++;
	}
	return n;
}

static void visit_calls(const struct point *point)
{
	struct kept w = {0};
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	tally_admin *admin = NULL;
	tally_state *final = NULL;
	tally_user *ann, *bob;
	int r, n_more;

	begin(&w, point);
	spawn.tier = point->tier;
	spawn.durability = point->durability;
	r = tally_spawn(w.desk.node, "d1", &spawn, NULL, &admin);
	if (r == WAT_START_FAILED)
		r = tally_spawn(w.desk.node, "d1", &spawn, NULL, &admin);
	if (r != 0)
		fail_msg("%s: spawn: %s", point->name, wat_failure()->text);
	ann = let_in(&w, admin, "ann");
	bob = let_in(&w, admin, "bob");
	tally_many(&w, ann, ADDS);
	tally_many(&w, bob, ADDS);
	kill_host(&w);
	tally_many(&w, ann, ADDS);
	n_more = die_with_calls(&w, point, ann);
	tally_user_free(bob);
	assert_int_equal(tally_deprovision(admin, "bob"), 0);
	tally_user_free(ann);
	r = tally_stop(admin, &final);
	while (r == WAT_SERVER_DIED || r == WAT_FAILED_PRECONDITION)
		r = tally_stop(admin, &final);
	if (r != 0)
		fail_msg("%s: stop: %s", point->name, wat_failure()->text);
	assert_int_equal(final->value, 3 * ADDS + n_more);
	assert_int_equal(final->calls, 3 * ADDS + n_more);
	/* A Provision that could not be stored is taken back, and done anew. */
	assert_true(final->users >= 2);
	tally_state_free(final);
	tally_admin_free(admin);
	if (point->visit == 1 && !is_of_states(point->name) && !kept_came(&w))
		fail_msg("nobody came to %s", point->name);
	kept_end(&w);
}

static void test_point(void **state)
{
	const struct point *point = *state;

	if (point->calls)
		visit_calls(point);
	else
		visit(point);
}

int main(void)
{
	static const char *const names[] = {
#define CRASH_POINT_NAME(name, program, text) #name,
		CRASH_POINTS(CRASH_POINT_NAME)
#undef CRASH_POINT_NAME
	};
	static struct point points[CRASH_POINT_N * VISITS_MAX * 2];
	static struct CMUnitTest tests[CRASH_POINT_N * VISITS_MAX * 2];
	static char titles[CRASH_POINT_N * VISITS_MAX * 2][64];
	const char *text = getenv("WAT_CRASH_VISITS");
	unsigned visits = text ? (unsigned)atoi(text) : 2;
	size_t n = 0;

	if (visits > VISITS_MAX)
		visits = VISITS_MAX;
	for (size_t i = 0; i < CRASH_POINT_N; i++)
		for (unsigned v = 1; v <= 2 * visits && !is_of_poison(names[i]); v++, n++) {
			points[n] = (struct point){
				.name = names[i],
				.visit = (v + 1) / 2,
				.calls = v % 2 == 0,
				.tier = (i + (v + 1) / 2) % 2 ? WAT_TIER_PROCESS : WAT_TIER_THREAD,
				.durability =
					(v + 1) / 2 % 2 == 0 || strcmp(names[i], "sync_after") == 0
						? WAT_DURABILITY_SYNC
						: WAT_DURABILITY_CRASH,
			};
			(void)snprintf(titles[n], sizeof titles[n], "%s/%u/%s", names[i],
				       points[n].visit, points[n].calls ? "calls" : "states");
			tests[n] =
				(struct CMUnitTest){titles[n], test_point, NULL, NULL, &points[n]};
		}
	return test_cases_run(tests, n, NULL, NULL);
}
