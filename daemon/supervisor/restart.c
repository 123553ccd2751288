/* restart.c - when what died is started again. Pure. */
#include "daemon/supervisor/restart.h"

#include <string.h>

static const char *const names[] = {
	[RESTART_NEVER] = "never",
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ALWAYS] = "always",
};
#define N_NAMES (sizeof names / sizeof *names)

enum restart_when restart_when_of(const char *word)
{
	for (size_t i = RESTART_NEVER; i < N_NAMES; i++)
		if (strcmp(names[i], word) == 0)
			return (enum restart_when)i;
	return 0;
}

const char *restart_when_name(enum restart_when when)
{
	return when >= RESTART_NEVER && when < N_NAMES ? names[when] : names[RESTART_ON_FAILURE];
}

static bool may_start(const struct restart_policy *policy, enum restart_kind kind)
{
	switch (policy->when) {
	case RESTART_NEVER:
		return false;
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_FAILURE:
	default:
		return kind != RESTART_END;
	}
}

static void forget(struct restart_history *history, unsigned n)
{
	history->n -= n;
	memmove(history->at_ms, history->at_ms + n, history->n * sizeof history->at_ms[0]);
}

static void forget_old(struct restart_history *history, uint64_t within_ms, uint64_t now_ms)
{
	unsigned old = 0;

	while (old < history->n && now_ms - history->at_ms[old] >= within_ms)
		old++;
	forget(history, old);
}

/* A policy that allows fewer than the one before forgets the oldest. */
bool restart_count(struct restart_history *history,
		   uint32_t max,
		   uint64_t within_ms,
		   uint64_t now_ms)
{
	unsigned most = max < RESTART_DEATHS_MAX ? max : RESTART_DEATHS_MAX;

	forget_old(history, within_ms, now_ms);
	if (history->n > most)
		forget(history, history->n - most);
	if (history->n == most)
		return true;
	history->at_ms[history->n++] = now_ms;
	return false;
}

static uint64_t pause_after(const struct restart_policy *policy, unsigned in_a_row, uint32_t random)
{
	uint64_t pause = policy->pause_ms;

	if (in_a_row == 0)
		return 0;
	for (unsigned i = 1; i < in_a_row && pause < policy->pause_max_ms; i++)
		pause *= 2;
	if (pause > policy->pause_max_ms)
		pause = policy->pause_max_ms;
	return pause - random % (pause / 4 + 1);
}

struct restart_decision restart_decide(const struct restart_policy *policy,
				       struct restart_history *history,
				       const struct restart_death *death,
				       uint32_t random)
{
	struct restart_decision decision = {.verdict = RESTART_AGAIN};

	if (!may_start(policy, death->kind)) {
		decision.verdict = RESTART_FORBIDDEN;
		return decision;
	}
	if (death->kind == RESTART_OF_ANOTHER)
		return decision;
	if (restart_count(history, policy->max, policy->within_ms, death->now_ms)) {
		decision.verdict = RESTART_TOO_OFTEN;
		return decision;
	}
	if (death->ready_ms >= policy->healthy_ms)
		history->in_a_row = 0;
	decision.pause_ms = pause_after(policy, history->in_a_row, random);
	history->in_a_row++;
	return decision;
}
