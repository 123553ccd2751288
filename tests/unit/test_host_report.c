/* test_host_report.c - a plugin's text becomes UTF-8 before it leaves the host. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/host/report.h"
#include "tests/lib/cases.h"

static void expect(const char *from, const char *to)
{
	char text[64];

	(void)snprintf(text, sizeof text, "%s", from);
	report_clean_text(text);
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
