/* Every command of watctl against a real watd: what it prints, as text and as JSON, what it says
 * when it is refused, how it ends, and what it leaves in the keyring. row 108 */
#include <sys/stat.h>

#include "tests/watctl/ctl.h"

/* describe names the user methods, the admin methods, the types with their fields, the state and
 * the comments, and watd has not mapped the plugin for it. row 1 */
static void test_describe(void **state)
{
	static const char *const expected[] = {
		"counter.Counter",
		"A number that many users share.",
		"Get(wat.Empty) returns counter.Value  [read only]",
		"Increment(counter.Amount) returns counter.Value",
		"OUT_OF_RANGE if the result",
		"Reset(wat.Empty)",
		"Provision(",
		"Deprovision(",
		"Stop(",
		"State\n  counter.State",
		"sint64 value = 1",
		"sint64 n = 1",
	};
	json_t *view;
	char maps[64], line[1024];
	FILE *file;

	(void)state;
	WATCTL("describe", "counter");
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		assert_prints(expected[i]);
	WATCTL("-j", "describe", "counter.Counter");
	view = document();
	assert_string(view, "service", "counter.Counter");
	assert_string(view, "state", "counter.State");
	assert_int_equal(json_array_size(json_object_get(view, "userMethods")), 3);
	assert_int_equal(json_array_size(json_object_get(view, "adminMethods")), 3);
	json_decref(view);
	WATCTL("describe", "nothing");
	assert_ends(1, "NOT_FOUND");
	snprintf(maps, sizeof maps, "/proc/%d/maps", (int)the_daemon.pid);
	file = fopen(maps, "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		assert_null(strstr(line, "counter.so"));
	fclose(file);
}

/* show -j has every key that scripts rely on. */
static void test_show(void **state)
{
	static const char *const keys[] = {"name",        "service",    "tier", "state",
					   "incarnation", "generation", "pid",  "durability",
					   "users",       "deaths"};
	static const char *const durabilities[] = {"none", "crash", "sync"};
	json_t *view;

	(void)state;
	WATCTL("spawn", "counter", "shown", "--tier", "thread");
	assert_prints("counter.Counter");
	WATCTL("-j", "show", "shown");
	view = document();
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_non_null(json_object_get(view, keys[i]));
	assert_string(view, "state", "ready");
	assert_string(view, "tier", "thread");
	assert_string(view, "durability", "crash");
	json_decref(view);
	WATCTL("show", "shown");
	assert_prints("survive a crash");
	WATCTL("status", "shown");
	assert_prints("ready");
	WATCTL("ls");
	assert_prints("shown");
	WATCTL("-j", "ls");
	view = document();
	assert_int_equal(json_array_size(json_object_get(view, "instances")), 1);
	json_decref(view);
	WATCTL("stop", "shown");
	assert_prints("{\"value\":\"0\"}\n");
	WATCTL("show", "shown");
	assert_prints("stopped");
	for (size_t i = 0; i < 3; i++) {
		WATCTL("spawn", "counter", durabilities[i], "--durability", durabilities[i]);
		WATCTL("-j", "show", durabilities[i]);
		view = document();
		assert_string(view, "durability", durabilities[i]);
		json_decref(view);
	}
}

/* The keyring keeps the Admin and the Users; who has only the Admin is told how to call; what is
 * deprovisioned is gone from the keyring and refused with a copy of its token. row 14 */
static void test_users(void **state)
{
	char path[128], token[1024];
	struct stat st;
	FILE *file;

	(void)state;
	WATCTL("spawn", "counter", "c1", "--state", "{\"value\": 40}");
	assert_int_equal(out.code, 0);
	WATCTL("call", "c1", "Get");
	assert_ends(77, "watctl: ACCESS_DENIED: you hold the Admin of c1, which manages it; make a "
			"User: watctl provision c1 me\n");
	snprintf(path, sizeof path, "%s/bob.token", the_daemon.dir);
	WATCTL("provision", "c1", "bob", "--out", path);
	assert_int_equal(out.code, 0);
	assert_string_equal(out.out, "");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(token, sizeof token, file));
	fclose(file);
	assert_memory_equal(token, "wats1_", 6);
	WATCTL("call", "c1", "Increment", "{\"n\": 2}");
	assert_prints("{\"value\":\"42\"}\n");
	WATCTL("users", "c1");
	assert_prints("bob");
	WATCTL("deprovision", "c1", "bob");
	assert_prints("bob is no User of c1 any more");
	WATCTL("call", "c1", "Get", "--as", "bob");
	assert_ends(77, "ACCESS_DENIED: the keyring has no User bob of c1; make one: watctl "
			"provision c1 bob");
	WATCTL("call", "c1", "Get", "--token", path);
	assert_ends(77, "ACCESS_DENIED");
	assert_null(strstr(out.err, token));
	WATCTL("deprovision", "c1", "bob");
	assert_ends(1, "NOT_FOUND");
	WATCTL("stop", "c1");
	assert_prints("{\"value\":\"42\"}\n");
}

