/* spawn_options.c - how an instance is to run. */
#include "client/watctl/spawn_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/watctl/problem.h"

/* --tier, WAT_TIER_DEFAULT without. */
static int read_tier(const struct watctl *ctl, uint32_t *ret)
{
	const char *tier = ctl->values[WATCTL_TIER];

	if (!tier)
		*ret = WAT_TIER_DEFAULT;
	else if (strcmp(tier, "thread") == 0)
		*ret = WAT_TIER_THREAD;
	else if (strcmp(tier, "process") == 0)
		*ret = WAT_TIER_PROCESS;
	else
		return problem_usage(ctl, "--tier is thread or process, not \"%s\"", tier);
	return 0;
}

static int read_durability(const struct watctl *ctl, uint32_t *ret)
{
	static const char *const names[] = {"", "none", "crash", "sync"};
	const char *given = ctl->values[WATCTL_DURABILITY];

	for (uint32_t i = 1; given && i < sizeof names / sizeof names[0]; i++)
		if (strcmp(given, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	return given ? problem_usage(ctl, "--durability is none, crash or sync, not \"%s\"", given)
		     : 0;
}

static int read_restart(const struct watctl *ctl, uint32_t *ret)
{
	static const char *const names[] = {"", "never", "on-failure", "always"};
	const char *given = ctl->values[WATCTL_RESTART];

	for (uint32_t i = 1; given && i < sizeof names / sizeof names[0]; i++)
		if (strcmp(given, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	return given ? problem_usage(ctl, "--restart is never, on-failure or always, not \"%s\"",
				     given)
		     : 0;
}

int spawn_read_from(const struct watctl *ctl, uint64_t *ret)
{
	const char *given = ctl->values[WATCTL_FROM];
	char *end = NULL;

	if (!given)
		return 0;
	errno = 0;
	*ret = strtoull(given, &end, 10);
	if (errno == 0 && *given >= '1' && *given <= '9' && *end == '\0' && *ret <= INT64_MAX)
		return 0;
	return problem_usage(ctl, "--from is the number of a snapshot, not \"%s\"", given);
}

int spawn_read_options(const struct watctl *ctl, struct wat_spawn *ret)
{
	int r = read_tier(ctl, &ret->tier);

	if (r == 0)
		r = read_durability(ctl, &ret->durability);
	return r != 0 ? r : read_restart(ctl, &ret->restart);
}
