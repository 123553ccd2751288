/* Snapshots: what is kept, made, gone back to, and never started. rows 50, 57, 59 */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include <sqlite3.h>

#include "tests/watctl/ctl.h"

static void spawn(const char *name)
{
	WATCTL("spawn", "counter", name);
	assert_int_equal(out.code, 0);
	WATCTL("provision", name, "me");
	assert_int_equal(out.code, 0);
}

static void add(const char *name, const char *n)
{
	WATCTL("call", name, "Increment", n);
	assert_int_equal(out.code, 0);
}

/* A number of the document; the last one's where it is a list of snapshots. */
static json_int_t number_of(const char *key)
{
	json_t *view = document();
	const json_t *list = json_object_get(view, "snapshots");
	const json_t *from = list ? json_array_get(list, json_array_size(list) - 1) : view;
	json_int_t n = json_integer_value(json_object_get(from, key));

	json_decref(view);
	return n;
}

static const char *snapshot(const char *name)
{
	static char text[4][24];
	static unsigned turn;

	WATCTL("-j", "snapshot", name);
	assert_int_equal(out.code, 0);
	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof text[turn], "%lld", (long long)number_of("seq"));
	return text[turn];
}

static const char *newest(const char *name)
{
	static char text[24];

	WATCTL("-j", "snapshots", name);
	assert_int_equal(out.code, 0);
	snprintf(text, sizeof text, "%lld", (long long)number_of("seq"));
	return text;
}

static void assert_value(const char *name, const char *value)
{
	WATCTL("call", name, "Get");
	assert_prints(value);
}

static void execute(const char *sql)
{
	char path[128], *error = NULL;
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/state/watd.db", the_daemon.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(db);
}

static size_t count_files(const char *place)
{
	char path[128];
	const struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "%s/state/journal/%s", the_daemon.dir, place);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += strlen(entry->d_name) == 49;
	closedir(dir);
	return n;
}

/* A snapshot that was asked for is listed with what it is, and an instance that was stopped begins
 * from it when somebody says so. It is a new incarnation: what was given out before is STALE. */
static void test_back(void **state)
{
	const char *seq;

	(void)state;
	spawn("c1");
	add("c1", "n=5");
	seq = snapshot("c1");
	add("c1", "n=2");
	WATCTL("snapshots", "c1");
	assert_prints("SEQ");
	assert_prints("manual");
	assert_prints("counter.Counter");
	assert_prints("ok");
	WATCTL("-j", "events", "c1");
	assert_prints("\"kind\":\"snapshot\"");
	WATCTL("stop", "c1");
	assert_prints("\"7\"");
	WATCTL("start", "c1", "--from", seq);
	assert_int_equal(out.code, 0);
	WATCTL("call", "c1", "Get");
	assert_ends(77, "STALE");
	WATCTL("provision", "c1", "you");
	WATCTL("call", "c1", "Get", "--as", "you");
	assert_prints("\"5\"");
	WATCTL("-j", "events", "c1");
	assert_prints("from snapshot");
	/* The end that was passed over is still there. */
	WATCTL("-j", "snapshots", "c1");
	assert_prints("\"kind\":\"final\"");
}

/* What can't be gone back to is said, and nothing is changed by trying. */
static void test_refused(void **state)
{
	(void)state;
	spawn("c1");
	WATCTL("start", "c1", "--from", "1");
	assert_ends(1, "FAILED_PRECONDITION");
	WATCTL("stop", "c1");
	WATCTL("start", "c1", "--from", "4711");
	assert_ends(1, "NOT_FOUND: there is no such snapshot of \"c1\" (watctl snapshots c1");
	WATCTL("start", "c1", "--from", "0");
	assert_ends(64, "--from is the number of a snapshot");
	WATCTL("start", "c1", "--from", "1x");
	assert_ends(64, "--from is the number of a snapshot");
	WATCTL("snapshot", "c1");
	assert_ends(1, "FAILED_PRECONDITION: \"c1\" is stopped");
	/* That of another name is none of it. */
	WATCTL("spawn", "counter", "c2");
	WATCTL("start", "c1", "--from", newest("c2"));
	assert_ends(1, "NOT_FOUND");
	WATCTL("start", "c1");
	assert_int_equal(out.code, 0);
}

