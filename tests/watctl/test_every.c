/* Every command that watctl has: a success and what it prints, the same as one JSON document, a
 * failure and how it ends. A command without a line here fails the test. row 108 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "client/watctl/commands.h"
#include "tests/watctl/ctl.h"

#define ARGUMENTS_MAX 6

struct line {
	const char *command;
	const char *good[ARGUMENTS_MAX];
	const char *prints;
	const char *key; /* of the JSON document; NULL: it has no JSON of its own */
	const char *bad[ARGUMENTS_MAX];
	int code;
	const char *says;
};

/* In this order, in one watd; before each there are c1 with its User me, `stopped`, and d1, which
 * is deterministic; before release there is `lonely`, which is isolated. */
static const struct line lines[] = {
	{"status", {NULL}, "version", "nodeId", {"nobody"}, 1, "NOT_FOUND"},
	{"ls", {NULL}, "c1", "instances", {"x"}, 64, "ls takes no argument \"x\""},
	{"show", {"c1"}, "counter.Counter", "incarnation", {"nobody"}, 1, "NOT_FOUND"},
	{"users", {"c1"}, "me", "users", {"nobody"}, 1, "NOT_FOUND"},
	{"who-can", {"c1", "Reset"}, "me", "users", {"c1", "Rest"}, 1, "did you mean Reset"},
	{"events", {"c1"}, "spawn", "events", {"c1", "-n", "x"}, 64, "expected a number or all"},
	{"watch", {"c1"}, "grant", NULL, {"stopped"}, 1, "STOPPED"},
	{"logs", {"c1"}, "", "lines", {"c1", "-n", "x"}, 64, "expected a number or all"},
	{"plugins", {NULL}, "counter.so", "plugins", {"x"}, 64, "plugins takes no argument"},
	{"describe", {"counter"}, "Increment", "userMethods", {"none"}, 1, "NOT_FOUND"},
	{"spawn", {"counter", "@"}, "admin", "incarnation", {"none", "x"}, 1, "NOT_FOUND"},
	{"start", {"stopped"}, "a new one", "incarnation", {"c1"}, 1, "FAILED_PRECONDITION"},
	{"snapshots", {"c1"}, "counter.Counter", "snapshots", {"nobody"}, 1, "NOT_FOUND"},
	{"snapshot", {"c1"}, "snapshot ", "seq", {"stopped"}, 1, "FAILED_PRECONDITION"},
	{"restart", {"c1"}, "restarted c1, generation 2", "generation", {"stopped"}, 1, "STOPPED"},
	{"reset-failed",
	 {"c1"},
	 "reset c1, generation 1",
	 "generation",
	 {"nobody"},
	 1,
	 "NOT_FOUND"},
	{"release",
	 {"lonely"},
	 "released lonely, generation",
	 "generation",
	 {"c1"},
	 1,
	 "FAILED_PRECONDITION"},
	{"wait", {"c1"}, "c1 is ready", "state", {"nobody"}, 1, "NOT_FOUND"},
	{"admin", {"c1"}, "an Admin of c1 is in", "ended", {"nobody"}, 1, "NOT_FOUND"},
	{"provision", {"c1", "@"}, "wats1_", "token", {"c1", "me"}, 1, "ALREADY_EXISTS"},
	{"deprovision", {"c1", "me"}, "me is no User", "user", {"c1", "x"}, 1, "NOT_FOUND"},
	{"renew",
	 {"c1", "me", "--expires", "365d"},
	 "wats1_",
	 "token",
	 {"c1", "x"},
	 1,
	 "NOT_FOUND"},
	{"revoke-all", {"c1"}, "1 User and 1 Admin ended", "epoch", {"stopped"}, 1, "STOPPED"},
	{"stop", {"c1"}, "{\"value\":\"0\"}", "value", {"nobody"}, 77, "ACCESS_DENIED"},
	{"kill", {"c1"}, "killed process", "pid", {"nobody"}, 1, "NOT_FOUND"},
	{"replay", {"d1"}, "{\"value\":\"0\"}", "value", {"c1"}, 1, "FAILED_PRECONDITION"},
	{"rm", {"stopped"}, "removed stopped", "incarnation", {"nobody"}, 1, "NOT_FOUND"},
	{"call",
	 {"c1", "Increment", "n=0", "--as", "me"},
	 "{\"value\":\"0\"}",
	 "value",
	 {"c1", "Gte", "--as", "me"},
	 1,
	 "UNIMPLEMENTED"},
	{"reload", {NULL}, "nothing is different", "changes", {"x"}, 64, "reload takes no"},
	{"log-level", {NULL}, "debug", "level", {"x"}, 1, "INVALID_ARGUMENT"},
	{"keys", {NULL}, "signs", "keys", {"x"}, 64, "keys takes no argument"},
	{"rotate-key",
	 {"--grace", "1d"},
	 "are good until",
	 "before",
	 {"--grace", "x"},
	 64,
	 "expected how"},
	{"revoke-key", {"KEY"}, "good for nothing", "key", {"0011223344556677"}, 1, "NOT_FOUND"},
	{"backup", {"@"}, "backup of", "bytes", {"/none/x"}, 78, "no backup in"},
	{"export", {"c1", "@"}, "exported snapshot", "seq", {"nobody", "x"}, 1, "NOT_FOUND"},
	{"import", {"IMAGE", "@"}, "imported", "admin", {"/none/x"}, 78, "nothing can be imported"},
	{"new", {"greeter", "@"}, "/greeter.proto", "files", {"Greeter"}, 64, "can't be the name"},
	{"token", {"newkey", "@"}, "", "holder", {"inspect", "/etc/passwd"}, 78, "holds no token"},
	{"plugin", {"keygen", "@"}, "key ", "key", {"sign", "x"}, 64, "needs --key"},
	{"completion", {"bash"}, "complete -F", NULL, {"fish"}, 64, "not for \"fish\""},
	{"help", {NULL}, "usage: watctl", NULL, {"spwan"}, 64, "did you mean spawn?"},
};
#define N_LINES (sizeof lines / sizeof lines[0])

