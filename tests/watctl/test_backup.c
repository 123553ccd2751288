/* Backups, going back to them, a damaged database, and one instance as a file. rows 59, 64 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sqlite3.h>

#include "tests/watctl/ctl.h"

static char *in_dir(const char *name)
{
	static char paths[4][160];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof paths[turn], "%s/%s", the_daemon.dir, name);
	return paths[turn];
}

static void spawn(const char *name, const char *durability)
{
	WATCTL("spawn", "counter", name, "--durability", durability);
	assert_int_equal(out.code, 0);
	WATCTL("provision", name, "me");
	assert_int_equal(out.code, 0);
}

static void add(const char *name, const char *n)
{
	WATCTL("call", name, "Increment", n, "--as", "me");
	assert_int_equal(out.code, 0);
}

static void assert_value(const char *name, const char *user, const char *value)
{
	WATCTL("call", name, "Get", "--as", user);
	assert_prints(value);
}

static void backup(void)
{
	WATCTL("backup", in_dir("backup"));
	if (out.code != 0 || *out.err)
		fail_msg("%d: %s", out.code, out.err);
}

static void restore(int code, const char *says)
{
	test_watd(&the_daemon, &out, "--state-dir", in_dir("state"), "--restore", in_dir("backup"),
		  NULL);
	if (out.code != code || !(strstr(out.out, says) || strstr(out.err, says)))
		fail_msg("expected %d and \"%s\", got %d: %s%s", code, says, out.code, out.out,
			 out.err);
}

/* Files of the directory whose names begin so. */
static size_t count(const char *place, const char *prefix)
{
	const struct dirent *entry;
	size_t n = 0;
	DIR *dir = opendir(in_dir(place));

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return n;
}

