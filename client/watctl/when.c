/* when.c - times and durations as people type them. Pure. */
#include "client/watctl/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS (86400u * UINT64_C(1000))

/* Units, longer ones first where one begins with another. */
static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{"ms", 1},      {"s", 1000},   {"min", 60000},    {"m", 60000},
	{"h", 3600000}, {"d", DAY_MS}, {"w", 7 * DAY_MS},
};

/* Digits, with a fraction of at most three more. */
static bool read_number(const char **at, uint64_t *ret_thousandths)
{
	const char *text = *at;
	uint64_t value = 0, scale = 100;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)(*text - '0'), &value))
			return false;
	if (__builtin_mul_overflow(value, 1000u, &value))
		return false;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
			value += scale * (unsigned)(*text - '0');
	*ret_thousandths = value;
	*at = text;
	return true;
}

/* Without one a number that stands alone is of seconds. */
static bool read_unit(const char **at, bool alone, uint64_t *ret_ms)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(*at, units[i].name, n) != 0)
			continue;
		*at += n;
		*ret_ms = units[i].ms;
		return true;
	}
	*ret_ms = 1000;
	return alone && !**at;
}

bool when_duration(const char *text, uint64_t *ret_ms)
{
	uint64_t total = 0, number, unit, part;
	const char *start = text;

	if (!*text)
		return false;
	while (*text) {
		bool first = text == start;

		if (!read_number(&text, &number) || !read_unit(&text, first, &unit) ||
		    __builtin_mul_overflow(number, unit, &part) ||
		    __builtin_add_overflow(total, part / 1000, &total))
			return false;
	}
	*ret_ms = total;
	return true;
}

/* "2h ago" and "-2h" are what "2h" is. */
static bool read_ago(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
	static const char ago[] = " ago";
	size_t n = strlen(text), tail = sizeof ago - 1;
	char copy[64];
	uint64_t ms;

	if (*text == '-')
		text++, n--;
	if (n > tail && strcmp(text + n - tail, ago) == 0)
		n -= tail;
	if (n >= sizeof copy)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (!when_duration(copy, &ms))
		return false;
	*ret_ms = ms < now_ms ? now_ms - ms : 0;
	return true;
}

static bool midnight(uint64_t now_ms, int days_before, uint64_t *ret_ms)
{
	time_t now = (time_t)(now_ms / 1000), at;
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return false;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days_before;
	tm.tm_isdst = -1;
	at = mktime(&tm);
	*ret_ms = (uint64_t)at * 1000u;
	return at >= 0;
}

/* "", "Z" or "+01:00". *ret_local: the first. */
static bool read_zone(const char *text, bool *ret_local, long *ret_offset_s)
{
	unsigned hours, minutes;
	int n = 0;

	*ret_local = !*text;
	*ret_offset_s = 0;
	if (!*text || strcmp(text, "Z") == 0)
		return true;
	if ((*text != '+' && *text != '-') ||
	    sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &n) != 2 || text[1 + n] || hours > 14 ||
	    minutes > 59)
		return false;
	*ret_offset_s = (*text == '-' ? -1L : 1L) * (long)(hours * 3600 + minutes * 60);
	return true;
}

/* mktime takes the 31st of February for a day in March. */
static bool is_date(const struct tm *asked, const struct tm *got)
{
	return asked->tm_mday == got->tm_mday && asked->tm_mon == got->tm_mon &&
	       asked->tm_hour <= 23 && asked->tm_min <= 59 && asked->tm_sec <= 60;
}

static bool to_ms(const struct tm *asked, bool local, long offset_s, uint64_t *ret_ms)
{
	struct tm tm = *asked;
	time_t at;

	tm.tm_isdst = -1;
	at = local ? mktime(&tm) : timegm(&tm) - offset_s;
	if (at < 0 || !is_date(asked, &tm))
		return false;
	*ret_ms = (uint64_t)at * 1000u;
	return true;
}

static bool read_date(const char *text, uint64_t *ret_ms)
{
	struct tm tm = {0};
	int n = 0, more = 0;
	bool local;
	long offset_s;

	if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &n) != 3 ||
	    tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mday < 1)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	text += n;
	if (*text == ' ' || *text == 'T') {
		if (sscanf(text + 1, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &more) != 2)
			return false;
		text += 1 + more;
		if (*text == ':' && sscanf(text + 1, "%2d%n", &tm.tm_sec, &more) == 1)
			text += 1 + more;
	}
	return read_zone(text, &local, &offset_s) && tm.tm_hour >= 0 && tm.tm_min >= 0 &&
	       tm.tm_sec >= 0 && to_ms(&tm, local, offset_s, ret_ms);
}

bool when_past(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
	const char *at = text + 1;
	uint64_t thousandths;

	if (strcmp(text, "now") == 0)
		return *ret_ms = now_ms, true;
	if (strcmp(text, "today") == 0)
		return midnight(now_ms, 0, ret_ms);
	if (strcmp(text, "yesterday") == 0)
		return midnight(now_ms, 1, ret_ms);
	if (*text == '@') {
		if (!read_number(&at, &thousandths) || *at)
			return false;
		*ret_ms = thousandths;
		return true;
	}
	return read_ago(text, now_ms, ret_ms) || read_date(text, ret_ms);
}
