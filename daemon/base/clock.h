/* clock.h - the kernel's clocks. Any thread. */
#ifndef WAT_BASE_CLOCK_H
#define WAT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_ns(clockid_t id)
{
	struct timespec t;

	/* Fails only for an unknown clock. */
	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_monotonic_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Cheaper, and behind by up to a tick of the kernel: 10 ms at most. */
static inline uint64_t clock_monotonic_coarse_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC_COARSE);
}

static inline uint64_t clock_monotonic_ms(void)
{
	return clock_monotonic_ns() / 1000000u;
}

static inline uint64_t clock_unix_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

static inline uint64_t clock_unix_ms(void)
{
	return clock_unix_ns() / 1000000u;
}

static inline uint64_t clock_unix_s(void)
{
	return clock_unix_ns() / 1000000000u;
}

#endif
