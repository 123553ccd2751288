/* json_number.c - numbers of JSON, whose type is known only later. Pure; no locale has a say. */
#include "proto/json_private.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* An exponent beyond this makes of any number that fits in memory zero or infinity. */
#define EXPONENT_MAX 1000000000L

static bool is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
	while (is_digit(at, end))
		at++;
	return at;
}

/* What is behind a point or an exponent's sign; NULL: no digit is. */
static const char *need_digits(const char *at, const char *end)
{
	return is_digit(at, end) ? skip_digits(at, end) : NULL;
}

static const char *skip_exponent(const char *at, const char *end)
{
	if (at == end || (*at != 'e' && *at != 'E'))
		return at;
	at++;
	if (at < end && (*at == '+' || *at == '-'))
		at++;
	return need_digits(at, end);
}

size_t json_number_length(const char *text, size_t n)
{
	const char *at = text, *end = text + n;

	if (at < end && *at == '-')
		at++;
	if (!is_digit(at, end))
		return 0;
	/* No zero before other digits. */
	at = *at == '0' ? at + 1 : skip_digits(at, end);
	if (at < end && *at == '.')
		at = need_digits(at + 1, end);
	if (at)
		at = skip_exponent(at, end);
	return at ? (size_t)(at - text) : 0;
}

/* From behind the e. */
static long read_exponent(const char *at, const char *end)
{
	bool is_negative = at < end && *at == '-';
	long exponent = 0;

	if (at < end && (*at == '-' || *at == '+'))
		at++;
	for (; at < end && exponent < EXPONENT_MAX; at++)
		exponent = exponent * 10 + (*at - '0');
	return is_negative ? -exponent : exponent;
}

/* The digits of a number without its point, and how many of them stand before it. */
struct digits {
	const char *at, *point, *end; /* point: where it stands; end if there is none */
	long before;
};

static struct digits split(const char *text, size_t n)
{
	struct digits digits = {.at = *text == '-' ? text + 1 : text};
	const char *end = text + n, *e = digits.at;

	while (e < end && *e != 'e' && *e != 'E')
		e++;
	digits.end = e;
	digits.point = memchr(digits.at, '.', (size_t)(e - digits.at));
	if (!digits.point)
		digits.point = e;
	digits.before = (long)(digits.point - digits.at);
	if (e < end)
		digits.before += read_exponent(e + 1, end);
	return digits;
}

/* Takes a digit more at the end; false: beyond 64 bits. */
static bool append(uint64_t *magnitude, unsigned digit)
{
	return !__builtin_mul_overflow(*magnitude, 10u, magnitude) &&
	       !__builtin_add_overflow(*magnitude, digit, magnitude);
}

enum json_number json_number_integer(const char *text, size_t n, struct json_integer *ret)
{
	struct digits digits = split(text, n);
	struct json_integer integer = {.is_negative = *text == '-'};
	long i = 0;

	for (const char *at = digits.at; at < digits.end; at++) {
		if (at == digits.point)
			continue;
		if (i >= digits.before && *at != '0')
			return JSON_NUMBER_FRACTION;
		if (i < digits.before && !append(&integer.magnitude, (unsigned)(*at - '0')))
			return JSON_NUMBER_RANGE;
		i++;
	}
	for (; i < digits.before && integer.magnitude > 0; i++)
		if (!append(&integer.magnitude, 0))
			return JSON_NUMBER_RANGE;
	*ret = integer;
	return JSON_NUMBER_OK;
}

static locale_t c_locale;

static void make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

int json_number_real(const char *text, size_t n, double *ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(freep) char *copy = strndup(text, n);

	(void)pthread_once(&once, make_locale);
	if (!copy || !c_locale)
		return -ENOMEM;
	*ret = strtod_l(copy, NULL, c_locale);
	return isinf(*ret) ? JSON_NUMBER_RANGE : JSON_NUMBER_OK;
}
