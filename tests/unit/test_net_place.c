/* test_net_place.c - HOST:PORT, as addresses and the configuration have it. */
#include <stdio.h>
#include <string.h>

#include "proto/net_place.h"
#include "tests/lib/cases.h"

/* What is taken, as what, and whether it needs to be looked up. */
static void test_taken(void **state)
{
	static const struct {
		const char *text, *host, *port;
		bool numeric;
	} cases[] = {
		{"192.0.2.1:7117", "192.0.2.1", "7117", true},
		{"[::1]:0", "::1", "0", true},
		{"[2001:db8::1]:65535", "2001:db8::1", "65535", true},
		{"watd.example:1", "watd.example", "1", false},
		{"[fe80::1%eth0]:1", "fe80::1%eth0", "1", false},
		{"localhost:00080", "localhost", "00080", false},
	};
	struct net_place place;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(net_place_parse(cases[i].text, &place));
		assert_string_equal(place.host, cases[i].host);
		assert_string_equal(place.port, cases[i].port);
		assert_int_equal(net_place_is_numeric(&place), cases[i].numeric);
	}
}

/* What is refused: nothing is guessed. */
static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",         ":",        "host",     "host:",      ":1",          "host:x",
		"host:1x",  "host:-1",  "host: 1",  "host:65536", "host:100000", "host:1:2",
		"::1:1",    "[::1]",    "[::1]1",   "[::1:1",     "[]:1",        "ho st:1",
		"host\t:1", "host/a:1", "a@host:1", "host:1/",    "\"host\":1",  "h\xc3\xb6st:1",
	};
	struct net_place place;
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (net_place_parse(cases[i], &place))
			fail_msg("\"%s\" was taken", cases[i]);
	memset(text, 'a', sizeof text);
	snprintf(text + NET_PLACE_HOST_MAX + 1, 8, ":1");
	assert_false(net_place_parse(text, &place));
	snprintf(text + NET_PLACE_HOST_MAX, 8, ":1");
	assert_true(net_place_parse(text, &place));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
	};

	return test_run_cases(tests, NULL, NULL);
}
