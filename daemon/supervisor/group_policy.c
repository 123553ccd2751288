/* group_policy.c - what the death of one instance means for those in a group with it. Pure. */
#include "daemon/supervisor/group_policy.h"

#include <string.h>

static const char *const names[] = {
	[GROUP_ONE_FOR_ONE] = "one_for_one",
	[GROUP_ONE_FOR_ALL] = "one_for_all",
	[GROUP_REST_FOR_ONE] = "rest_for_one",
};
#define N_NAMES (sizeof names / sizeof *names)

enum group_strategy group_strategy_of(const char *word)
{
	for (size_t i = GROUP_ONE_FOR_ONE; i < N_NAMES; i++)
		if (strcmp(names[i], word) == 0)
			return (enum group_strategy)i;
	return 0;
}

const char *group_strategy_name(enum group_strategy strategy)
{
	return strategy >= GROUP_ONE_FOR_ONE && strategy < N_NAMES ? names[strategy]
								   : names[GROUP_ONE_FOR_ONE];
}

bool group_is_linked(enum group_strategy strategy)
{
	return strategy == GROUP_ONE_FOR_ALL || strategy == GROUP_REST_FOR_ONE;
}

struct group_decision group_decide(const struct group_policy *policy,
				   struct restart_history *history,
				   const struct group_death *death)
{
	struct group_decision decision = {.verdict = GROUP_LEAVES};
	bool counts = death->own != RESTART_FORBIDDEN && death->kind != RESTART_OF_ANOTHER;

	if (counts && restart_count(history, policy->max, policy->within_ms, death->now_ms)) {
		decision.verdict = GROUP_FAILS_OFTEN;
	} else if (!group_is_linked(policy->strategy)) {
		decision.verdict = GROUP_LEAVES;
	} else if (death->own != RESTART_AGAIN) {
		decision.verdict = GROUP_FAILS_LINKED;
	} else {
		decision.verdict = GROUP_RESTARTS;
		decision.from = policy->strategy == GROUP_REST_FOR_ONE ? death->member : 0;
	}
	return decision;
}

/* GROUP_DONE: the phase has nothing to do with one that stands so. */
static enum group_step step_of(enum group_phase phase, enum group_member member)
{
	if (member == MEMBER_OUT)
		return GROUP_DONE;
	if (member == MEMBER_MOVING)
		return GROUP_WAIT;
	switch (phase) {
	case GROUP_ENDING:
		return member == MEMBER_UP ? GROUP_END : GROUP_DONE;
	case GROUP_STARTING:
		return member == MEMBER_HELD ? GROUP_START : GROUP_DONE;
	case GROUP_FAILING:
		return GROUP_STOP;
	case GROUP_IDLE:
	case GROUP_PAUSING:
	default:
		return GROUP_WAIT;
	}
}

struct group_next group_next(enum group_phase phase,
			     const enum group_member *members,
			     size_t n,
			     size_t from)
{
	size_t first = phase == GROUP_FAILING ? 0 : from;

	if (phase == GROUP_IDLE || phase == GROUP_PAUSING)
		return (struct group_next){GROUP_WAIT, 0};
	/* A Stop handler runs in an instance that is up, and others may wait for one that is held.
	 */
	for (size_t i = 0; phase == GROUP_FAILING && i < n; i++)
		if (members[i] == MEMBER_HELD)
			return (struct group_next){GROUP_START, i};
	for (size_t i = first; i < n; i++) {
		size_t member = phase == GROUP_STARTING ? i : n - 1 - (i - first);
		enum group_step step = step_of(phase, members[member]);

		if (step != GROUP_DONE)
			return (struct group_next){step, member};
	}
	return (struct group_next){GROUP_DONE, 0};
}
