/* test_config_grants.c - [grant NAME]: the token in the file is that of an active User, whatever
 * happened to watd, the instance, the file or the configuration in between. */
#include <grp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "counter.client.h"
#include "proto/token.h"
#include "tests/scenario/configured.h"

#define COUNTER "[instance c1]\nservice = counter\n"
#define WEB "[grant web]\ninstance = c1\nout = @/web.token\n"

static void copy_file(const struct configured *c, const char *from, const char *to)
{
	char text[2048], path[128];
	FILE *file;

	read_text(c, from, text, sizeof text);
	snprintf(path, sizeof path, "%s/%s", c->daemon.dir, to);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static bool same_text(const struct configured *c, const char *a, const char *b)
{
	char one[2048], other[2048];

	read_text(c, a, one, sizeof one);
	read_text(c, b, other, sizeof other);
	return strcmp(one, other) == 0;
}

static void assert_mode(const struct configured *c, const char *name, unsigned mode)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", c->daemon.dir, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_uid, geteuid());
}

/* When watd is ready the file is there, for its owner alone, and its token allows what the section
 * says and nothing else. */
static void test_begin(void **state)
{
	struct configured *c = *state;

	configured_start(c, COUNTER WEB "methods = Get Increment\n");
	assert_mode(c, "web.token", 0600);
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	assert_int_equal(call_by_file(c, "c1", "Increment", "web.token"), 0);
	assert_int_equal(call_by_file(c, "c1", "Reset", "web.token"), 77);
	assert_err(c, "ACCESS_DENIED");
	assert_int_equal(count_users(c, "c1"), 1);
	assert_false(is_there(c, ".web.token.watd-new"));
}

/* A grant that is as the configuration says is left alone: after a restart, a kill -9, a death of
 * its host and a reload the file is the same, and works. */
static void test_left_alone(void **state)
{
	struct configured *c = *state;

	configured_start(c, COUNTER WEB);
	copy_file(c, "web.token", "first");
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	test_daemon_start(&c->daemon);
	assert_true(same_text(c, "web.token", "first"));
	test_daemon_kill(&c->daemon);
	test_daemon_start(&c->daemon);
	assert_true(same_text(c, "web.token", "first"));
	WATCTL(c, "kill", "c1");
	assert_code(c, 0);
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_true(same_text(c, "web.token", "first"));
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	assert_int_equal(count_users(c, "c1"), 1);
}

/* A new incarnation has a new User: the token before it is STALE, that of the file works, and no
 * stop complains of a User that is watd's to see to. */
static void test_incarnation(void **state)
{
	struct configured *c = *state;

	configured_start(c, COUNTER WEB);
	copy_file(c, "web.token", "first");
	WATCTL(c, "admin", "c1");
	assert_code(c, 0);
	WATCTL(c, "stop", "c1");
	assert_code(c, 0);
	assert_string_equal(c->out.err, "");
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 1);
	assert_err(c, "STOPPED");
	WATCTL(c, "start", "c1", "--tier", "thread");
	assert_code(c, 0);
	assert_true(test_daemon_wait_log(&c->daemon, "a token file is fresh user=web", 2));
	assert_int_equal(call_by_file(c, "c1", "Get", "first"), 77);
	assert_err(c, "STALE");
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	assert_int_equal(count_users(c, "c1"), 1);
}

/* A file that is lost, or is another one, proves nothing: there is a new User, and the token that
 * somebody may have copied is worth nothing any more. */
static void test_lost(void **state)
{
	static const char *const damages[] = {"rm %s/web.token", "echo x > %s/web.token",
					      "sed -i s/A/B/ %s/web.token",
					      "cp %s/other.token %s/web.token"};
	struct configured *c = *state;
	char command[256];

	configured_start(c, COUNTER WEB "[grant other]\ninstance = c1\nout = @/other.token\n");
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		copy_file(c, "web.token", "stolen");
		snprintf(command, sizeof command, damages[i], c->daemon.dir, c->daemon.dir);
		assert_int_equal(system(command), 0);
		WATCTL(c, "reload");
		assert_code(c, 0);
		assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
		assert_int_equal(call_by_file(c, "c1", "Get", "other.token"), 0);
		while (call_by_file(c, "c1", "Get", "stolen") == 0)
			;
		assert_code(c, 77);
		assert_err(c, "ACCESS_DENIED");
		assert_int_equal(count_users(c, "c1"), 2);
	}
}

/* What the section says is so after a reload, and after a restart: methods, life, group, place, and
 * that there is such a User at all. */