/* A journaled instance goes on in its journal after a snapshot: what came later survives a kill. */
static void test_journal_goes_on(void **state)
{
	(void)state;
	spawn("c1");
	for (unsigned i = 0; i < 5; i++) {
		add("c1", "n=1");
		(void)snapshot("c1");
		add("c1", "n=10");
		WATCTL("kill", "c1");
		assert_int_equal(out.code, 0);
		WATCTL("wait", "c1");
		assert_int_equal(out.code, 0);
	}
	assert_value("c1", "\"55\"");
}

/* Without a journal a kill goes back to the snapshot, and no further. */
static void test_without_journal(void **state)
{
	(void)state;
	WATCTL("spawn", "counter", "c1", "--durability", "none");
	WATCTL("provision", "c1", "me");
	add("c1", "n=3");
	(void)snapshot("c1");
	WATCTL("kill", "c1");
	assert_int_equal(out.code, 0);
	assert_value("c1", "\"3\"");
}

/* As many as the configuration says are kept, and a reload is enough to say it. */
static void test_retention(void **state)
{
	json_t *view, *row;
	char path[128];
	size_t at, n = 0;
	FILE *file;

	(void)state;
	spawn("c1");
	snprintf(path, sizeof path, "%s/conf", the_daemon.dir);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/conf/watd.conf", the_daemon.dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("[watd]\nsnapshots = 3\n", file);
	fclose(file);
	test_daemon_start(&the_daemon);
	for (unsigned i = 0; i < 6; i++)
		(void)snapshot("c1");
	WATCTL("-j", "snapshots", "c1");
	view = document();
	json_array_foreach(json_object_get(view, "snapshots"), at, row)
	{
		n += strcmp(json_string_value(json_object_get(row, "kind")), "checkpoint") != 0;
	}
	assert_int_equal(n, 3);
	json_decref(view);
}

/* A state that is not what its digest is of is never started, not at the start of watd and not by
 * hand: the error names it, and what to do. The way back is a new incarnation; the journal that was
 * not read is kept aside. */
static void test_damaged(void **state)
{
	char seq[24], bad[24], sql[160], text[160];

	(void)state;
	spawn("c1");
	add("c1", "n=5");
	strcpy(seq, snapshot("c1"));
	add("c1", "n=1");
	strcpy(bad, snapshot("c1"));
	add("c1", "n=1");
	test_daemon_kill(&the_daemon);
	snprintf(sql, sizeof sql, "UPDATE snapshots SET state = x'0863' WHERE seq = %s", bad);
	execute(sql);
	test_daemon_start(&the_daemon);
	WATCTL("-j", "show", "c1");
	assert_prints("\"state\":\"failed\"");
	snprintf(text, sizeof text, "snapshot %s of c1 is damaged", bad);
	assert_prints(text);
	snprintf(text, sizeof text, "watctl start c1 --from %s", seq);
	assert_prints(text);
	assert_true(test_daemon_logged(&the_daemon, text));
	WATCTL("start", "c1");
	assert_ends(1, "DATA_LOSS");
	assert_ends(1, text);
	WATCTL("start", "c1", "--from", bad);
	assert_ends(1, "DATA_LOSS");
	assert_ends(1, text);
	WATCTL("stop", "c1");
	assert_ends(1, "DATA_LOSS");
	WATCTL("snapshots", "c1");
	assert_prints("damaged");
	WATCTL("-j", "show", "c1");
	assert_prints("\"state\":\"failed\"");
	assert_true(count_files("") > 0);
	assert_int_equal(count_files("aside"), 0);
	WATCTL("start", "c1", "--from", seq);
	assert_int_equal(out.code, 0);
	assert_true(count_files("aside") > 0);
	WATCTL("call", "c1", "Get");
	assert_ends(77, "STALE");
	WATCTL("provision", "c1", "you");
	WATCTL("call", "c1", "Get", "--as", "you");
	assert_prints("\"5\"");
	/* They stay there. */
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	test_daemon_start(&the_daemon);
	assert_true(count_files("aside") > 0);
	WATCTL("call", "c1", "Get", "--as", "you");
	assert_prints("\"5\"");
}

