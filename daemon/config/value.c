/* value.c - values of the configuration. */
#include "daemon/config/value.h"

#include <string.h>

#include "proto/need.h"
#include "proto/net_place.h"

#define SOCKET_PATH_MAX 107u /* sun_path without its NUL */
#define LISTEN_MAX 8u
#define COUNT_MAX 1000000u
#define STARTS_MAX 100u
#define PAUSE_MAX_MS 3600000u
#define DAY_S 86400u
#define DURATION_MAX_S (3650u * DAY_S)
#define LIFE_MIN_S 4u /* a quarter of it is a second */

static const struct {
	const char *word, *expected;
} kinds[] = {
#define VALUE_ROW(kind, word, expected) [VALUE_##kind] = {word, expected},
	VALUE_KINDS(VALUE_ROW)
#undef VALUE_ROW
};

const char *value_expected(enum value_kind kind)
{
	return kinds[kind].expected;
}

const char *value_word(enum value_kind kind)
{
	return kinds[kind].word;
}

static const struct {
	const char *name;
	uint64_t seconds;
} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", DAY_S}, {"w", 7 * DAY_S}};

/* Digits, then what they are counted in; 0: neither, or too many. */
static uint64_t scan_number(const char *text, const char **ret_rest)
{
	uint64_t number = 0;
	size_t n = strspn(text, "0123456789");

	*ret_rest = text + n;
	if (n == 0 || n > 10)
		return 0;
	for (size_t i = 0; i < n; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	return number;
}

static uint64_t scan_seconds(const char *text)
{
	const char *rest;
	uint64_t number = scan_number(text, &rest);

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(rest, units[i].name) == 0)
			return number * units[i].seconds;
	return 0;
}

/* 0: it is none. */
static uint64_t scan_ms(const char *text)
{
	const char *rest;
	uint64_t number = scan_number(text, &rest);

	return strcmp(rest, "ms") == 0 ? number : scan_seconds(text) * 1000;
}

static bool is_count(const char *text, uint64_t max)
{
	const char *rest;
	uint64_t number = scan_number(text, &rest);

	return !*rest && number >= 1 && number <= max;
}

static bool is_pause(const char *text)
{
	uint64_t ms = scan_ms(text);

	return ms >= 1 && ms <= PAUSE_MAX_MS && !strpbrk(text, "dw");
}

/* Numbers with : between them. False: there are more or fewer than three, or something else. */
static bool scan_three(const char *text, uint64_t ret[static 3])
{
	for (unsigned i = 0; i < 3; i++) {
		ret[i] = scan_number(text, &text);
		if (*text != (i < 2 ? ':' : '\0'))
			return false;
		text++;
	}
	return true;
}

static bool is_drop(const char *text)
{
	uint64_t n[3];

	return scan_three(text, n) && n[0] >= 1 && n[0] <= n[2] && n[2] <= COUNT_MAX && n[1] >= 1 &&
	       n[1] <= 100;
}

static bool is_duration(const char *text, uint64_t min)
{
	uint64_t seconds = scan_seconds(text);

	return seconds >= min && seconds <= DURATION_MAX_S;
}

/* An identifier, or with dots several. */
static bool is_identifier(const char *text, bool dots)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char more[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t n;

	do {
		n = strspn(text, more);
		if (n == 0 || !strchr(letters, *text))
			return false;
		text += n;
	} while (dots && *text == '.' && text++);
	return !*text;
}

