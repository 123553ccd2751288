/* A mistyped name leads to the one that was meant, and to none when none is near. row 108 */
#include <stddef.h>
#include <stdint.h>

#include "client/watctl/advice.h"
#include "client/watctl/suggest.h"
#include "tests/lib/cases.h"

static const char *const names[] = {"Get", "Increment", "Reset"};

static const char *meant(const char *word)
{
	return suggest(word, names, 3, sizeof names[0]);
}

static void test_suggests(void **state)
{
	(void)state;
	assert_string_equal(meant("increment"), "Increment");
	assert_string_equal(meant("Incremnt"), "Increment");
	assert_string_equal(meant("get"), "Get");
	assert_string_equal(meant("rest"), "Reset");
	assert_string_equal(meant("Gte"), "Get");
	assert_string_equal(meant("Icnrementt"), "Increment");
	assert_null(meant("Stop"));
	assert_null(meant(""));
	assert_null(meant("IncrementIncrementIncrementIncrementIncrementIncrementIncrementIncr"));
}

/* Advice names the instance, and is left out where it would have to and there is none. */
static void test_advises(void **state)
{
	char text[512];

	(void)state;
	advice(WAT_STOPPED, WATCTL_USER, "c1", text, sizeof text);
	assert_string_equal(text, "begin a new incarnation: watctl start c1");
	advice(WAT_STOPPED, WATCTL_USER, NULL, text, sizeof text);
	assert_string_equal(text, "");
	advice(WAT_ACCESS_DENIED, WATCTL_NODE, NULL, text, sizeof text);
	assert_string_equal(text, "commands about the node need admin.sock beside watd.sock");
	advice(WAT_OUT_OF_RANGE, WATCTL_USER, "c1", text, sizeof text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suggests),
		cmocka_unit_test(test_advises),
	};

	return test_run_cases(tests, NULL, NULL);
}
