/* Capabilities in time: renewed, ended by their time, named before that, taken back all at once;
 * and who may do what. rows 22, 26, 65 */
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/watctl/ctl.h"

#define DAY 86400

static const char *in_dir(const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", the_daemon.dir, name);
	return path;
}

static int start(void **state)
{
	int r = ctl_start(state);

	WATCTL("spawn", "counter", "c1");
	assert_ends(0, "");
	WATCTL("provision", "c1", "me", "--expires", "1d", "--out", in_dir("me.token"));
	assert_ends(0, "");
	return r;
}

/* While no watd has it. */
static void execute(const char *sql)
{
	char *error = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in_dir("state/watd.db"), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s", error);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The User of the name, as `users -j` has it; NULL: there is none. */
static json_t *user(const char *name)
{
	json_t *view, *users, *found = NULL, *one;
	size_t i;

	WATCTL("-j", "users", "c1");
	assert_ends(0, "");
	view = document();
	users = json_object_get(view, "users");
	json_array_foreach(users, i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
			found = json_incref(one);
	}
	json_decref(view);
	return found;
}

static void assert_refused(const char *token, const char *why)
{
	WATCTL("call", "c1", "Get", "--token", token);
	assert_ends(77, why);
}

static void assert_good(const char *token)
{
	WATCTL("call", "c1", "Get", "--token", token);
	assert_ends(0, "");
}

/* Renewed, a User is who it was, for longer; its token of before is good for its own time; the one
 * before that is not; and who has the token without its secret is none. */
static void test_renew(void **state)
{
	json_t *before = user("me"), *after;

	(void)state;
	WATCTL("renew", "c1", "me", "--expires", "1h");
	assert_ends(1, "INVALID_ARGUMENT: not_after: expected a later time");
	WATCTL("renew", "c1", "me", "--expires", "30d", "--out", in_dir("next.token"));
	assert_ends(0, "");
	after = user("me");
	assert_string_equal(json_string_value(json_object_get(after, "grant")),
			    json_string_value(json_object_get(before, "grant")));
	assert_true(json_integer_value(json_object_get(after, "notAfter")) >
		    json_integer_value(json_object_get(before, "notAfter")) + 20 * DAY);
	assert_good(in_dir("me.token"));
	assert_good(in_dir("next.token"));
	WATCTL("call", "c1", "Get", "--as", "me");
	assert_ends(0, "");
	/* Of both watd knows after a restart. */
	test_daemon_kill(&the_daemon);
	test_daemon_start(&the_daemon);
	assert_good(in_dir("me.token"));
	assert_good(in_dir("next.token"));
	WATCTL("renew", "c1", "me", "--expires", "60d");
	assert_ends(0, "");
	assert_memory_equal(out.out, "wats1_", 6);
	assert_refused(in_dir("me.token"), "is not the one that was granted");
	assert_good(in_dir("next.token"));
	WATCTL("deprovision", "c1", "me");
	assert_refused(in_dir("next.token"), "taken back");
	WATCTL("renew", "c1", "me");
	assert_ends(1, "NOT_FOUND");
	json_decref(before);
	json_decref(after);
}

/* Who renews for a holder elsewhere gives a token that is complete with the holder's key only. */
static void test_renew_for_another(void **state)
{
	char key[64];

	(void)state;
	WATCTL("token", "newkey", in_dir("bob.key"));
	snprintf(key, sizeof key, "%.43s", out.out);
	WATCTL("provision", "c1", "bob", "--holder", key, "--expires", "1d", "--out",
	       in_dir("bob.token"));
	assert_ends(0, "");
	WATCTL("renew", "c1", "bob", "--out", in_dir("bob.next"));
	assert_ends(0, "");
	assert_refused(in_dir("bob.next"), "has no secret");
	WATCTL("call", "c1", "Get", "--token", in_dir("bob.next"), "--key", in_dir("bob.key"));
	assert_ends(0, "");
}

/* All tokens of an instance end at once, Admins' and Users', for good; the instance runs on, and
 * those that are made from then on are good. row 22 */
static void test_revoke_all(void **state)
{
	(void)state;
	WATCTL("call", "c1", "Increment", "n=7", "--token", in_dir("me.token"));
	assert_ends(0, "");
	WATCTL("provision", "c1", "you");
	WATCTL("revoke-all", "c1");
	assert_ends(0, "");
	assert_prints("2 Users and 1 Admin ended");
	for (unsigned i = 0; i < 2; i++) {
		assert_refused(in_dir("me.token"), "taken back");
		WATCTL("provision", "c1", "x");
		assert_ends(77, "ACCESS_DENIED");
		assert_null(user("me"));
		test_daemon_kill(&the_daemon);
		test_daemon_start(&the_daemon);
	}
	WATCTL("admin", "c1");
	assert_ends(0, "");
	WATCTL("provision", "c1", "me", "--out", in_dir("new.token"));
	assert_ends(0, "");
	WATCTL("call", "c1", "Get", "--token", in_dir("new.token"));
	assert_prints("{\"value\":\"7\"}\n");
	assert_refused(in_dir("me.token"), "taken back");
}

/* A grant whose time is over ends by itself: its User is no more, its name is free, and the events
 * say why. */
static void test_ends(void **state)
{
	struct ctl_running running;
	json_t *event = NULL;
	bool ended = false;

	(void)state;
	WATCTL("provision", "c1", "brief", "--expires", "1s");
	assert_ends(0, "");
	ctl_run(&running, (const char *[]){"-j", "events", "c1", "--follow", NULL});
	while (!ended && (event = ctl_next(&running))) {
		ended = strcmp(json_string_value(json_object_get(event, "kind")), "revoke") == 0;
		if (ended)
			assert_string(event, "detail", "its time is over");
		json_decref(event);
	}
	ctl_finish(&running, true);
	assert_true(ended);
	assert_null(user("brief"));
	/* As soon as its host has answered. */
	do
		WATCTL("provision", "c1", "brief");
	while (out.code == 1 && strstr(out.err, "ALREADY_EXISTS"));
	assert_ends(0, "");
}

/* What ends within a week is named in the events once, in users and in the status; what was made
 * for less than that is not. */
static void test_soon(void **state)
{
	char message[512];
	json_t *me;

	(void)state;
	WATCTL("provision", "c1", "you");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	execute("UPDATE grants SET not_after = unixepoch() + 3 * 86400 WHERE user = 'you'");
	execute("UPDATE grants SET not_before = unixepoch() - 90 * 86400 WHERE user = 'you'");
	for (unsigned i = 0; i < 2; i++) {
		test_daemon_start(&the_daemon);
		WATCTL("status");
		assert_prints("the User you of c1 ends at 20");
		assert_prints("watctl renew c1 you");
		assert_null(strstr(out.out, "User me"));
		WATCTL("users", "c1");
		assert_prints("Z (soon)");
		WATCTL("events", "c1");
		assert_prints("expires-soon");
		assert_ptr_equal(strstr(strstr(out.out, "expires-soon") + 1, "expires-soon"), NULL);
		assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	}
	test_daemon_spawn(&the_daemon, (const char *[]){NULL});
	assert_true(test_daemon_told(&the_daemon, "the User you of c1", message, sizeof message));
	/* More time, and it is named no more. */
	WATCTL("renew", "c1", "you");
	assert_ends(0, "");
	me = user("you");
	assert_false(json_boolean_value(json_object_get(me, "soon")));
	json_decref(me);
	WATCTL("status");
	assert_null(strstr(out.out, "User you"));
}

/* A clock that is set back gives no token its life back: the greatest time that watd has seen
 * counts, over restarts, too. */
static void test_clock(void **state)
{
	(void)state;
	assert_good(in_dir("me.token"));
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	execute("UPDATE node SET last_time = unixepoch() + 2 * 86400");
	test_daemon_start(&the_daemon);
	assert_refused(in_dir("me.token"), "ACCESS_DENIED");
	assert_null(user("me"));
}

/* who-can names those that may, and users says when each was bound last, over a restart, too. */
static void test_who_can(void **state)
{
	json_t *me;

	(void)state;
	WATCTL("provision", "c1", "reader", "--methods", "Get");
	WATCTL("who-can", "c1", "Get");
	assert_prints("me");
	assert_prints("reader");
	WATCTL("who-can", "c1", "Reset");
	assert_prints("me");
	assert_null(strstr(out.out, "reader"));
	WATCTL("who-can", "c1", "Rest");
	assert_ends(1, "did you mean Reset");
	WATCTL("users", "c1");
	assert_prints("GRANT");
	assert_prints("USER");
	assert_prints("METHODS");
	assert_prints("EXPIRES");
	assert_prints("LAST-USED");
	assert_prints("never");
	assert_good(in_dir("me.token"));
	for (unsigned i = 0; i < 2; i++) {
		me = user("me");
		assert_true(json_integer_value(json_object_get(me, "lastUsed")) > 0);
		assert_string(me, "methodNames", "all");
		json_decref(me);
		if (i == 0)
			assert_int_equal(test_daemon_terminate(&the_daemon), 0);
		if (i == 0)
			test_daemon_start(&the_daemon);
	}
}

/* A process that lives until it is killed. */
static pid_t worker(char pid_text[static 16])
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	snprintf(pid_text, 16, "%d", (int)pid);
	return pid;
}

