/* test_utf8.c - text of a plugin, and text that was cut, becomes UTF-8 before it goes into a
 * message.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/utf8.h"
#include "tests/lib/cases.h"
#include "proto/utf8.h"

static void expect(const char *from, const char *to)
{
	char text[64];

	(void)snprintf(text, sizeof text, "%s", from);
	utf8_clean(text);
	assert_string_equal(text, to);
}

static void test_clean_text(void **state)
{
	(void)state;
	expect("", "");
	expect("plain", "plain");
	expect("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	expect("\xf0\x9f\x99\x82!", "\xf0\x9f\x99\x82!");
	expect("bad \xff byte", "bad ? byte");
	expect("cut \xf0\x9f\x99", "cut ???");
	expect("long form \xc0\x80", "long form ??");
	expect("surrogate \xed\xa0\x80 \xc3\xbc", "surrogate ??? \xc3\xbc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_clean_text)};

	return test_run_cases(tests, NULL, NULL);
}
