/* test_watch.c - watctl watch: what happens to an instance, a document a line, until it has ended,
 * and how it ended as the exit code. */
#include <string.h>

#include "tests/watctl/ctl.h"

/* The next event of the kind; others may come before it. */
static void expect(struct ctl_running *running, const char *kind)
{
	bool found = false;

	while (!found) {
		json_t *event = ctl_next(running);

		if (!event)
			fail_msg("it ended before %s", kind);
		assert_string(event, "name", "w1");
		found = strcmp(json_string_value(json_object_get(event, "kind")), kind) == 0;
		json_decref(event);
	}
}

static void begin(struct ctl_running *running, const char *service, const char *restart)
{
	const char *const arguments[] = {"-j", "watch", "w1", NULL};

	WATCTL("rm", "-f", "w1");
	WATCTL("spawn", service, "w1", "--restart", restart);
	assert_ends(0, "");
	WATCTL("provision", "w1", "me");
	assert_ends(0, "");
	ctl_run(running, arguments);
	expect(running, "spawn");
	expect(running, "grant");
}

/* A death, the start after it, a User that comes and goes, and the stop: then it ends with 0. */
static void test_stop(void **state)
{
	struct ctl_running running;

	(void)state;
	begin(&running, "counter", "always");
	WATCTL("kill", "w1");
	assert_ends(0, "");
	expect(&running, "death");
	expect(&running, "restart");
	WATCTL("deprovision", "w1", "me");
	expect(&running, "revoke");
	WATCTL("stop", "w1");
	assert_ends(0, "");
	expect(&running, "stop");
	assert_null(ctl_next(&running));
	assert_int_equal(ctl_finish(&running, false), 0);
}

/* One that is not started again ends it with 1, also when it had failed before. */
static void test_failed(void **state)
{
	struct ctl_running running;

	(void)state;
	begin(&running, "counter", "never");
	WATCTL("kill", "w1");
	expect(&running, "failed");
	assert_null(ctl_next(&running));
	assert_int_equal(ctl_finish(&running, false), 1);
	WATCTL("watch", "w1");
	assert_ends(1, "");
	assert_non_null(strstr(out.out, "failed"));
	WATCTL("start", "w1");
	assert_ends(0, "");
	WATCTL("watch", "w1", "--timeout", "1ms");
	assert_ends(75, "DEADLINE_EXCEEDED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_failed),
	};

	return test_run_cases(tests, ctl_start, ctl_end);
}
