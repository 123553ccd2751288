/* wait, rm, kill, log-level, spawn --attached and the second names of commands, against a real watd. row 108 */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>
#include <sqlite3.h>

#include "tests/watctl/ctl.h"

static void spawn(const char *service, const char *name)
{
	WATCTL("spawn", service, name);
	assert_int_equal(out.code, 0);
}

/* ls and list are one, status NAME and show NAME are. */
static void test_aliases(void **state)
{
	static char ls[sizeof out.out];

	(void)state;
	spawn("counter", "c1");
	WATCTL("ls");
	assert_prints("counter.Counter");
	strcpy(ls, out.out);
	WATCTL("list");
	assert_string_equal(out.out, ls);
	WATCTL("show", "c1");
	strcpy(ls, out.out);
	WATCTL("status", "c1");
	assert_string_equal(out.out, ls);
}

/* A state that is there ends the wait at once; one that comes ends it when it does. */
static void test_wait(void **state)
{
	static const char *const wait[] = {"-j", "wait", "c1", "--for", "stopped", NULL};
	struct ctl_running waiting;
	json_t *view;

	(void)state;
	spawn("counter", "c1");
	WATCTL("wait", "c1");
	assert_prints("c1 is ready\n");
	ctl_run(&waiting, wait);
	WATCTL("stop", "c1");
	assert_int_equal(out.code, 0);
	view = ctl_next(&waiting);
	assert_string(view, "state", "stopped");
	assert_string(view, "name", "c1");
	json_decref(view);
	assert_int_equal(ctl_finish(&waiting, false), 0);
	WATCTL("wait", "c1", "--for", "stopped");
	assert_prints("c1 is stopped\n");
}

/* Where nothing but an operator leads on the wait fails at once, with what it is; where time is
 * short it ends with 75. */
static void test_wait_fails(void **state)
{
	json_t *view;

	(void)state;
	WATCTL("wait", "nobody");
	assert_ends(1, "NOT_FOUND: there is no instance \"nobody\"");
	spawn("counter", "c1");
	WATCTL("wait", "c1", "--for", "failed", "--timeout", "100ms");
	assert_ends(75, "DEADLINE_EXCEEDED");
	WATCTL("-j", "wait", "c1", "--for", "stopped", "--timeout", "0.1s");
	assert_ends(75, "DEADLINE_EXCEEDED");
	view = document();
	assert_string(json_object_get(view, "error"), "status", "DEADLINE_EXCEEDED");
	json_decref(view);
	WATCTL("stop", "c1");
	WATCTL("wait", "c1");
	assert_ends(1, "STOPPED: \"c1\" was stopped (watctl start c1)");
	WATCTL("wait", "c1", "--for", "failed");
	assert_ends(1, "STOPPED");
	WATCTL("wait", "c1", "--for", "gone");
	assert_ends(64, "--for is ready, stopped, failed or quarantined, not \"gone\"");
	WATCTL("wait", "c1", "--timeout", "soon");
	assert_ends(64, "--timeout \"soon\": expected a time");
}

/* An instance that dies until it is given up fails whoever waits for it to be ready, with the
 * chain; and is what others wait for. */
static void test_wait_failed(void **state)
{
	static const char *const wait[] = {"-j", "wait", "p1", "--for", "failed", NULL};
	struct ctl_running waiting;
	json_t *view, *error;

	(void)state;
	spawn("probe.Probe", "p1");
	ctl_run(&waiting, wait);
	WATCTL("provision", "p1", "me");
	/* Each death is a step to the last. */
	do {
		WATCTL("call", "p1", "Crash");
		WATCTL("-j", "show", "p1");
	} while (!strstr(out.out, "\"state\":\"failed\""));
	view = ctl_next(&waiting);
	assert_string(view, "state", "failed");
	json_decref(view);
	assert_int_equal(ctl_finish(&waiting, false), 0);
	WATCTL("-j", "wait", "p1");
	assert_ends(1, "SERVER_DIED");
	view = document();
	error = json_object_get(view, "error");
	assert_string(error, "status", "SERVER_DIED");
	assert_true(json_array_size(json_object_get(error, "chain")) > 0);
	json_decref(view);
	/* A failed one may go as it is. */
	WATCTL("rm", "p1");
	assert_prints("removed p1 and its 1 User\n");
}

static bool keyring_has(const char *name)
{
	char path[256];
	struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(path, sizeof path, "%s/keyring", the_daemon.dir);
	directory = opendir(path);
	while (directory && !found && (entry = readdir(directory))) {
		char inside[600];

		snprintf(inside, sizeof inside, "%s/%s/%s", path, entry->d_name, name);
		found = entry->d_name[0] != '.' && access(inside, F_OK) == 0;
	}
	if (directory)
		closedir(directory);
	return found;
}

/* What runs is refused and told how; what was stopped goes with everything: its row, its state, its
 * tokens here and there. The name is free, and nothing of before is found under it. */