/* Sets the state of a snapshot to something else, with its digest. */
static void replace(const char *seq, const uint8_t *bytes, size_t n)
{
	uint8_t hash[32];
	char hex[65], body[64], sql[320];

	assert_true(sodium_init() >= 0);
	crypto_generichash(hash, sizeof hash, bytes, n, NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	sodium_bin2hex(body, sizeof body, bytes, n);
	snprintf(sql, sizeof sql,
		 "UPDATE snapshots SET state = x'%s', digest = x'%s', lanes = x'', last_seq = 0 "
		 "WHERE seq = %s",
		 body, hex, seq);
	execute(sql);
}

/* The same of one whose digest is right and that is no state of the service. */
static void test_undecodable(void **state)
{
	static const uint8_t garbage[] = {0x0f, 0xff, 0xff};
	char seq[24], bad[24], text[160];

	(void)state;
	spawn("c1");
	add("c1", "n=5");
	strcpy(seq, snapshot("c1"));
	add("c1", "n=1");
	strcpy(bad, snapshot("c1"));
	WATCTL("stop", "c1");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	replace(bad, garbage, sizeof garbage);
	test_daemon_start(&the_daemon);
	WATCTL("start", "c1", "--from", bad);
	snprintf(text, sizeof text,
		 "DATA_LOSS: snapshot %s of c1 can't be started: the state is no", bad);
	assert_ends(1, text);
	snprintf(text, sizeof text, "watctl start c1 --from %s", seq);
	assert_ends(1, text);
	/* What was there is there. */
	WATCTL("-j", "show", "c1");
	assert_prints("\"state\":\"stopped\"");
	WATCTL("start", "c1", "--from", seq);
	assert_int_equal(out.code, 0);
	WATCTL("stop", "c1");
	assert_prints("\"5\"");
}

/* One that runs when watd starts, and can't. */
static void test_undecodable_at_start(void **state)
{
	static const uint8_t garbage[] = {0x0f, 0xff, 0xff};
	char seq[24], text[160];

	(void)state;
	spawn("c1");
	add("c1", "n=5");
	strcpy(seq, snapshot("c1"));
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	/* The suspension's, too, is newer. */
	execute("DELETE FROM snapshots WHERE kind NOT IN (1, 5)");
	replace(seq, garbage, sizeof garbage);
	test_daemon_start(&the_daemon);
	WATCTL("-j", "show", "c1");
	assert_prints("\"state\":\"failed\"");
	snprintf(text, sizeof text, "snapshot %s of c1 can't be started: the state is no", seq);
	assert_prints(text);
	assert_prints("for watctl start c1 --from");
}

/* One of another interface is not taken for one of this. */
static void test_other_interface(void **state)
{
	char seq[24], sql[160];

	(void)state;
	spawn("c1");
	strcpy(seq, snapshot("c1"));
	WATCTL("stop", "c1");
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	snprintf(sql, sizeof sql, "UPDATE snapshots SET interface = zeroblob(32) WHERE seq = %s",
		 seq);
	execute(sql);
	test_daemon_start(&the_daemon);
	WATCTL("start", "c1", "--from", seq);
	assert_ends(1, "FAILED_PRECONDITION");
	assert_ends(1, "is of another interface of counter.Counter");
}

/* An instance that died too often goes back, too; a crash leaves no state of its own (row 50): the
 * list has what was good. */
static void test_after_deaths(void **state)
{
	char seq[24];

	(void)state;
	spawn("c1");
	add("c1", "n=5");
	strcpy(seq, snapshot("c1"));
	do {
		WATCTL("kill", "c1");
		WATCTL("-j", "show", "c1");
	} while (!strstr(out.out, "\"state\":\"failed\""));
	WATCTL("-j", "snapshots", "c1");
	assert_prints("\"intact\":true");
	assert_null(strstr(out.out, "\"intact\":false"));
	WATCTL("start", "c1", "--from", seq);
	assert_int_equal(out.code, 0);
	WATCTL("stop", "c1");
	assert_prints("\"5\"");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, ctl_start, ctl_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_back),
		CASE(test_refused),
		CASE(test_journal_goes_on),
		CASE(test_without_journal),
		CASE(test_retention),
		CASE(test_damaged),
		CASE(test_undecodable),
		CASE(test_undecodable_at_start),
		CASE(test_other_interface),
		CASE(test_after_deaths),
	};

	return test_run_cases(tests, NULL, NULL);
}