static void test_changes(void **state)
{
	struct configured *c = *state;
	const struct group *group = getgrgid(getegid());
	char text[256];

	configured_start(c, COUNTER WEB);
	copy_file(c, "web.token", "first");
	configured_write(c, "watd.conf", COUNTER WEB "methods = Get\n");
	WATCTL(c, "reload");
	assert_out(c, "changed  grant web: methods: (none) -> Get");
	assert_int_equal(call_by_file(c, "c1", "Reset", "web.token"), 77);
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	while (call_by_file(c, "c1", "Get", "first") == 0)
		;
	assert_err(c, "ACCESS_DENIED");
	/* Who may read it is no matter of the grant. */
	copy_file(c, "web.token", "second");
	assert_non_null(group);
	snprintf(text, sizeof text, COUNTER WEB "methods = Get\ngroup = %s\n", group->gr_name);
	configured_write(c, "watd.conf", text);
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_mode(c, "web.token", 0640);
	assert_true(same_text(c, "web.token", "second"));
	configured_write(c, "watd.conf", COUNTER WEB "methods = Get\nexpires = 1h\n");
	WATCTL(c, "reload");
	assert_mode(c, "web.token", 0600);
	assert_false(same_text(c, "web.token", "second"));
	copy_file(c, "web.token", "third");
	test_daemon_kill(&c->daemon);
	configured_write(c, "watd.conf", COUNTER);
	test_daemon_start(&c->daemon);
	while (call_by_file(c, "c1", "Get", "third") == 0)
		;
	assert_err(c, "ACCESS_DENIED");
	while (count_users(c, "c1") > 0)
		;
}

/* A User that somebody else made keeps its token; the trouble is said until it is gone. */
static void test_foreign(void **state)
{
	struct configured *c = *state;

	configured_start(c, COUNTER);
	WATCTL(c, "admin", "c1");
	assert_code(c, 0);
	WATCTL(c, "provision", "c1", "web");
	assert_code(c, 0);
	configured_write(c, "watd.conf", COUNTER WEB);
	WATCTL(c, "reload");
	assert_code(c, 1);
	assert_err(c,
		   "[grant web]: its instance has a User of this name that the configuration did "
		   "not make");
	assert_false(is_there(c, "web.token"));
	WATCTL(c, "call", "c1", "Get", "--as", "web");
	assert_code(c, 0);
	WATCTL(c, "deprovision", "c1", "web");
	assert_code(c, 0);
	/* The row may still be on its way out. */
	do {
		WATCTL(c, "reload");
		test_daemon_forget_told(&c->daemon);
	} while (c->out.code == 1);
	assert_code(c, 0);
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
}

/* A watd that starts with a method that is none, or a group that is none, makes no grant that would
 * be another one than was meant; it says so, and is ready. */
static void test_no_sense(void **state)
{
	static const char *const lines[] = {"methods = Get Nope\n", "group = no-such-group\n"};
	static const char *const troubles[] = {"has no method Nope for Users",
					       "group = no-such-group: expected a group"};
	struct configured *c = *state;

	for (size_t i = 0; i < 2; i++) {
		configured_write(c, "watd.conf", COUNTER WEB);
		configured_append(c, lines[i]);
		test_daemon_start(&c->daemon);
		WATCTL(c, "status");
		assert_out(c, troubles[i]);
		assert_false(is_there(c, "web.token"));
		assert_int_equal(count_users(c, "c1"), 0);
		assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	}
}

/* No grant is made that no file could keep, and watd is ready all the same; when the directory is
 * there, a reload makes both. */
static void test_no_directory(void **state)
{
	struct configured *c = *state;
	char dir[128];

	configured_start(c, COUNTER "[grant web]\ninstance = c1\nout = @/app/web.token\n");
	WATCTL(c, "status");
	assert_out(c, "can't be written: No such file or directory");
	assert_int_equal(count_users(c, "c1"), 0);
	snprintf(dir, sizeof dir, "%s/app", c->daemon.dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	WATCTL(c, "reload");
	assert_code(c, 0);
	assert_int_equal(call_by_file(c, "c1", "Get", "app/web.token"), 0);
	/* What is no file there is left as it is. */
	configured_write(c, "watd.conf", COUNTER "[grant web]\ninstance = c1\nout = @/app\n");
	WATCTL(c, "reload");
	assert_code(c, 1);
	assert_err(c, "it is no regular file");
}

#define KILLS 30

/* kill -9 at whatever watd is doing after the first, second, ... line of its log, while each start
 * makes a User and ends another: the next one finds its way every time. In the end one User is
 * there whose token is in the file, and nothing lies about. */
static void test_kill(void **state)
{
	struct configured *c = *state;

	for (size_t round = 0; round < KILLS; round++) {
		configured_write(c, "watd.conf",
				 round % 2 ? COUNTER WEB : COUNTER WEB "methods = Get\n");
		if (round > 0)
			forget_log(c);
		test_daemon_spawn(&c->daemon, NULL);
		if (!test_daemon_wait_log(&c->daemon, ": ", round % 3 + 1)) {
			read_text(c, "log", c->out.out, sizeof c->out.out);
			fail_msg("watd ended: %s", c->out.out);
		}
		test_daemon_kill(&c->daemon);
	}
	test_daemon_start(&c->daemon);
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	while (count_users(c, "c1") > 1)
		;
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	assert_false(is_there(c, ".web.token.watd-new"));
}

/* What a watd that was killed between its steps leaves: a grant without a file, and a file half
 * written that somebody could even have made a link. */
static void test_half_done(void **state)
{
	struct configured *c = *state;
	char path[128], precious[128];

	configured_start(c, COUNTER WEB);
	copy_file(c, "web.token", "first");
	copy_file(c, "web.token", "precious");
	test_daemon_kill(&c->daemon);
	snprintf(path, sizeof path, "%s/web.token", c->daemon.dir);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof path, "%s/.web.token.watd-new", c->daemon.dir);
	snprintf(precious, sizeof precious, "%s/precious", c->daemon.dir);
	assert_int_equal(symlink(precious, path), 0);
	test_daemon_start(&c->daemon);
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	assert_true(same_text(c, "precious", "first"));
	assert_false(is_there(c, ".web.token.watd-new"));
	while (count_users(c, "c1") > 1)
		;
	assert_int_equal(call_by_file(c, "c1", "Get", "first"), 77);
}