static void test_rm(void **state)
{
	char path[96];
	json_t *view;

	(void)state;
	WATCTL("rm", "c1");
	assert_ends(1, "NOT_FOUND");
	spawn("counter", "c1");
	snprintf(path, sizeof path, "%s/me.token", the_daemon.dir);
	WATCTL("provision", "c1", "me", "--out", path);
	WATCTL("rm", "c1");
	assert_ends(1, "FAILED_PRECONDITION: \"c1\" is ready; stop it first (watctl stop c1), or");
	WATCTL("call", "c1", "Get");
	assert_int_equal(out.code, 0);
	WATCTL("stop", "c1");
	assert_true(keyring_has("c1"));
	WATCTL("-j", "rm", "c1");
	view = document();
	assert_string(view, "name", "c1");
	assert_number(view, "users", 1);
	json_decref(view);
	assert_false(keyring_has("c1"));
	WATCTL("show", "c1");
	assert_ends(1, "NOT_FOUND");
	WATCTL("start", "c1");
	assert_ends(1, "NOT_FOUND");
	WATCTL("call", "c1", "Get", "--token", path);
	assert_ends(1, "NOT_FOUND");
	/* Not after a restart either. */
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	test_daemon_start(&the_daemon);
	WATCTL("-j", "ls");
	assert_prints("{\"instances\":[]}\n");
	spawn("counter", "c1");
	WATCTL("call", "c1", "Get", "--token", path);
	assert_ends(1, "NOT_FOUND");
	WATCTL("rm", "c1", "--force");
	assert_prints("removed c1\n");
	WATCTL("rm", "c1", "-f");
	assert_ends(1, "NOT_FOUND");
}

/* --force is a stop first: the Stop handler runs, and one that refuses keeps the instance. */
static void test_rm_force(void **state)
{
	(void)state;
	WATCTL("spawn", "probe.Probe", "p1", "note=refuse stop");
	assert_int_equal(out.code, 0);
	WATCTL("rm", "-f", "p1");
	assert_int_equal(out.code, 1);
	WATCTL("wait", "p1", "--timeout", "10s");
	assert_prints("p1 is ready");
	WATCTL("-j", "events", "p1", "-n", "1");
	assert_prints("\"kind\":\"stop-refused\"");
	spawn("probe.Probe", "p2");
	WATCTL("rm", "-f", "p2");
	assert_prints("removed p2\n");
	WATCTL("-j", "events", "p2", "-n", "2");
	assert_prints("\"kind\":\"stop\"");
	assert_prints("\"kind\":\"remove\"");
}

