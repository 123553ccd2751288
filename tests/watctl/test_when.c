/* Times and durations as people type them, and what is none. row 108 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "client/watctl/when.h"
#include "tests/lib/cases.h"

/* 2026-01-31 12:00:00 UTC, a Saturday. */
#define NOW_MS (UINT64_C(1769860800) * 1000u)
#define HOUR_MS UINT64_C(3600000)

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{"0", 0},         {"10", 10000},     {"1.5s", 1500},     {"0.001", 1},
		{"500ms", 500},   {"2m", 120000},    {"2min", 120000},   {"1h30m", 5400000},
		{"1d", 86400000}, {"1w", 604800000}, {"1m500ms", 60500},
	};
	static const char *const bad[] = {
		"",
		"x",
		"s",
		"-1s",
		"1x",
		"1h30",
		"10 s",
		"1.5.2s",
		".5s",
		"99999999999999999999",
		"9999999999999999w",
		"1hm",
	};
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		if (!when_duration(good[i].text, &ms) || ms != good[i].ms)
			fail_msg("%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (when_duration(bad[i], &ms))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void check_past(const char *text, uint64_t expected)
{
	uint64_t ms = 0;

	if (!when_past(text, NOW_MS, &ms) || ms != expected)
		fail_msg("%s: expected %llu, got %llu", text, (unsigned long long)expected,
			 (unsigned long long)ms);
}

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* In a zone three hours east of Greenwich, so that local time is not UTC by chance. */
static void test_times(void **state)
{
	static const char *const bad[] = {
		"",
		"soon",
		"2026-02-30",
		"2026-13-01",
		"2026-01-31T25:00",
		"2026-01-31x",
		"2026-01-31 12:00 x",
		"@x",
		"@",
		"31.1.2026",
		"-",
		"ago",
		"2026-01-31T12:00+99:00",
	};
	uint64_t ms;

	(void)state;
	set_zone("TEST-3");
	check_past("now", NOW_MS);
	check_past("2h", NOW_MS - 2 * HOUR_MS);
	check_past("-2h", NOW_MS - 2 * HOUR_MS);
	check_past("2h ago", NOW_MS - 2 * HOUR_MS);
	check_past("1000000d", 0);
	check_past("@1769860800", NOW_MS);
	check_past("today", NOW_MS - 15 * HOUR_MS);
	check_past("yesterday", NOW_MS - 39 * HOUR_MS);
	check_past("2026-01-31", NOW_MS - 15 * HOUR_MS);
	check_past("2026-01-31 15:00", NOW_MS);
	check_past("2026-01-31T15:00:01", NOW_MS + 1000);
	check_past("2026-01-31T12:00Z", NOW_MS);
	check_past("2026-01-31T12:00:00Z", NOW_MS);
	check_past("2026-01-31T14:00:00+02:00", NOW_MS);
	check_past("2026-01-31 10:30-01:30", NOW_MS);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (when_past(bad[i], NOW_MS, &ms))
			fail_msg("\"%s\" was taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_times),
	};

	return test_run_cases(tests, NULL, NULL);
}
