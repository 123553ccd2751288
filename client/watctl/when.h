/* when.h - times and durations as people type them. Pure: now is an argument; local time is that of
 * $TZ. */
#ifndef WAT_WATCTL_WHEN_H
#define WAT_WATCTL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/support/must_check.h"

/* "10", "1.5s", "500ms", "2m", "1h30m", "1d", "1w"; without a unit seconds. False: it is none, or
 * beyond 64 bits of milliseconds. */
bool when_duration(const char *text, uint64_t *ret_ms) WAT_MUST_CHECK;

/* A time in the past: a duration ("2h", "-2h", "2h ago"), "now", "today", "yesterday", "@SECONDS",
 * "2026-01-31", and that with "12:00" or "12:00:00" after a blank or T; local time unless a Z or
 * +01:00 follows. Unix milliseconds. */
bool when_past(const char *text, uint64_t now_ms, uint64_t *ret_ms) WAT_MUST_CHECK;

#endif
