/* restart.c - when a dead instance is started again. Pure. */
#include "daemon/supervisor/restart.h"

#include <string.h>

static void forget_old(struct restart *restart, uint64_t now_ms)
{
	unsigned old = 0;

	while (old < restart->n && now_ms - restart->at_ms[old] >= RESTART_WINDOW_MS)
		old++;
	restart->n -= old;
	memmove(restart->at_ms, restart->at_ms + old, restart->n * sizeof restart->at_ms[0]);
}

static uint64_t pause_for(unsigned n_before, uint32_t random)
{
	uint64_t pause = RESTART_PAUSE_MS;

	for (unsigned i = 1; i < n_before && pause < RESTART_PAUSE_MAX_MS; i++)
		pause *= 2;
	if (pause > RESTART_PAUSE_MAX_MS)
		pause = RESTART_PAUSE_MAX_MS;
	return pause + random % (pause / 4 + 1);
}

enum restart_verdict restart_decide(struct restart *restart,
				    uint64_t now_ms,
				    uint32_t random,
				    uint64_t *ret_pause_ms)
{
	unsigned before;

	forget_old(restart, now_ms);
	if (restart->n == RESTART_MAX)
		return RESTART_GIVE_UP;
	before = restart->n;
	restart->at_ms[restart->n++] = now_ms;
	if (before == 0)
		return RESTART_NOW;
	*ret_pause_ms = pause_for(before, random);
	return RESTART_LATER;
}
