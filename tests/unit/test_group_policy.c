/* test_group_policy.c - what the death of a member means for its group, and what is done one step
 * at a time: tables of strategies, deaths, stands and steps. rows 52, 53 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/supervisor/group_policy.h"
#include "tests/lib/cases.h"

static enum group_verdict decide(const struct group_policy *policy,
				 struct restart_history *history,
				 enum restart_kind kind,
				 enum restart_verdict own,
				 size_t member,
				 uint64_t now_ms,
				 size_t *ret_from)
{
	const struct group_death death = {kind, own, member, now_ms};
	struct group_decision decision = group_decide(policy, history, &death);

	*ret_from = decision.from;
	return decision.verdict;
}

/* Each strategy against each verdict of the member's own policy: one_for_one leaves it to that, the
 * linked ones restart from the first or from the dead one on, or fail with what is given up. */
static void test_strategies(void **state)
{
	static const struct {
		enum group_strategy strategy;
		enum restart_verdict own;
		enum group_verdict verdict;
		size_t from;
	} rows[] = {
		{GROUP_ONE_FOR_ONE, RESTART_AGAIN, GROUP_LEAVES, 0},
		{GROUP_ONE_FOR_ONE, RESTART_FORBIDDEN, GROUP_LEAVES, 0},
		{GROUP_ONE_FOR_ONE, RESTART_TOO_OFTEN, GROUP_LEAVES, 0},
		{GROUP_ONE_FOR_ALL, RESTART_AGAIN, GROUP_RESTARTS, 0},
		{GROUP_ONE_FOR_ALL, RESTART_FORBIDDEN, GROUP_FAILS_LINKED, 0},
		{GROUP_ONE_FOR_ALL, RESTART_TOO_OFTEN, GROUP_FAILS_LINKED, 0},
		{GROUP_REST_FOR_ONE, RESTART_AGAIN, GROUP_RESTARTS, 3},
		{GROUP_REST_FOR_ONE, RESTART_FORBIDDEN, GROUP_FAILS_LINKED, 0},
		{GROUP_REST_FOR_ONE, RESTART_TOO_OFTEN, GROUP_FAILS_LINKED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct group_policy policy = {rows[i].strategy, 5, 1000};
		struct restart_history history = {0};
		size_t from;

		if (decide(&policy, &history, RESTART_FAILURE, rows[i].own, 3, 1, &from) !=
			    rows[i].verdict ||
		    from != rows[i].from)
			fail_msg("row %zu", i);
	}
}

/* Deaths of all members are counted together, within the time and to the millisecond; what is not
 * started again and what died with another one is not counted. */
static void test_intensity(void **state)
{
	const struct group_policy policy = {GROUP_ONE_FOR_ONE, 2, 1000};
	static const struct {
		enum restart_kind kind;
		enum restart_verdict own;
		uint64_t now_ms;
		enum group_verdict verdict;
	} rows[] = {
		{RESTART_FAILURE, RESTART_AGAIN, 0, GROUP_LEAVES},
		{RESTART_OF_ANOTHER, RESTART_AGAIN, 1, GROUP_LEAVES},
		{RESTART_FAILURE, RESTART_FORBIDDEN, 1, GROUP_LEAVES},
		{RESTART_END, RESTART_AGAIN, 2, GROUP_LEAVES},
		{RESTART_FAILURE, RESTART_AGAIN, 999, GROUP_FAILS_OFTEN},
		{RESTART_FAILURE, RESTART_TOO_OFTEN, 999, GROUP_FAILS_OFTEN},
		{RESTART_FAILURE, RESTART_AGAIN, 1000, GROUP_LEAVES},
		{RESTART_OF_ANOTHER, RESTART_AGAIN, 1001, GROUP_LEAVES},
		{RESTART_FAILURE, RESTART_AGAIN, 1001, GROUP_FAILS_OFTEN},
		{RESTART_FAILURE, RESTART_AGAIN, 1002, GROUP_LEAVES},
	};
	struct restart_history history = {0};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t from;

		if (decide(&policy, &history, rows[i].kind, rows[i].own, i % 3, rows[i].now_ms,
			   &from) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
}

static enum group_member stand(char letter)
{
	switch (letter) {
	case 'u':
		return MEMBER_UP;
	case 'h':
		return MEMBER_HELD;
	case 'm':
		return MEMBER_MOVING;
	default:
		return MEMBER_OUT;
	}
}

/* One letter a member (up, held, moving, out), the step and whose it is: ends and stops go from the
 * last to the first, starts from the first to the last, nobody moves before the one before has
 * arrived, and what is out is left alone. */
static void test_steps(void **state)
{
	static const struct {
		enum group_phase phase;
		const char *members;
		size_t from;
		enum group_step step;
		size_t member;
	} rows[] = {
		{GROUP_ENDING, "uhu", 0, GROUP_END, 2},
		{GROUP_ENDING, "uhm", 0, GROUP_WAIT, 2},
		{GROUP_ENDING, "uhh", 0, GROUP_END, 0},
		{GROUP_ENDING, "mhh", 0, GROUP_WAIT, 0},
		{GROUP_ENDING, "hhh", 0, GROUP_DONE, 0},
		{GROUP_ENDING, "oho", 0, GROUP_DONE, 0},
		{GROUP_ENDING, "uhu", 1, GROUP_END, 2},
		{GROUP_ENDING, "uhh", 1, GROUP_DONE, 0},
		{GROUP_ENDING, "mhh", 1, GROUP_DONE, 0},
		{GROUP_PAUSING, "hhh", 0, GROUP_WAIT, 0},
		{GROUP_STARTING, "hhh", 0, GROUP_START, 0},
		{GROUP_STARTING, "mhh", 0, GROUP_WAIT, 0},
		{GROUP_STARTING, "uhh", 0, GROUP_START, 1},
		{GROUP_STARTING, "umh", 0, GROUP_WAIT, 1},
		{GROUP_STARTING, "ouh", 0, GROUP_START, 2},
		{GROUP_STARTING, "uuu", 0, GROUP_DONE, 0},
		{GROUP_STARTING, "mhh", 1, GROUP_START, 1},
		{GROUP_FAILING, "uou", 0, GROUP_STOP, 2},
		{GROUP_FAILING, "uom", 0, GROUP_WAIT, 2},
		{GROUP_FAILING, "uoo", 2, GROUP_STOP, 0},
		{GROUP_FAILING, "huo", 0, GROUP_START, 0},
		{GROUP_FAILING, "mho", 0, GROUP_START, 1},
		{GROUP_FAILING, "ooo", 0, GROUP_DONE, 0},
		{GROUP_FAILING, "", 0, GROUP_DONE, 0},
		{GROUP_IDLE, "uhm", 0, GROUP_WAIT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum group_member members[8];
		size_t n = strlen(rows[i].members);
		struct group_next next;

		for (size_t m = 0; m < n; m++)
			members[m] = stand(rows[i].members[m]);
		next = group_next(rows[i].phase, members, n, rows[i].from);
		if (next.step != rows[i].step || next.member != rows[i].member)
			fail_msg("row %zu: step %d of %zu", i, (int)next.step, next.member);
	}
}

/* The words of the configuration and the numbers are each other's. */
static void test_words(void **state)
{
	(void)state;
	for (int i = GROUP_ONE_FOR_ONE; i <= GROUP_REST_FOR_ONE; i++)
		assert_int_equal(group_strategy_of(group_strategy_name((enum group_strategy)i)), i);
	assert_int_equal(group_strategy_of("simple_one_for_one"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strategies),
		cmocka_unit_test(test_intensity),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_words),
	};

	return test_run_cases(tests, NULL, NULL);
}