static const struct line *line_of(const char *command)
{
	for (size_t i = 0; i < N_LINES; i++)
		if (strcmp(lines[i].command, command) == 0)
			return &lines[i];
	return NULL;
}

static void test_none_is_left_out(void **state)
{
	const struct command *command;

	(void)state;
	for (size_t i = 0; (command = command_at(i)); i++)
		if (!line_of(command->name))
			fail_msg("%s has no line in this test", command->name);
}

/* Instances as each line finds them. */
static char image[128];

/* Its pool died of it. */
static void prepare_lonely(void)
{
	WATCTL("rm", "-f", "lonely");
	WATCTL("spawn", "probe.Probe", "lonely", "--tier", "thread");
	assert_ends(0, "");
	WATCTL("provision", "lonely", "me");
	WATCTL("call", "lonely", "Crash");
	assert_ends(1, "SERVER_DIED");
}

static pthread_t stopper;

/* Stops c1 once somebody has bound its Admin, which whoever watches it does. */
static void *stop_watched(void *arg)
{
	static struct test_output said;

	(void)arg;
	do
		test_watctl(&the_daemon, &said, "-j", "events", "c1", "-n", "1", NULL);
	while (!strstr(said.out, "\"kind\":\"bind\""));
	test_watctl(&the_daemon, &said, "stop", "c1", NULL);
	return NULL;
}

static void prepare(const char *command)
{
	static const char *const names[] = {"c1", "stopped", "d1"};
	static const char *const services[] = {"counter", "counter", "drift"};

	for (size_t i = 0; i < 3; i++) {
		WATCTL("rm", "-f", names[i]);
		WATCTL("spawn", services[i], names[i]);
		assert_ends(0, "");
	}
	WATCTL("provision", "c1", "me");
	assert_ends(0, "");
	WATCTL("stop", "stopped");
	assert_ends(0, "");
	snprintf(image, sizeof image, "%s/image", the_daemon.dir);
	WATCTL("export", "stopped", image);
	assert_ends(0, "");
	if (strcmp(command, "release") == 0)
		prepare_lonely();
	if (strcmp(command, "watch") == 0)
		assert_int_equal(pthread_create(&stopper, NULL, stop_watched, NULL), 0);
}

