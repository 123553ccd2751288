/* test_restart.c - when what died is started again: tables of policies, deaths and decisions. row
 * 52 */
#include <stddef.h>
#include <stdint.h>

#include "daemon/supervisor/restart.h"
#include "tests/lib/cases.h"

#define NO_PAUSE UINT64_MAX /* there is none, since it is not started */

struct step {
	enum restart_kind kind;
	uint64_t now_ms, ready_ms;
	enum restart_verdict verdict;
	uint64_t pause_ms;
};

static void run(const struct restart_policy *policy, const struct step *steps, size_t n)
{
	struct restart_history history = {0};

	for (size_t i = 0; i < n; i++) {
		const struct restart_death death = {steps[i].kind, steps[i].now_ms,
						    steps[i].ready_ms};
		struct restart_decision decision = restart_decide(policy, &history, &death, 0);

		if (decision.verdict != steps[i].verdict)
			fail_msg("step %zu: verdict %d", i, (int)decision.verdict);
		if (steps[i].pause_ms != NO_PAUSE && decision.pause_ms != steps[i].pause_ms)
			fail_msg("step %zu: pause %llu", i, (unsigned long long)decision.pause_ms);
	}
}
#define RUN(policy, ...)                                \
	run(policy, (const struct step[]){__VA_ARGS__}, \
	    sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

/* Each policy against each kind of death: never starts nothing, on-failure everything but what
 * ended by its own will, always everything. */
static void test_policies(void **state)
{
	static const enum restart_verdict expected[4][3] = {
		[RESTART_NEVER] = {RESTART_FORBIDDEN, RESTART_FORBIDDEN, RESTART_FORBIDDEN},
		[RESTART_ON_FAILURE] = {RESTART_AGAIN, RESTART_FORBIDDEN, RESTART_AGAIN},
		[RESTART_ALWAYS] = {RESTART_AGAIN, RESTART_AGAIN, RESTART_AGAIN},
	};

	(void)state;
	for (int when = RESTART_NEVER; when <= RESTART_ALWAYS; when++)
		for (int kind = RESTART_FAILURE; kind <= RESTART_OF_ANOTHER; kind++) {
			struct restart_policy policy = RESTART_POLICY_INIT;

			policy.when = (enum restart_when)when;
			RUN(&policy,
			    {(enum restart_kind)kind, 1000, 0, expected[when][kind], NO_PAUSE});
		}
}

/* The first death is answered at once, the next ones after pauses that double up to their cap, and
 * one more than there may be within the time is the end. */
static void test_intensity(void **state)
{
	const struct restart_policy policy = {RESTART_ON_FAILURE, 5, 10000, 50, 300, 10000};

	(void)state;
	RUN(&policy, {RESTART_FAILURE, 1000, 1, RESTART_AGAIN, 0},
	    {RESTART_FAILURE, 1001, 1, RESTART_AGAIN, 50},
	    {RESTART_FAILURE, 1002, 1, RESTART_AGAIN, 100},
	    {RESTART_FAILURE, 1003, 1, RESTART_AGAIN, 200},
	    {RESTART_FAILURE, 1004, 1, RESTART_AGAIN, 300},
	    {RESTART_FAILURE, 10999, 1, RESTART_TOO_OFTEN, NO_PAUSE});
}

/* Deaths older than the time don't count, to the millisecond; the pause stays what the row made
 * it. */
static void test_window(void **state)
{
	const struct restart_policy policy = {RESTART_ALWAYS, 2, 1000, 10, 40, 5000};

	(void)state;
	RUN(&policy, {RESTART_FAILURE, 0, 0, RESTART_AGAIN, 0},
	    {RESTART_END, 999, 0, RESTART_AGAIN, 10}, {RESTART_FAILURE, 1000, 0, RESTART_AGAIN, 20},
	    {RESTART_FAILURE, 1998, 0, RESTART_TOO_OFTEN, NO_PAUSE},
	    {RESTART_FAILURE, 1999, 0, RESTART_AGAIN, 40},
	    {RESTART_FAILURE, 3000, 0, RESTART_AGAIN, 40});
}

/* What was ready for the healthy time begins a new row, what was not does not. */
static void test_healthy(void **state)
{
	const struct restart_policy policy = {RESTART_ON_FAILURE, 100, 1, 10, 1000, 5000};

	(void)state;
	RUN(&policy, {RESTART_FAILURE, 0, 0, RESTART_AGAIN, 0},
	    {RESTART_FAILURE, 6000, 4999, RESTART_AGAIN, 10},
	    {RESTART_FAILURE, 12000, 4999, RESTART_AGAIN, 20},
	    {RESTART_FAILURE, 18000, 5000, RESTART_AGAIN, 0},
	    {RESTART_FAILURE, 24000, 0, RESTART_AGAIN, 10});
}

/* The death of another one in the process costs nothing, however often it comes. */
static void test_of_another(void **state)
{
	const struct restart_policy policy = {RESTART_ON_FAILURE, 1, 1000, 10, 1000, 5000};

	(void)state;
	RUN(&policy, {RESTART_OF_ANOTHER, 0, 0, RESTART_AGAIN, 0},
	    {RESTART_OF_ANOTHER, 1, 0, RESTART_AGAIN, 0}, {RESTART_FAILURE, 2, 0, RESTART_AGAIN, 0},
	    {RESTART_OF_ANOTHER, 3, 0, RESTART_AGAIN, 0},
	    {RESTART_FAILURE, 4, 0, RESTART_TOO_OFTEN, NO_PAUSE});
}

/* A policy that came to allow fewer counts those that there were. */
static void test_fewer(void **state)
{
	struct restart_policy policy = {RESTART_ALWAYS, 4, 1000, 1, 1, 5000};
	struct restart_history history = {0};

	(void)state;
	for (uint64_t now = 0; now < 4; now++)
		assert_int_equal(restart_decide(&policy, &history,
						&(struct restart_death){RESTART_FAILURE, now, 0}, 0)
					 .verdict,
				 RESTART_AGAIN);
	policy.max = 2;
	for (uint64_t now = 4; now < 1002; now += 499)
		assert_int_equal(restart_decide(&policy, &history,
						&(struct restart_death){RESTART_FAILURE, now, 0}, 0)
					 .verdict,
				 RESTART_TOO_OFTEN);
	assert_int_equal(restart_decide(&policy, &history,
					&(struct restart_death){RESTART_FAILURE, 1003, 0}, 0)
				 .verdict,
			 RESTART_AGAIN);
}

/* The jitter takes away at most a quarter, and all of that quarter is used. */
static void test_jitter(void **state)
{
	const struct restart_policy policy = {RESTART_ALWAYS, 5, 10000, 1000, 2000, 10000};
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (uint32_t random = 0; random < 5000; random++) {
		struct restart_history history = {.at_ms = {1}, .n = 1, .in_a_row = 1};
		const struct restart_death death = {RESTART_FAILURE, 2, 0};
		uint64_t pause = restart_decide(&policy, &history, &death, random).pause_ms;

		least = pause < least ? pause : least;
		most = pause > most ? pause : most;
	}
	assert_int_equal(least, 750);
	assert_int_equal(most, 1000);
}

/* The words of the configuration and the numbers of the wire are each other's. */
static void test_words(void **state)
{
	(void)state;
	for (int when = RESTART_NEVER; when <= RESTART_ALWAYS; when++)
		assert_int_equal(restart_when_of(restart_when_name((enum restart_when)when)), when);
	assert_int_equal(restart_when_of("sometimes"), 0);
	assert_string_equal(restart_when_name(RESTART_ON_FAILURE), "on-failure");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),   cmocka_unit_test(test_intensity),
		cmocka_unit_test(test_window),     cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_of_another), cmocka_unit_test(test_fewer),
		cmocka_unit_test(test_jitter),     cmocka_unit_test(test_words),
	};

	return test_run_cases(tests, NULL, NULL);
}