static int64_t ask(const char *file, const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	int64_t n;

	assert_int_equal(sqlite3_open_v2(in_dir(file), &db, SQLITE_OPEN_READWRITE, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

static void execute(const char *file, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in_dir(file), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What was acknowledged before it is in it, of every durability, without anything being stopped;
 * the file is its owner's alone, and nothing else is left. */
static void test_backup(void **state)
{
	struct stat st;

	(void)state;
	spawn("c1", "crash");
	spawn("c2", "none");
	add("c1", "n=5");
	add("c2", "n=6");
	backup();
	add("c1", "n=1");
	assert_value("c1", "me", "\"6\"");
	assert_int_equal(stat(in_dir("backup"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count(".", "backup."), 0);
	assert_int_equal(count("state", "backup.tmp"), 0);
	WATCTL("-j", "events");
	assert_prints("\"kind\":\"backup\"");
	/* sint64 value = 1: 5 and 6. */
	assert_int_equal(ask("backup",
			     "SELECT count(*) FROM snapshots WHERE seq IN (SELECT max(seq) "
			     "FROM snapshots GROUP BY name) AND state IN (x'080a', "
			     "x'080c')"),
			 2);
	assert_int_equal(ask("backup", "SELECT quick_check = 'ok' FROM pragma_quick_check"), 1);
}

/* A backup to where nothing can be written fails before watd is asked; what was there stays. */
static void test_backup_fails(void **state)
{
	char bytes[16] = "";
	int fd;

	(void)state;
	WATCTL("backup", in_dir("none/backup"));
	assert_ends(78, "no backup in");
	assert_int_equal(mkdir(in_dir("backup"), 0700), 0);
	WATCTL("backup", in_dir("backup"));
	assert_ends(78, "no backup in");
	assert_int_equal(count(".", "backup."), 0);
	assert_int_equal(rmdir(in_dir("backup")), 0);
	fd = open(in_dir("backup"), O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "before", 6), 6);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	WATCTL("backup", in_dir("backup"));
	assert_ends(69, "");
	assert_int_equal(pread(fd, bytes, sizeof bytes, 0), 6);
	close(fd);
	assert_int_equal(count(".", "backup."), 0);
}

/* Everything is as it was then. No token of before is good, neither of one that was revoked since
 * nor of one that was not; the journal of what came later is kept, and not applied. */
static void test_restore(void **state)
{
	(void)state;
	spawn("c1", "crash");
	WATCTL("provision", "c1", "bob");
	add("c1", "n=5");
	backup();
	add("c1", "n=4");
	WATCTL("deprovision", "c1", "bob");
	assert_int_equal(out.code, 0);
	spawn("later", "crash");
	restore(75, "a watd runs");
	test_daemon_kill(&the_daemon);
	restore(0, "restored");
	assert_prints("1 instances");
	assert_prints("watctl admin NAME");
	assert_true(count("state/journal/aside", "") > 2);
	assert_int_equal(count("state", "watd.db.before-restore-"), 1);
	assert_int_equal(count("state", "restoring"), 0);
	test_daemon_start(&the_daemon);
	WATCTL("-j", "show", "c1");
	assert_prints("\"state\":\"ready\"");
	WATCTL("show", "later");
	assert_ends(1, "NOT_FOUND");
	WATCTL("call", "c1", "Get", "--as", "me");
	assert_int_equal(out.code, 77);
	WATCTL("provision", "c1", "carol");
	assert_int_equal(out.code, 77);
	WATCTL("admin", "c1");
	assert_int_equal(out.code, 0);
	WATCTL("provision", "c1", "carol");
	assert_int_equal(out.code, 0);
	assert_value("c1", "carol", "\"5\"");
	WATCTL("-j", "events");
	assert_prints("\"kind\":\"restore\"");
	/* It is a watd like any other: what is acknowledged now survives. */
	WATCTL("call", "c1", "Increment", "n=2", "--as", "carol");
	test_daemon_kill(&the_daemon);
	test_daemon_start(&the_daemon);
	assert_value("c1", "carol", "\"7\"");
}

/* A second restore of the same file ends the tokens that were made after the first one. */
static void test_restore_twice(void **state)
{
	(void)state;
	spawn("c1", "crash");
	backup();
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(test_daemon_terminate(&the_daemon), 0);
		restore(0, "restored");
		test_daemon_start(&the_daemon);
		WATCTL("call", "c1", "Get", "--as", i == 0 ? "me" : "you");
		assert_int_equal(out.code, 77);
		WATCTL("admin", "c1");
		assert_int_equal(out.code, 0);
		WATCTL("provision", "c1", "you");
		assert_int_equal(out.code, 0);
		assert_value("c1", "you", "\"0\"");
	}
}

static void spoil(const char *file, off_t at)
{
	static const char garbage[4096] = "this is no page of a database";
	int fd = open(in_dir(file), O_RDWR);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	for (; at < st.st_size; at += (off_t)sizeof garbage)
		assert_int_equal(pwrite(fd, garbage, sizeof garbage, at), sizeof garbage);
	close(fd);
}

/* What is no backup, of a newer watd or damaged is refused, and nothing has changed. */
static void test_restore_refused(void **state)
{
	int fd;

	(void)state;
	spawn("c1", "crash");
	add("c1", "n=5");
	backup();
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	execute("backup", "PRAGMA user_version = 999");
	restore(65, "a newer watd made this backup");
	execute("backup", "PRAGMA application_id = 1");
	restore(65, "this is no backup of watd");
	spoil("backup", 4096);
	restore(65, "");
	fd = open(in_dir("backup"), O_RDWR | O_TRUNC);
	close(fd);
	restore(65, "this is no backup of watd");
	unlink(in_dir("backup"));
	restore(1, "No such file");
	assert_int_equal(count("state", "restoring"), 0);
	assert_int_equal(count("state", "watd.db.before"), 0);
	assert_int_equal(count("state", "watd.db.restoring"), 0);
	test_daemon_start(&the_daemon);
	assert_value("c1", "me", "\"5\"");
}

/* A restore that was cut short is no state to start from: watd says so, and doing it again is the
 * way out. */
static void test_restore_half(void **state)
{
	static const char *const none[] = {NULL};
	int fd;

	(void)state;
	spawn("c1", "crash");
	add("c1", "n=5");
	backup();
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	fd = open(in_dir("state/restoring"), O_WRONLY | O_CREAT, 0600);
	close(fd);
	test_daemon_spawn(&the_daemon, none);
	assert_int_equal(test_daemon_wait(&the_daemon), 1);
	assert_true(test_daemon_logged(&the_daemon, "a restore was not finished"));
	assert_int_equal(rename(in_dir("state/watd.db"), in_dir("state/moved")), 0);
	restore(0, "restored");
	test_daemon_start(&the_daemon);
	WATCTL("-j", "show", "c1");
	assert_prints("\"state\":\"ready\"");
}

/* A damaged database is kept under another name, with the journals that only it knows; who looks
 * sees it; and a backup is the way back. */
static void test_damaged(void **state)
{
	static const char *const none[] = {NULL};
	char text[1024];

	(void)state;
	spawn("c1", "crash");
	add("c1", "n=5");
	backup();
	add("c1", "n=1");
	test_daemon_kill(&the_daemon);
	/* Folds the log in, so that the damage is read. */
	(void)ask("state/watd.db", "SELECT count(*) FROM node");
	spoil("state/watd.db", 4096);
	test_daemon_forget_told(&the_daemon);
	test_daemon_spawn(&the_daemon, none);
	assert_true(test_daemon_told(&the_daemon, "is damaged; it is kept as", text, sizeof text));
	assert_non_null(strstr(text, "STATUS="));
	assert_int_equal(count("state", "watd.db.corrupt-"), 1);
	assert_true(count("state/journal/aside", "") > 2);
	WATCTL("status");
	assert_prints("watd.db is damaged; it is kept as");
	assert_prints("watd --restore FILE");
	WATCTL("-j", "events");
	assert_prints("\"kind\":\"database-damaged\"");
	WATCTL("ls");
	assert_null(strstr(out.out, "c1"));
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	restore(0, "restored");
	test_daemon_start(&the_daemon);
	WATCTL("status");
	assert_null(strstr(out.out, "is damaged"));
	WATCTL("admin", "c1");
	WATCTL("provision", "c1", "you");
	assert_value("c1", "you", "\"5\"");
}

/* Moved: stopped and exported here, imported there, with the same state; here it answers no more.
 * row 64 */
static void test_move(void **state)
{
	static struct test_daemon there;
	struct test_output said;

	(void)state;
	test_daemon_init(&there, NULL);
	test_daemon_start(&there);
	WATCTL("spawn", "counter", "c1", "--tier", "thread", "--durability", "sync", "value=40");
	WATCTL("provision", "c1", "me");
	add("c1", "n=2");
	WATCTL("stop", "c1");
	WATCTL("export", "c1", in_dir("c1.wat"));
	assert_prints("exported snapshot");
	test_watctl(&there, &said, "import", in_dir("c1.wat"), NULL);
	assert_int_equal(said.code, 0);
	test_watctl(&there, &said, "provision", "c1", "you", NULL);
	test_watctl(&there, &said, "call", "c1", "Get", NULL);
	assert_string_equal(said.out, "{\"value\":\"42\"}\n");
	test_watctl(&there, &said, "-j", "show", "c1", NULL);
	assert_non_null(strstr(said.out, "\"tier\":\"thread\""));
	assert_non_null(strstr(said.out, "\"durability\":\"sync\""));
	test_watctl(&there, &said, "-j", "events", "c1", NULL);
	assert_non_null(strstr(said.out, "\"kind\":\"import\""));
	assert_non_null(strstr(said.out, " of c1 of the node "));
	WATCTL("call", "c1", "Get", "--as", "me");
	assert_ends(1, "STOPPED");
	WATCTL("-j", "events", "c1");
	assert_prints("\"kind\":\"export\"");
	test_daemon_deinit(&there);
}

/* One that runs is exported as it is, and serves on; the file is refused when a bit of it is not
 * what it was, and when the name is taken. */
static void test_export(void **state)
{
	struct stat st;
	char byte;
	int fd;

	(void)state;
	spawn("c1", "none");
	add("c1", "n=5");
	WATCTL("export", "c1", in_dir("c1.wat"));
	assert_int_equal(out.code, 0);
	add("c1", "n=1");
	WATCTL("import", in_dir("c1.wat"));
	assert_ends(1, "ALREADY_EXISTS");
	WATCTL("import", in_dir("c1.wat"), "c2");
	assert_prints("imported c2, a counter.Counter");
	WATCTL("provision", "c2", "me");
	assert_value("c2", "me", "\"5\"");
	assert_value("c1", "me", "\"6\"");
	WATCTL("export", "nobody", in_dir("x"));
	assert_ends(1, "NOT_FOUND");
	WATCTL("export", "c1", in_dir("x"), "--from", "999");
	assert_ends(1, "NOT_FOUND");
	assert_int_equal(count(".", "x"), 0);
	fd = open(in_dir("c1.wat"), O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	for (off_t at = 0; at < st.st_size; at += 7) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 4;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		WATCTL("import", in_dir("c1.wat"), "c3");
		assert_int_equal(out.code, 1);
		byte ^= 4;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
	WATCTL("show", "c3");
	assert_ends(1, "NOT_FOUND");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, ctl_start, ctl_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_backup),          CASE(test_backup_fails),
		CASE(test_restore),         CASE(test_restore_twice),
		CASE(test_restore_refused), CASE(test_restore_half),
		CASE(test_damaged),         CASE(test_move),
		CASE(test_export),
	};

	return test_run_cases(tests, NULL, NULL);
}