/* One that signs no more. */
static const char *key_of_before(void)
{
	static char key[20];
	json_t *view;

	WATCTL("-j", "rotate-key");
	view = document();
	snprintf(key, sizeof key, "%s", json_string_value(json_object_get(view, "before")));
	json_decref(view);
	return key;
}

/* "@" is a name that nothing has yet: of an instance, a user, a directory. */
static const char *fresh(const char *argument, const char *command)
{
	static char name[128];
	static unsigned n;

	if (argument && strcmp(argument, "IMAGE") == 0)
		return image;
	if (argument && strcmp(argument, "KEY") == 0)
		return key_of_before();
	if (!argument || strcmp(argument, "@") != 0)
		return argument;
	if (strcmp(command, "new") == 0 || strcmp(command, "backup") == 0 ||
	    strcmp(command, "export") == 0 || strcmp(command, "token") == 0 ||
	    strcmp(command, "plugin") == 0)
		snprintf(name, sizeof name, "%s/fresh%u", the_daemon.dir, n++);
	else
		snprintf(name, sizeof name, "fresh%u", n++);
	return name;
}

static void run(const char *before, const struct line *line, const char *const *arguments)
{
	const char *given[ARGUMENTS_MAX];
	bool dash = before != NULL;

	for (size_t i = 0; i < ARGUMENTS_MAX; i++)
		given[i] = fresh(arguments[i], line->command);
	if (dash)
		WATCTL(before, line->command, given[0], given[1], given[2], given[3], given[4]);
	else
		WATCTL(line->command, given[0], given[1], given[2], given[3], given[4]);
}

static void test_success(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_LINES; i++) {
		prepare(lines[i].command);
		run(NULL, &lines[i], lines[i].good);
		if (strcmp(lines[i].command, "watch") == 0)
			assert_int_equal(pthread_join(stopper, NULL), 0);
		if (out.code != 0 || !strstr(out.out, lines[i].prints))
			fail_msg("%s: %d: %s%s", lines[i].command, out.code, out.out, out.err);
	}
}

static void test_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_LINES; i++) {
		json_t *view;

		if (!lines[i].key)
			continue;
		prepare(lines[i].command);
		run("-j", &lines[i], lines[i].good);
		assert_int_equal(out.code, 0);
		view = document();
		if (!json_object_get(view, lines[i].key))
			fail_msg("%s: no %s in %s", lines[i].command, lines[i].key, out.out);
		json_decref(view);
	}
}

/* One sentence on stderr and nothing on stdout; with -j a failed call is a document there. */
static void test_failure(void **state)
{
	(void)state;
	prepare("");
	for (size_t i = 0; i < N_LINES; i++) {
		json_t *view;

		run(NULL, &lines[i], lines[i].bad);
		if (out.code != lines[i].code || !strstr(out.err, lines[i].says) || *out.out)
			fail_msg("%s: %d: %s%s", lines[i].command, out.code, out.out, out.err);
		assert_ptr_equal(strchr(out.err, '\n'), out.err + strlen(out.err) - 1);
		if (lines[i].code == 64)
			continue;
		run("-j", &lines[i], lines[i].bad);
		assert_int_equal(out.code, lines[i].code);
		view = document();
		assert_non_null(json_object_get(json_object_get(view, "error"), "status"));
		json_decref(view);
	}
}

/* Each is told from the table: help COMMAND and COMMAND --help are one, and name its arguments and
 * its options. */
static void test_help(void **state)
{
	static char help[sizeof out.out];
	const struct command *command;

	(void)state;
	for (size_t i = 0; (command = command_at(i)); i++) {
		WATCTL("help", command->name);
		assert_prints(command->name);
		assert_prints(command->arguments);
		assert_prints(command->details);
		strcpy(help, out.out);
		WATCTL(command->name, "--help");
		assert_string_equal(out.out, help);
		if (command->alias) {
			WATCTL(command->alias, "-h");
			assert_string_equal(out.out, help);
		}
		WATCTL("help");
		assert_prints(command->summary);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_is_left_out),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_help),
	};

	return test_run_cases(tests, ctl_start_with_drift, ctl_end);
}