static bool one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}
#define ONE_OF(text, ...)                                \
	one_of(text, (const char *const[]){__VA_ARGS__}, \
	       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

bool value_next(const char **at, char *ret_word, size_t size)
{
	static const char blanks[] = " \t";
	const char *word = *at + strspn(*at, blanks);
	size_t n = strcspn(word, blanks), kept = n < size ? n : size - 1;

	memcpy(ret_word, word, kept);
	ret_word[kept] = '\0';
	*at = word + n;
	return n > 0;
}

static bool occurs_before(const char *words, const char *end, const char *word)
{
	char other[VALUE_WORD_SIZE];

	while (value_next(&words, other, sizeof other) && words < end)
		if (strcmp(other, word) == 0)
			return true;
	return false;
}

static bool are_words(const char *text, enum value_kind kind)
{
	char word[VALUE_WORD_SIZE];
	const char *at = text;

	while (value_next(&at, word, sizeof word)) {
		bool valid = kind == VALUE_NAMES ? name_is_valid(word) : is_identifier(word, false);

		if (!valid || occurs_before(text, at, word))
			return false;
	}
	return true;
}

static bool are_needs(const char *text)
{
	char word[VALUE_WORD_SIZE];
	const char *at = text;
	struct need need;

	while (value_next(&at, word, sizeof word))
		if (!need_parse(word, &need) || occurs_before(text, at, word))
			return false;
	return true;
}

static bool are_places(const char *text)
{
	char word[VALUE_WORD_SIZE];
	const char *at = text;
	struct net_place place;
	unsigned n = 0;

	while (value_next(&at, word, sizeof word)) {
		if (++n > LISTEN_MAX || !net_place_parse(word, &place) ||
		    !net_place_is_numeric(&place) || occurs_before(text, at, word))
			return false;
	}
	return n > 0;
}

bool value_is_valid(enum value_kind kind, const char *text)
{
	switch (kind) {
	case VALUE_PATH:
		return *text == '/';
	case VALUE_SOCKET:
		return *text == '/' && strlen(text) <= SOCKET_PATH_MAX;
	case VALUE_LEVEL:
		return ONE_OF(text, "error", "warning", "info", "debug");
	case VALUE_FORMAT:
		return ONE_OF(text, "text", "json");
	case VALUE_LISTEN:
		return are_places(text);
	case VALUE_SWITCH:
		return ONE_OF(text, "yes", "no");
	case VALUE_COUNT:
		return is_count(text, COUNT_MAX);
	case VALUE_STARTS:
		return is_count(text, STARTS_MAX);
	case VALUE_PAUSE:
		return is_pause(text);
	case VALUE_DROP:
		return is_drop(text);
	case VALUE_DURATION:
		return is_duration(text, 1);
	case VALUE_LIFE:
		return is_duration(text, LIFE_MIN_S);
	case VALUE_NAME:
		return name_is_valid(text);
	case VALUE_NAMES:
	case VALUE_METHODS:
		return are_words(text, kind);
	case VALUE_SERVICE:
		return is_identifier(text, true);
	case VALUE_TIER:
		return ONE_OF(text, "process", "thread");
	case VALUE_POLICY:
		return ONE_OF(text, "never", "on-failure", "always");
	case VALUE_STRATEGY:
		return ONE_OF(text, "one_for_one", "one_for_all", "rest_for_one");
	case VALUE_NEEDS:
		return are_needs(text);
	case VALUE_STUCK:
		return ONE_OF(text, "report", "kill");
	case VALUE_TRUST:
		return ONE_OF(text, "confined", "trusted");
	case VALUE_DURABILITY:
		return ONE_OF(text, "none", "crash", "sync");
	case VALUE_GROUP:
		return !strpbrk(text, " \t:/");
	default:
		return false;
	}
}

uint64_t value_number(enum value_kind kind, const char *text)
{
	const char *rest;

	switch (kind) {
	case VALUE_COUNT:
	case VALUE_STARTS:
		return scan_number(text, &rest);
	case VALUE_PAUSE:
		return scan_ms(text);
	default:
		return scan_seconds(text);
	}
}

void value_drop(const char *text, uint32_t ret[static 3])
{
	uint64_t n[3] = {0};

	(void)scan_three(text, n);
	for (unsigned i = 0; i < 3; i++)
		ret[i] = (uint32_t)n[i];
}