/* Stop, start on the other tier, and the state is the same; Users of before are STALE, and don't
 * count when there is one of now. row 56 */
static void test_start(void **state)
{
	(void)state;
	WATCTL("spawn", "counter", "c1", "--state", "{\"value\": 42}");
	assert_int_equal(out.code, 0);
	WATCTL("stop", "c1");
	assert_int_equal(out.code, 0);
	WATCTL("start", "c1", "--tier", "thread");
	assert_prints("a new one");
	WATCTL("provision", "c1", "old");
	assert_int_equal(out.code, 0);
	WATCTL("stop", "c1");
	assert_int_equal(out.code, 0);
	WATCTL("call", "c1", "Get");
	assert_ends(1, "STOPPED");
	WATCTL("start", "c1", "--tier", "process");
	assert_int_equal(out.code, 0);
	WATCTL("call", "c1", "Get");
	assert_ends(77, "STALE");
	WATCTL("provision", "c1", "new");
	assert_int_equal(out.code, 0);
	WATCTL("call", "c1", "Get");
	assert_prints("{\"value\":\"42\"}\n");
	WATCTL("provision", "c1", "newer");
	WATCTL("call", "c1", "Get");
	assert_ends(64, "say --as with one of new, newer");
	WATCTL("start", "c1");
	assert_ends(1, "FAILED_PRECONDITION");
	WATCTL("stop", "c1");
	assert_int_equal(out.code, 0);
}

/* A failure is one sentence on stderr and, with -j, one document on stdout. */
static void test_failures(void **state)
{
	json_t *view, *error;

	(void)state;
	WATCTL("-j", "show", "nobody");
	assert_ends(1, "watctl: NOT_FOUND: ");
	view = document();
	error = json_object_get(view, "error");
	assert_string(error, "status", "NOT_FOUND");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), 5);
	json_decref(view);
	WATCTL("spawn", "counter", "bad", "--state", "{\"value\": [1]}");
	assert_ends(1, "INVALID_ARGUMENT: the state is not a counter.State: value: ");
	WATCTL("spawn", "counter", "bad", "--state", "@/nonexistent/state");
	assert_ends(64, "/nonexistent/state");
	WATCTL("call", "nobody", "Get");
	assert_ends(77, "you hold no capability of nobody");
	WATCTL("call", "nobody", "Get", "--token", "/nonexistent/token");
	assert_ends(78, "/nonexistent/token");
	WATCTL("call", "nobody", "Get", "--token", "/etc/passwd");
	assert_ends(78, "/etc/passwd holds no token");
	WATCTL("call", "nobody", "Get", "--token", "x", "--as", "y");
	assert_ends(64, "--token and --as");
	WATCTL("show", "bad");
	assert_ends(1, "NOT_FOUND");
}

/* status and plugins name the node, its places and its services. */
static void test_node(void **state)
{
	json_t *view;

	(void)state;
	WATCTL("-j", "status");
	view = document();
	assert_int_equal(json_integer_value(json_object_get(view, "pid")), the_daemon.pid);
	assert_string(view, "socket", the_daemon.socket);
	assert_int_equal(strlen(json_string_value(json_object_get(view, "nodeId"))), 32);
	json_decref(view);
	WATCTL("status");
	assert_prints(the_daemon.socket);
	WATCTL("plugins");
	assert_prints("counter.Counter");
	WATCTL("-j", "plugins");
	view = document();
	assert_true(json_array_size(json_object_get(view, "plugins")) >= 1);
	json_decref(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe), cmocka_unit_test(test_show),
		cmocka_unit_test(test_users),    cmocka_unit_test(test_start),
		cmocka_unit_test(test_failures), cmocka_unit_test(test_node),
	};

	return test_run_cases(tests, ctl_start, ctl_end);
}
