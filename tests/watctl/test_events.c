/* events: what was asked for is printed, as a table, as a document, as lines that follow what
 * happens, also across a restart of watd. rows 108, 113 */
#include <unistd.h>

#include "tests/watctl/ctl.h"

static void spawn(const char *name)
{
	WATCTL("spawn", "counter", name);
	assert_int_equal(out.code, 0);
}

/* A table for people: what, to whom, by whom; a document for programs. */
static void test_prints(void **state)
{
	json_t *view, *events;

	(void)state;
	spawn("c1");
	WATCTL("events");
	assert_prints("TIME ");
	assert_prints("  spawn ");
	assert_prints("  counter.Counter\n");
	WATCTL("-j", "events", "c1", "-n", "1");
	view = document();
	events = json_object_get(view, "events");
	assert_int_equal(json_array_size(events), 1);
	assert_string(json_array_get(events, 0), "kind", "grant");
	assert_string(json_array_get(events, 0), "name", "c1");
	assert_string(json_array_get(events, 0), "detail", "Admin");
	assert_number(json_array_get(events, 0), "uid", (json_int_t)getuid());
	json_decref(view);
}

static size_t count(const char *first, const char *second)
{
	json_t *view;
	size_t n;

	WATCTL("-j", "events", first, second);
	assert_int_equal(out.code, 0);
	view = document();
	n = json_array_size(json_object_get(view, "events"));
	json_decref(view);
	return n;
}

/* By name, by number, by time. */
static void test_selects(void **state)
{
	(void)state;
	spawn("c1");
	spawn("c2");
	assert_int_equal(count("-n", "3"), 3);
	assert_int_equal(count("--lines", "0"), 0);
	assert_true(count("-n", "all") >= 5);
	assert_int_equal(count("c1", "--since=1h"), 2);
	assert_true(count("--since", "@0") >= 5);
	assert_int_equal(count("--since", "@4000000000"), 0);
	assert_int_equal(count("nobody", "-nall"), 0);
}

/* What makes no sense is refused before anything is asked. */
static void test_refuses(void **state)
{
	(void)state;
	WATCTL("events", "--since", "whenever");
	assert_ends(64, "--since \"whenever\": expected a time such as");
	WATCTL("events", "-n", "-3");
	assert_ends(64, "-n \"-3\": expected a number or all");
	WATCTL("events", "-n", "99999999999");
	assert_ends(64, "expected a number or all");
	WATCTL("events", "Bad");
	assert_ends(1, "INVALID_ARGUMENT: \"Bad\"");
	WATCTL("events", "c1", "c2");
	assert_ends(64, "events takes no argument \"c2\"");
}

/* The next event of the kind; numbers rise, whatever happens to the connection. */
static void await(struct ctl_running *follow, json_int_t *last, const char *kind, const char *name)
{
	for (;;) {
		json_t *event = ctl_next(follow);
		json_int_t seq;
		bool found;

		assert_non_null(event);
		seq = json_integer_value(json_object_get(event, "seq"));
		assert_true(seq > *last);
		*last = seq;
		found = strcmp(json_string_value(json_object_get(event, "kind")), kind) == 0 &&
			strcmp(json_string_value(json_object_get(event, "name")), name) == 0;
		json_decref(event);
		if (found)
			return;
	}
}

/* Following gives one document a line, each when it happens, none twice and none left out, and goes
 * on by itself when watd comes back. */
static void test_follows(void **state)
{
	static const char *const arguments[] = {"-j", "events", "--follow", "-n", "all", NULL};
	struct ctl_running follow;
	json_int_t last = 0;

	(void)state;
	ctl_run(&follow, arguments);
	await(&follow, &last, "watd-start", "");
	spawn("c1");
	await(&follow, &last, "spawn", "c1");
	await(&follow, &last, "grant", "c1");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	test_daemon_start(&the_daemon);
	await(&follow, &last, "suspend", "c1");
	await(&follow, &last, "watd-stop", "");
	await(&follow, &last, "watd-start", "");
	await(&follow, &last, "resume", "c1");
	WATCTL("stop", "c1");
	await(&follow, &last, "stop", "c1");
	assert_int_equal(ctl_finish(&follow, true), -9);
	/* Whoever has gone is not waited for. */
	spawn("c2");
}

/* Of one instance only; the others' events neither show nor wake for good. */
static void test_follows_one(void **state)
{
	static const char *const arguments[] = {"-j", "events", "c2", "-f", NULL};
	struct ctl_running follow;
	json_t *event;

	(void)state;
	ctl_run(&follow, arguments);
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof name, "c1%d", i);
		spawn(name);
	}
	spawn("c2");
	event = ctl_next(&follow);
	assert_string(event, "kind", "spawn");
	assert_string(event, "name", "c2");
	json_decref(event);
	assert_int_equal(ctl_finish(&follow, true), -9);
}

/* --timeout is how long it follows; what was there before does not show with -n 0. The end of a
 * time that was asked for is no failure. */
static void test_follows_for_a_time(void **state)
{
	(void)state;
	spawn("c1");
	WATCTL("events", "-f", "-n", "0", "--timeout", "300ms");
	assert_int_equal(out.code, 0);
	assert_string_equal(out.out, "");
	WATCTL("events", "c1", "-f", "-n", "2", "--timeout", "300ms");
	assert_prints("  spawn ");
	assert_prints("  grant ");
}

/* A wait that ends before its answer leaves nothing behind. */
static void test_gives_up(void **state)
{
	(void)state;
	spawn("c1");
	for (int i = 0; i < 20; i++) {
		WATCTL("wait", "c1", "--for", "failed", "--timeout", "1ms");
		assert_int_equal(out.code, 75);
	}
	WATCTL("rm", "-f", "c1");
	assert_int_equal(out.code, 0);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prints),      cmocka_unit_test(test_selects),
		cmocka_unit_test(test_refuses),     cmocka_unit_test(test_follows),
		cmocka_unit_test(test_follows_one), cmocka_unit_test(test_follows_for_a_time),
		cmocka_unit_test(test_gives_up),
	};

	return test_run_cases(tests, ctl_start, ctl_end);
}