/* Dead, and not reaped: its pid is nobody else's yet. */
static void kill_worker(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

/* A User that is bound to a process is gone from users, and its token refused, before the process
 * is reaped, so before its pid can be another's; its live channel is closed. row 25 */
static void test_process(void **state)
{
	char pid_text[16];
	pid_t pid = worker(pid_text);
	json_t *view;

	(void)state;
	WATCTL("provision", "c1", "worker", "--pid", pid_text, "--out", in_dir("worker.token"));
	assert_ends(0, "");
	view = user("worker");
	assert_int_equal(json_integer_value(json_object_get(view, "pid")), pid);
	json_decref(view);
	assert_good(in_dir("worker.token"));
	kill_worker(pid);
	assert_null(user("worker"));
	assert_refused(in_dir("worker.token"), "ACCESS_DENIED");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_good(in_dir("me.token"));
	WATCTL("provision", "c1", "late", "--pid", pid_text);
	assert_ends(1, "FAILED_PRECONDITION: pid: there is no such process");
	WATCTL("provision", "c1", "late", "--pid", "0");
	assert_ends(64, "expected a number");
}

/* It ends although watd was away when the process did, and stays although watd was. */
static void test_process_over_restart(void **state)
{
	char one[16], two[16];
	pid_t stays = worker(one), ends = worker(two);

	(void)state;
	WATCTL("provision", "c1", "stays", "--pid", one, "--out", in_dir("stays.token"));
	assert_ends(0, "");
	WATCTL("provision", "c1", "ends", "--pid", two, "--out", in_dir("ends.token"));
	assert_ends(0, "");
	test_daemon_kill(&the_daemon);
	kill_worker(ends);
	test_daemon_start(&the_daemon);
	assert_good(in_dir("stays.token"));
	assert_refused(in_dir("ends.token"), "ACCESS_DENIED");
	assert_null(user("ends"));
	kill_worker(stays);
	assert_refused(in_dir("stays.token"), "ACCESS_DENIED");
	assert_int_equal(waitpid(ends, NULL, 0), ends);
	assert_int_equal(waitpid(stays, NULL, 0), stays);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, start, ctl_end)
	const struct CMUnitTest tests[] = {
		CASE(test_renew),
		CASE(test_renew_for_another),
		CASE(test_revoke_all),
		CASE(test_ends),
		CASE(test_soon),
		CASE(test_clock),
		CASE(test_who_can),
		CASE(test_process),
		CASE(test_process_over_restart),
	};

	return test_run_cases(tests, NULL, NULL);
}
