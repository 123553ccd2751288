/* test_sources.c - what each uid and address has and may do. The clock is the test's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/sources.h"
#include "tests/lib/cases.h"

#define S UINT64_C(1000000000)

static const uint8_t seed[SOURCES_SEED_SIZE] = {7};

static struct source_key key_of(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return source_key_of_address((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return source_key_of_address((const struct sockaddr *)&v6);
}

static bool are_equal(struct source_key a, struct source_key b)
{
	return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static bool are_one(const char *a, const char *b)
{
	return are_equal(key_of(a), key_of(b));
}

/* An IPv4 address is one however it is written; of IPv6 a whole /64 is, and the next is another; a
 * uid is neither. */
static void test_keys(void **state)
{
	(void)state;
	assert_true(are_one("192.0.2.1", "::ffff:192.0.2.1"));
	assert_false(are_one("192.0.2.1", "192.0.2.2"));
	assert_true(are_one("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(are_one("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(are_one("127.0.0.1", "::1"));
	assert_false(are_one("0.0.0.0", "::1"));
	assert_false(are_equal(source_key_of_uid(0), key_of("0.0.0.0")));
	assert_false(are_equal(source_key_of_uid(0), source_key_of_uid(1)));
}

static const struct source_limits three = {.connections = 3, .handshakes = {1000, 1000000}};

/* Each has its own count, up to the limit; what has gone makes room, what counts against no limit
 * takes none, and nothing is left behind (row 43). */
static void test_counts(void **state)
{
	static struct source *held[2000][3];
	struct source *free_one, *none;
	struct sources sources;
	char text[32];

	(void)state;
	sources_init(&sources, seed);
	for (int i = 0; i < 2000; i++) {
		struct source_key key;

		snprintf(text, sizeof text, "10.0.%d.%d", i / 200, i % 200);
		key = key_of(text);
		assert_int_equal(source_begin(&sources, &key, NULL, S, &free_one), 0);
		for (int j = 0; j < 3; j++)
			assert_int_equal(source_begin(&sources, &key, &three, S, &held[i][j]), 0);
		assert_ptr_equal(held[i][0], free_one);
		assert_int_equal(source_begin(&sources, &key, &three, S, &none), SOURCES_E_MANY);
		source_end(&sources, held[i][0], true, S);
		assert_int_equal(source_begin(&sources, &key, &three, S, &held[i][0]), 0);
		source_end(&sources, free_one, false, S);
	}
	for (int i = 0; i < 2000; i++)
		for (int j = 0; j < 3; j++)
			source_end(&sources, held[i][j], true, 100 * S);
	assert_int_equal(sources.n_idle, 0);
	for (size_t i = 0; i < SOURCES_BUCKETS; i++)
		assert_true(list_empty(&sources.buckets[i]));
	sources_deinit(&sources);
}

/* Who comes and goes is not forgotten while it was too fast, and is as soon as it was not: the
 * other's rate is its own. */
static void test_remembers(void **state)
{
	static const struct source_limits slow = {.connections = 9, .handshakes = {1, 2}};
	struct source_key one = key_of("192.0.2.1"), other = key_of("192.0.2.2");
	struct sources sources;
	struct source *source;

	(void)state;
	sources_init(&sources, seed);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(source_begin(&sources, &one, &slow, 10 * S, &source), 0);
		source_end(&sources, source, true, 10 * S);
	}
	assert_int_equal(source_begin(&sources, &one, &slow, 10 * S, &source), SOURCES_E_FAST);
	assert_int_equal(sources.n_idle, 1);
	assert_int_equal(source_begin(&sources, &other, &slow, 10 * S, &source), 0);
	source_end(&sources, source, true, 10 * S);
	assert_int_equal(source_begin(&sources, &one, &slow, 11 * S - 1, &source), SOURCES_E_FAST);
	assert_int_equal(source_begin(&sources, &one, &slow, 11 * S, &source), 0);
	source_end(&sources, source, true, 13 * S);
	assert_int_equal(sources.n_idle, 0);
	sources_deinit(&sources);
}

/* What is charged counts as so many that begin, as far as there are so many; another's is its own.
 */
static void test_charged(void **state)
{
	static const struct source_limits limits = {.connections = 9, .handshakes = {1, 10}};
	struct source_key one = key_of("192.0.2.1"), other = key_of("192.0.2.2");
	struct source *source, *others, *none;
	struct sources sources;

	(void)state;
	sources_init(&sources, seed);
	assert_int_equal(source_begin(&sources, &one, &limits, 10 * S, &source), 0);
	source_charge(source, &limits.handshakes, 8, 10 * S);
	assert_int_equal(source_begin(&sources, &one, &limits, 10 * S, &none), 0);
	source_end(&sources, none, true, 10 * S);
	assert_int_equal(source_begin(&sources, &one, &limits, 10 * S, &none), SOURCES_E_FAST);
	source_charge(source, &limits.handshakes, UINT32_MAX, 12 * S);
	assert_int_equal(source_begin(&sources, &one, &limits, 13 * S - 1, &none), SOURCES_E_FAST);
	assert_int_equal(source_begin(&sources, &one, &limits, 13 * S, &none), 0);
	source_end(&sources, none, true, 13 * S);
	assert_int_equal(source_begin(&sources, &other, &limits, 12 * S, &others), 0);
	source_end(&sources, others, true, 12 * S);
	source_end(&sources, source, true, 13 * S);
	sources_deinit(&sources);
}

/* However many come and go, so many at most are remembered: the oldest go first (row 43). */
static void test_bounded(void **state)
{
	static const struct source_limits slow = {.connections = 9, .handshakes = {1, 1}};
	struct sources sources;
	struct source *source;

	(void)state;
	sources_init(&sources, seed);
	for (uid_t uid = 0; uid < 3 * SOURCES_IDLE_MAX; uid++) {
		struct source_key key = source_key_of_uid(uid);

		assert_int_equal(source_begin(&sources, &key, &slow, S, &source), 0);
		source_end(&sources, source, true, S);
		assert_int_equal(source_begin(&sources, &key, &slow, S, &source), SOURCES_E_FAST);
		assert_true(sources.n_idle <= SOURCES_IDLE_MAX);
	}
	assert_int_equal(sources.n_idle, SOURCES_IDLE_MAX);
	sources_deinit(&sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),      cmocka_unit_test(test_counts),
		cmocka_unit_test(test_remembers), cmocka_unit_test(test_charged),
		cmocka_unit_test(test_bounded),
	};

	return test_run_cases(tests, NULL, NULL);
}