static void change_database(const char *sql)
{
	char path[128];
	sqlite3 *db;

	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	snprintf(path, sizeof path, "%s/state/watd.db", the_daemon.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	test_daemon_start(&the_daemon);
}

/* One that dies while it is stopped goes all the same: again when it is back, and as it is when it
 * was given up. What was decided last is stored last. */
static void test_rm_dying(void **state)
{
	static const char *const last[] = {"failed", "remove"};
	json_t *view, *events;

	(void)state;
	WATCTL("spawn", "guest.Desk", "d1", "stop=CRASH");
	assert_int_equal(out.code, 0);
	WATCTL("rm", "-f", "d1");
	assert_prints("removed d1\n");
	WATCTL("-j", "events", "d1", "-n", "2");
	view = document();
	events = json_object_get(view, "events");
	for (size_t i = 0; i < 2; i++)
		assert_string(json_array_get(events, i), "kind", last[i]);
	json_decref(view);
	for (int i = 0; i < 10; i++) {
		WATCTL("spawn", "guest.Desk", "d2");
		WATCTL("kill", "d2");
		WATCTL("rm", "-f", "d2");
		assert_prints("removed d2\n");
	}
}

/* A removal that the database does not take is none: the instance is what it was, and goes when it
 * can. */
static void test_rm_not_stored(void **state)
{
	(void)state;
	WATCTL("spawn", "counter", "c1", "value=7");
	WATCTL("stop", "c1");
	change_database("CREATE TRIGGER no BEFORE DELETE ON instances "
			"BEGIN SELECT RAISE(ABORT, 'no'); END");
	WATCTL("rm", "c1");
	assert_ends(1, "RESOURCE_EXHAUSTED: the removal could not be stored, the instance stays");
	WATCTL("wait", "c1", "--for", "stopped");
	assert_int_equal(out.code, 0);
	WATCTL("start", "c1");
	assert_int_equal(out.code, 0);
	WATCTL("stop", "c1");
	assert_prints("{\"value\":\"7\"}\n");
	change_database("DROP TRIGGER no");
	WATCTL("rm", "c1");
	assert_prints("removed c1\n");
}

/* What happened in any case is in the log even if the audit does not take it; what the audit must
 * hold does not happen without it. row 113 */
static void test_audit_not_stored(void **state)
{
	(void)state;
	spawn("counter", "c1");
	change_database("CREATE TRIGGER no BEFORE INSERT ON events WHEN new.kind IN "
			"('kill', 'grant') BEGIN SELECT RAISE(ABORT, 'no'); END");
	WATCTL("kill", "c1");
	assert_int_equal(out.code, 0);
	WATCTL("wait", "c1");
	/* The answer comes after everything that was to be stored before. */
	WATCTL("events", "-n", "1");
	assert_true(test_daemon_logged(&the_daemon, "event=kill instance=c1"));
	assert_true(test_daemon_logged(&the_daemon, "stored=no"));
	WATCTL("provision", "c1", "me");
	assert_ends(1, "RESOURCE_EXHAUSTED: the grant could not be stored");
	assert_false(test_daemon_logged(&the_daemon, "event=grant instance=c1 generation=2"));
	WATCTL("users", "c1");
	assert_null(strstr(out.out, "me\n"));
	assert_null(strstr(out.out, "me "));
}

/* kill names the process, and the instance is there again in another; what has none is refused. */
static void test_kill(void **state)
{
	json_int_t pid;
	json_t *view;

	(void)state;
	spawn("counter", "c1");
	WATCTL("-j", "show", "c1");
	view = document();
	pid = json_integer_value(json_object_get(view, "pid"));
	json_decref(view);
	WATCTL("-j", "kill", "c1");
	view = document();
	assert_number(view, "pid", pid);
	assert_number(view, "others", 0);
	json_decref(view);
	WATCTL("-j", "wait", "c1");
	view = document();
	assert_number(view, "generation", 2);
	assert_true(json_integer_value(json_object_get(view, "pid")) != pid);
	json_decref(view);
	WATCTL("stop", "c1");
	WATCTL("kill", "c1");
	assert_ends(1, "FAILED_PRECONDITION: \"c1\" is stopped and has no process");
	WATCTL("kill", "nobody");
	assert_ends(1, "NOT_FOUND");
}

/* The level is read, set and recorded, and decides what is logged from then on. */
static void test_log_level(void **state)
{
	json_t *view;

	(void)state;
	WATCTL("log-level");
	assert_prints("debug\n");
	WATCTL("log-level", "error");
	assert_prints("error, was debug\n");
	spawn("counter", "quiet");
	assert_false(test_daemon_logged(&the_daemon, "instance=quiet"));
	WATCTL("-j", "log-level", "info");
	view = document();
	assert_string(view, "level", "info");
	assert_string(view, "previous", "error");
	json_decref(view);
	spawn("counter", "loud");
	WATCTL("-j", "log-level");
	assert_prints("{\"level\":\"info\"}\n");
	assert_true(test_daemon_logged(&the_daemon, "instance=loud"));
	WATCTL("log-level", "noisy");
	assert_ends(1, "INVALID_ARGUMENT: level: expected error, warning, info or debug");
	WATCTL("-j", "events", "-n", "all");
	assert_prints("\"kind\":\"log-level\"");
	assert_prints("from error to info");
}

static void spawn_attached(struct ctl_running *running, const char *name)
{
	const char *const arguments[] = {"-j", "spawn", "counter", name, "value=7", "--attached",
					 NULL};
	json_t *begun;

	ctl_run(running, arguments);
	begun = ctl_next(running);
	assert_string(begun, "name", name);
	assert_number(begun, "ownerPid", running->pid);
	json_decref(begun);
	WATCTL("show", name);
	assert_prints("owner");
}

/* spawn --attached stays: ^C ends the instance with it, and the state is kept; whoever else stops
 * the instance ends the waiting. row 86 */
static void test_attached(void **state)
{
	struct ctl_running running;

	(void)state;
	spawn_attached(&running, "c1");
	assert_int_equal(kill(running.pid, SIGINT), 0);
	assert_int_equal(ctl_finish(&running, false), -SIGINT);
	WATCTL("wait", "c1", "--for", "stopped");
	assert_ends(0, "");
	WATCTL("start", "c1");
	assert_ends(0, "");
	WATCTL("provision", "c1", "me");
	WATCTL("call", "c1", "Get");
	assert_prints("{\"value\":\"7\"}");
	spawn_attached(&running, "c2");
	WATCTL("stop", "c2");
	assert_ends(0, "");
	assert_int_equal(ctl_finish(&running, false), 0);
	WATCTL("start", "c1", "--attached");
	assert_ends(64, "--attached");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_aliases, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_wait, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_wait_fails, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_wait_failed, ctl_start_with_test_plugins,
						ctl_end),
		cmocka_unit_test_setup_teardown(test_rm, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_rm_force, ctl_start_with_test_plugins,
						ctl_end),
		cmocka_unit_test_setup_teardown(test_rm_dying, ctl_start_with_test_plugins,
						ctl_end),
		cmocka_unit_test_setup_teardown(test_rm_not_stored, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_audit_not_stored, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_kill, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_log_level, ctl_start, ctl_end),
		cmocka_unit_test_setup_teardown(test_attached, ctl_start, ctl_end),
	};

	return test_run_cases(tests, NULL, NULL);
}
