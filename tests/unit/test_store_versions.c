/* test_store_versions.c - a database of any older watd is brought up to date with what is in it.
 * row 57 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include <sqlite3.h>

#include "daemon/store/schema.h"
#include "daemon/store/store.h"
#include "tests/lib/cases.h"
#include "tests/unit/store_versions.h"

#define N_VERSIONS (sizeof store_versions / sizeof *store_versions)

struct world {
	char dir[32];
	struct store *store;
	unsigned n_instances, n_grants, n_snapshots, n_bad, n_ended, n_answers, n_hosts;
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	test_make_dir(w->dir, sizeof w->dir);
	*state = w;
	return sodium_init() < 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	nftw(w->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

static int on_instance(void *arg, const struct store_instance *row)
{
	((struct world *)arg)->n_instances++;
	assert_string_equal(row->name, "c1");
	assert_string_equal(row->service, "counter.Counter");
	assert_int_equal(row->state, STORE_RUNNING);
	assert_int_equal(row->generation, 3);
	assert_int_equal(row->durability, 2 - 1);
	assert_int_equal(row->restart, 2);
	assert_string_equal(row->isolated, "");
	assert_string_equal(row->owner, "");
	return 0;
}

static int on_grant(void *arg, const struct store_grant *row)
{
	((struct world *)arg)->n_grants++;
	assert_string_equal(row->user, "me");
	assert_int_equal(row->method_mask, 7);
	assert_false(row->session);
	assert_int_equal(row->configured, STORE_NOT_CONFIGURED);
	assert_false(row->has_holder || row->has_before || row->has_kid || row->warned);
	assert_int_equal(row->rate + row->in_flight + row->last_used, 0);
	assert_int_equal(row->process.pid, 0);
	return 0;
}

static int on_snapshot(void *arg, const struct store_snapshot *row)
{
	((struct world *)arg)->n_snapshots++;
	assert_int_equal(row->seq, 5);
	assert_int_equal(row->state_len, 3);
	assert_memory_equal(row->state, "new", 3);
	assert_int_equal(row->lanes_len, 0);
	assert_int_equal(row->last_seq, 0);
	assert_false(row->has_interface);
	return 0;
}

static int on_bad(void *arg, const struct store_snapshot *row, uint64_t earlier)
{
	(void)row;
	(void)earlier;
	((struct world *)arg)->n_bad++;
	return 0;
}

static int on_ended(void *arg, const uint8_t id[16])
{
	(void)id;
	((struct world *)arg)->n_ended++;
	return 0;
}

static int on_answer(void *arg, const struct store_answer *row)
{
	((struct world *)arg)->n_answers++;
	assert_memory_equal(row->reply, "reply", 5);
	return 0;
}

static int on_host(void *arg, const struct store_host *row)
{
	(void)row;
	((struct world *)arg)->n_hosts++;
	return 0;
}

/* None of them was kept before. */
static int on_death(void *arg, const uint8_t id[16], const uint8_t *failure, size_t n)
{
	(void)arg;
	(void)id;
	(void)failure;
	(void)n;
	fail_msg("a death that nobody died");
	return 0;
}

static int on_issuer(void *arg, const struct store_issuer *row)
{
	(void)arg;
	(void)row;
	fail_msg("a key that was never noted");
	return 0;
}

