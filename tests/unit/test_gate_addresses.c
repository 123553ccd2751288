/* test_gate_addresses.c - how many connections an address has. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/gate/addresses.h"
#include "tests/lib/cases.h"

static struct address_key key_of(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_key((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return address_key((const struct sockaddr *)&v6);
}

static bool are_one(const char *a, const char *b)
{
	struct address_key of_a = key_of(a), of_b = key_of(b);

	return memcmp(of_a.bytes, of_b.bytes, sizeof of_a.bytes) == 0;
}

/* An IPv4 address is one however it is written; of IPv6 a whole /64 is, and the next is another. */
static void test_keys(void **state)
{
	(void)state;
	assert_true(are_one("192.0.2.1", "::ffff:192.0.2.1"));
	assert_false(are_one("192.0.2.1", "192.0.2.2"));
	assert_true(are_one("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(are_one("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(are_one("127.0.0.1", "::1"));
	assert_false(are_one("0.0.0.0", "::1"));
}

/* Each address has its own count, up to the limit; what has gone makes room, and leaves nothing
 * behind (row 43). */
static void test_counts(void **state)
{
	struct addresses addresses;
	struct address_key key;
	char text[32];

	(void)state;
	addresses_init(&addresses, 7);
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof text, "10.0.%d.%d", i / 200, i % 200);
		key = key_of(text);
		for (int j = 0; j < 3; j++)
			assert_int_equal(addresses_add(&addresses, &key, 3), 0);
		assert_int_equal(addresses_add(&addresses, &key, 3), -EMFILE);
		addresses_remove(&addresses, &key);
		assert_int_equal(addresses_add(&addresses, &key, 3), 0);
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof text, "10.0.%d.%d", i / 200, i % 200);
		key = key_of(text);
		for (int j = 0; j < 3; j++)
			addresses_remove(&addresses, &key);
	}
	for (size_t i = 0; i < ADDRESSES_BUCKETS; i++)
		assert_true(list_empty(&addresses.buckets[i]));
	addresses_deinit(&addresses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_counts),
	};

	return test_run_cases(tests, NULL, NULL);
}
