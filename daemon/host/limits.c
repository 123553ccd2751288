/* limits.c - a bucket that a second fills, and a bound. Pure: time is an argument. */
#include "daemon/host/limits.h"

#include <stdio.h>

#define CALL                                                                                     \
	UINT64_C(1000000000) /* what a call takes: so much comes in a nanosecond for each of the \
				rate */

static uint64_t full(const struct limits *limits)
{
	return limits->rate * CALL;
}

static void refill(struct limits *limits, uint64_t now_ns)
{
	uint64_t passed = now_ns > limits->at_ns ? now_ns - limits->at_ns : 0;
	uint64_t missing = full(limits) - limits->left;

	/* A second fills it, so beyond that nothing is to be computed. */
	if (passed >= CALL || passed * limits->rate >= missing)
		limits->left = full(limits);
	else
		limits->left += passed * limits->rate;
	if (now_ns > limits->at_ns)
		limits->at_ns = now_ns;
}

void limits_set(struct limits *limits, uint32_t rate, uint32_t in_flight, uint64_t now_ns)
{
	limits->in_flight = in_flight;
	if (rate == limits->rate)
		return;
	limits->rate = rate;
	limits->at_ns = now_ns;
	limits->left = full(limits);
}

bool limits_are_full(const struct limits *limits, uint64_t now_ns)
{
	struct limits later = *limits;

	refill(&later, now_ns);
	return later.left == full(&later);
}

bool limits_take(struct limits *limits, uint64_t open, uint64_t now_ns, char *text, size_t size)
{
	if (limits->in_flight > 0 && open >= limits->in_flight) {
		(void)snprintf(text, size,
			       "the in-flight limit of this grant is reached: %u calls at once; "
			       "this one was not run",
			       limits->in_flight);
		return false;
	}
	if (limits->rate == 0)
		return true;
	refill(limits, now_ns);
	if (limits->left < CALL) {
		(void)snprintf(text, size,
			       "the rate limit of this grant is reached: %u calls a second; this "
			       "one was not run",
			       limits->rate);
		return false;
	}
	limits->left -= CALL;
	return true;
}