static sqlite3 *open_db(const char *dir)
{
	char path[64];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/watd.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void execute(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
}

/* With the hash of the bytes as that watd wrote it. */
static void insert_with_digest(sqlite3 *db, const char *format, const char *bytes)
{
	uint8_t hash[32];
	char hex[65], sql[512];

	crypto_generichash(hash, sizeof hash, (const uint8_t *)bytes, strlen(bytes), NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	snprintf(sql, sizeof sql, format, hex);
	execute(db, sql);
}

/* What every version had. */
static void fill(sqlite3 *db, size_t version)
{
	char sql[96];

	execute(db, store_versions[version - 1]);
	snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %zu",
		 STORE_APPLICATION_ID, version);
	execute(db, sql);
	execute(db,
		"INSERT INTO node(one, id, last_time) VALUES(1, "
		"x'000102030405060708090a0b0c0d0e0f', "
		"77);"
		"INSERT INTO instances(name, id, service, plugin, interface_hash, tier, state, "
		"epoch, generation, deaths, created_ms) VALUES('c1', "
		"x'01000000000000000000000000000000', 'counter.Counter', 'x.so', 5, 2, 1, 1, 3, "
		"0, 9);"
		"INSERT INTO grants(id, instance_id, role, state, user, th0, method_mask, "
		"not_before, not_after, created) VALUES(x'02000000000000000000000000000000', "
		"x'01000000000000000000000000000000', 2, 2, 'me', zeroblob(32), 7, 1, 2, 1);"
		"INSERT INTO ended(id) VALUES(x'03000000000000000000000000000000');"
		"INSERT INTO events(at_ms, kind, name, instance_id, detail) VALUES"
		"(unixepoch() * 1000, 'spawn', 'c1', zeroblob(16), 'counter.Counter')");
	for (unsigned seq = 4; seq <= 5; seq++) {
		char format[512];

		snprintf(format, sizeof format,
			 "INSERT INTO snapshots(seq, name, instance_id, service, generation, kind, "
			 "schema, digest, state, at_ms) VALUES(%u, 'c1', "
			 "x'01000000000000000000000000000000', 'counter.Counter', 3, 2, "
			 "zeroblob(32), "
			 "x'%%s', x'%s', 5)",
			 seq, seq == 5 ? "6e6577" : "6f6c64");
		insert_with_digest(db, format, seq == 5 ? "new" : "old");
	}
	insert_with_digest(db,
			   "INSERT INTO answers(request_id, owner, method, reply, digest, at_ms) "
			   "VALUES(zeroblob(16), zeroblob(16), 6, x'7265706c79', x'%s', 1)",
			   "reply");
}

static void load(struct world *w)
{
	static const struct store_visitor visitor = {on_instance, on_grant, on_snapshot,
						     on_bad,      on_ended, on_answer,
						     on_host,     on_death, on_issuer};
	char *note;

	assert_int_equal(store_open(w->dir, &w->store, &note), 0);
	assert_null(note);
	w->n_instances = w->n_grants = w->n_snapshots = w->n_bad = w->n_ended = w->n_answers = 0;
	assert_int_equal(store_load(w->store, &visitor, w), 0);
	assert_int_equal(w->n_instances, 1);
	assert_int_equal(w->n_grants, 1);
	assert_int_equal(w->n_snapshots, 1);
	assert_int_equal(w->n_bad, 0);
	assert_int_equal(w->n_ended, 1);
	assert_int_equal(w->n_answers, 1);
	assert_int_equal(store_last_time(w->store), 77);
}

/* Every table with its columns, whatever their order, and every index. */
static void describe(const char *dir, char *ret, size_t size)
{
	static const char sql[] =
		"SELECT group_concat(line, char(10)) FROM (SELECT m.name || '.' || c.name || ' ' "
		"|| "
		"c.type || ' ' || c.\"notnull\" || ' ' || coalesce(c.dflt_value, '') || ' ' || "
		"c.pk AS "
		"line FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' "
		"UNION "
		"ALL SELECT name || ' ON ' || tbl_name || ' ' || (SELECT group_concat(name) FROM "
		"pragma_index_info(m.name)) FROM sqlite_master m WHERE type = 'index' AND sql NOT "
		"NULL "
		"ORDER BY 1)";
	sqlite3 *db = open_db(dir);
	sqlite3_stmt *statement;
	const char *text;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	text = (const char *)sqlite3_column_text(statement, 0);
	assert_true(strlen(text) < size);
	strcpy(ret, text);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static int64_t count(const char *dir, const char *sql)
{
	sqlite3 *db = open_db(dir);
	sqlite3_stmt *statement;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

static void begin_again(struct world *w)
{
	char path[64];

	w->store = store_close(w->store);
	snprintf(path, sizeof path, "%s/watd.db", w->dir);
	assert_int_equal(unlink(path), 0);
}

/* A new version has a line among the old ones, so that none is forgotten here. */
static void test_all_are_here(void **state)
{
	(void)state;
	assert_int_equal(N_VERSIONS, STORE_VERSION - 1);
	assert_int_equal(sizeof store_migrations / sizeof *store_migrations, STORE_VERSION - 1);
}

/* From every older version: what was there is there, the tables are those of a new database, and
 * the second opening finds nothing to do and counts. */
static void test_each(void **state)
{
	static char fresh[16384], migrated[16384];
	struct world *w = *state;
	char *note;

	assert_int_equal(store_open(w->dir, &w->store, &note), 0);
	begin_again(w);
	assert_int_equal(store_open(w->dir, &w->store, &note), 0);
	w->store = store_close(w->store);
	describe(w->dir, fresh, sizeof fresh);
	begin_again(w);
	for (size_t version = 1; version <= N_VERSIONS; version++) {
		sqlite3 *db = open_db(w->dir);

		fill(db, version);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		for (uint64_t starts = 1; starts <= 2; starts++) {
			load(w);
			assert_int_equal(store_starts(w->store), starts);
			assert_int_equal(store_next_snapshot(w->store), 6);
			w->store = store_close(w->store);
		}
		describe(w->dir, migrated, sizeof migrated);
		assert_string_equal(migrated, fresh);
		begin_again(w);
	}
}

/* Events of the first four versions bear the names of now, and count in their class. */
static void test_event_names(void **state)
{
	struct world *w = *state;
	sqlite3 *db = open_db(w->dir);

	fill(db, 1);
	execute(db, "DELETE FROM events;"
		    "INSERT INTO events(seq, at_ms, kind, name, instance_id, detail) VALUES"
		    "(1, unixepoch() * 1000, 'provision', 'c1', zeroblob(16), 'me'),"
		    "(2, unixepoch() * 1000, 'deprovision', 'c1', zeroblob(16), 'me')");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	load(w);
	w->store = store_close(w->store);
	assert_int_equal(
		count(w->dir, "SELECT count(*) FROM events WHERE kind = 'grant' AND nth = 1"), 1);
	assert_int_equal(
		count(w->dir, "SELECT count(*) FROM events WHERE kind = 'revoke' AND nth = 2"), 1);
}

/* A migration that is refused in its middle leaves the database of before, every bit of it. */
static void test_half(void **state)
{
	struct world *w = *state;
	sqlite3 *db = open_db(w->dir);
	char *note = NULL;

	fill(db, 1);
	/* The fourth step can't add this one any more. */
	execute(db, "ALTER TABLE events ADD COLUMN nth INTEGER NOT NULL DEFAULT 0");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_true(store_open(w->dir, &w->store, &note) < 0);
	assert_null(note);
	assert_int_equal(count(w->dir, "PRAGMA user_version"), 1);
	assert_int_equal(count(w->dir, "SELECT count(*) FROM sqlite_master WHERE name = 'hosts'"),
			 0);
	assert_int_equal(count(w->dir, "SELECT count(*) FROM snapshots"), 2);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_all_are_here),
		CASE(test_each),
		CASE(test_event_names),
		CASE(test_half),
	};

	return test_run_cases(tests, NULL, NULL);
}