static void execute(const struct configured *c, const char *sql)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/state/watd.db", c->daemon.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A watd that was killed after it had replaced a User, but before that one ended, has it ended by
 * the next one; and what it had half written, a secret maybe, is gone though nothing new is. */
static void test_not_ended(void **state)
{
	struct configured *c = *state;

	configured_start(c, COUNTER WEB);
	copy_file(c, "web.token", "first");
	configured_write(c, "watd.conf", COUNTER WEB "methods = Get\n");
	WATCTL(c, "reload");
	assert_code(c, 0);
	copy_file(c, "web.token", "second");
	while (count_users(c, "c1") > 1)
		;
	assert_int_equal(test_daemon_terminate(&c->daemon), 0);
	execute(c, "UPDATE grants SET state = 2");
	copy_file(c, "first", ".web.token.watd-new");
	test_daemon_start(&c->daemon);
	assert_true(same_text(c, "web.token", "second"));
	assert_int_equal(call_by_file(c, "c1", "Get", "web.token"), 0);
	while (count_users(c, "c1") > 1)
		;
	assert_int_equal(call_by_file(c, "c1", "Get", "first"), 77);
	assert_false(is_there(c, ".web.token.watd-new"));
}

/* Unix seconds at which the token was refused first. A call with it is refused early only if its
 * grant was ended before its time. */
static uint64_t refused_at(const struct configured *c, const char *token)
{
	counter_user *user;
	struct timespec now;
	wat *client;
	int r;

	assert_int_equal(wat_connect(c->daemon.socket, &client), 0);
	do {
		r = counter_user_open(client, token, &user);
		/* Not time(), which lags behind. */
		assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
		if (r == 0)
			counter_user_free(user);
	} while (r == 0);
	assert_int_equal(r, WAT_ACCESS_DENIED);
	wat_free(client);
	return (uint64_t)now.tv_sec;
}

/* A token is renewed before its end, which the one before it lives to see. */
static void test_renewal(void **state)
{
	struct configured *c = *state;
	char text[2048];
	struct token token;

	/* It is bound again and again until it is over. */
	configured_start(c, "[watd]\nbind-rate = 1000000\nbind-burst = 1000000\n" COUNTER WEB
			    "expires = 4s\n");
	read_text(c, "web.token", text, sizeof text);
	assert_int_equal(token_from_text(text, &token), TOKEN_OK);
	assert_int_equal(token.not_after - token.not_before, 4);
	assert_true(refused_at(c, text) >= token.not_after);
	assert_true(test_daemon_wait_log(&c->daemon, "a token file is fresh user=web", 2));
	copy_file(c, "web.token", "second");
	read_text(c, "second", text, sizeof text);
	assert_int_equal(token_from_text(text, &token), TOKEN_OK);
	assert_true(refused_at(c, text) >= token.not_after);
	/* Those that are over are not kept: at most one, and the next one beside it. */
	while (count_users(c, "c1") > 2)
		;
}

/* A User that was renewed is two grants for a while. Its Deprovision ends both (row 22). */
static void test_renewed_and_ended(void **state)
{
	struct configured *c = *state;

	configured_start(c, COUNTER WEB "expires = 4s\n");
	WATCTL(c, "admin", "c1");
	assert_code(c, 0);
	assert_true(test_daemon_wait_log(&c->daemon, "a token file is fresh user=web", 2));
	copy_file(c, "web.token", "second");
	WATCTL(c, "deprovision", "c1", "web");
	assert_code(c, 0);
	assert_int_equal(call_by_file(c, "c1", "Get", "second"), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_begin),
		CONFIGURED_CASE(test_left_alone),
		CONFIGURED_CASE(test_incarnation),
		CONFIGURED_CASE(test_lost),
		CONFIGURED_CASE(test_changes),
		CONFIGURED_CASE(test_foreign),
		CONFIGURED_CASE(test_no_sense),
		CONFIGURED_CASE(test_no_directory),
		CONFIGURED_CASE(test_kill),
		CONFIGURED_CASE(test_half_done),
		CONFIGURED_CASE(test_not_ended),
		CONFIGURED_CASE(test_renewal),
		CONFIGURED_CASE(test_renewed_and_ended),
	};

	return test_run_cases(tests, NULL, NULL);
}
