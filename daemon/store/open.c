/* open.c - opening, checking and making the database. Main thread. */
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/store/private.h"
#include "daemon/store/schema.h"
#include "proto/support/cleanup.h"

int store_execute(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(db, sql);
}

int store_read_int(sqlite3 *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *statement;
	int r = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return store_fail(db, sql);
	if (sqlite3_step(statement) == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	else
		r = store_fail(db, sql);
	(void)sqlite3_finalize(statement);
	return r;
}

static int check_intact(sqlite3 *db)
{
	sqlite3_stmt *statement;
	int r = -EBADMSG;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
		return store_fail(db, "quick_check");
	if (sqlite3_step(statement) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0)
		r = 0;
	(void)sqlite3_finalize(statement);
	return r;
}

static int make_tables(sqlite3 *db)
{
	char sql[256], hex[33];
	uint8_t id[16];
	int r;

	randombytes_buf(id, sizeof id);
	sodium_bin2hex(hex, sizeof hex, id, sizeof id);
	(void)snprintf(sql, sizeof sql,
		       "INSERT INTO node(one, id, last_time) VALUES(1, x'%s', 0); PRAGMA "
		       "application_id = %d; PRAGMA user_version = %d; COMMIT",
		       hex, STORE_APPLICATION_ID, STORE_VERSION);
	r = store_execute(db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = store_execute(db, store_schema);
	return r < 0 ? r : store_execute(db, sql);
}

/* All steps in one transaction: a database is of one version or of another. */
static int migrate(sqlite3 *db, int64_t version)
{
	char sql[64];
	int r = store_execute(db, "BEGIN IMMEDIATE");

	for (int64_t v = version; r == 0 && v < STORE_VERSION; v++)
		r = store_execute(db, store_migrations[v - 1]);
	(void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d; COMMIT", STORE_VERSION);
	if (r == 0)
		r = store_execute(db, sql);
	if (r < 0)
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int check_version(sqlite3 *db)
{
	int64_t version = 0, application = 0;
	char found[24], expected[24];
	int r = store_read_int(db, "PRAGMA user_version", &version);

	if (r == 0)
		r = store_read_int(db, "PRAGMA application_id", &application);
	if (r < 0)
		return r;
	if (version == 0 && application == 0)
		return make_tables(db);
	if (application == STORE_APPLICATION_ID && version >= 1 && version <= STORE_VERSION)
		return migrate(db, version);
	(void)snprintf(found, sizeof found, "%lld", (long long)version);
	(void)snprintf(expected, sizeof expected, "%d", STORE_VERSION);
	log_error(application == STORE_APPLICATION_ID ? "the database was made by a newer watd"
						      : "the database is another program's",
		  "version", found, "expected", expected);
	return -EPROTO;
}

/* EXCLUSIVE comes before WAL, so that the index of the log is in memory and not in a mapped file: a
 * full disk is then an error and not a SIGBUS. */
int store_set_up(sqlite3 *db)
{
	int r;

	if ((r = store_execute(db, "PRAGMA locking_mode = EXCLUSIVE")) < 0 ||
	    (r = store_execute(db, "PRAGMA journal_mode = WAL")) < 0 ||
	    (r = store_execute(db,
			       "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA "
			       "foreign_keys = ON")) < 0 ||
	    (r = check_intact(db)) < 0)
		return r;
	return check_version(db);
}

/* The numbers of snapshots are never used again. */
static int read_last_snapshot(struct store *store)
{
	int64_t last = 0;
	int r = store_read_int(store->db,
			       "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = "
			       "'snapshots'), 0)",
			       &last);

	store->last_snapshot = (uint64_t)last;
	return r;
}

/* Counts this start, too. */
static int read_node(struct store *store)
{
	sqlite3_stmt *statement;
	int r = store_execute(store->db, "UPDATE node SET starts = starts + 1");

	if (r < 0)
		return r;
	r = -EBADMSG;
	if (sqlite3_prepare_v2(store->db, "SELECT id, last_time, starts FROM node", -1, &statement,
			       NULL) != SQLITE_OK)
		return store_fail(store->db, "node");
	if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == 16) {
		memcpy(store->node_id, sqlite3_column_blob(statement, 0), 16);
		store->last_time = (uint64_t)sqlite3_column_int64(statement, 1);
		store->starts = (uint64_t)sqlite3_column_int64(statement, 2);
		r = 0;
	}
	(void)sqlite3_finalize(statement);
	return r;
}

static int open_path(struct store *store, const char *path)
{
	int r;

	if (sqlite3_open_v2(path, &store->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		r = store_fail(store->db, path);
	else
		r = store_set_up(store->db);
	if (r == 0)
		r = read_node(store);
	if (r == 0)
		r = read_last_snapshot(store);
	if (r < 0) {
		(void)sqlite3_close(store->db);
		store->db = NULL;
	}
	return r;
}

/* Another one that is there stays. */
static int name_aside(const char *path, const char *why, char *ret, size_t size)
{
	unsigned long long now = clock_unix_s();

	do {
		if (snprintf(ret, size, "%s.%s-%llu", path, why, now++) >= (int)size)
			return -ENAMETOOLONG;
	} while (access(ret, F_OK) == 0);
	return 0;
}

int store_set_aside(const char *path, const char *why, char *ret_aside, size_t size)
{
	/* The log first: without it the database is only older, with another's it is broken. */
	static const char *const suffixes[] = {"-wal", "-shm", "-journal", ""};
	char from[PATH_MAX], to[PATH_MAX];
	int r = name_aside(path, why, ret_aside, size);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		if (snprintf(from, sizeof from, "%s%s", path, suffixes[i]) >= (int)sizeof from ||
		    snprintf(to, sizeof to, "%s%s", ret_aside, suffixes[i]) >= (int)sizeof to)
			return -ENAMETOOLONG;
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int set_damaged_aside(const char *path, char **ret_note)
{
	char aside[PATH_MAX];
	int r = store_set_aside(path, "corrupt", aside, sizeof aside);

	if (r < 0)
		return r;
	if (asprintf(ret_note, "%s is damaged; it is kept as %s, and a new one was made", path,
		     aside) < 0) {
		*ret_note = NULL;
		return -ENOMEM;
	}
	return 0;
}

int store_open(const char *state_dir, struct store **ret, char **ret_note)
{
	struct store *store = calloc(1, sizeof *store);
	char path[PATH_MAX - 64];
	int r;

	*ret_note = NULL;
	if (!store)
		return -ENOMEM;
	list_init(&store->submitted);
	list_init(&store->finished);
	(void)pthread_mutex_init(&store->lock, NULL);
	(void)pthread_cond_init(&store->work, NULL);
	store->bounds = (struct store_event_bounds)STORE_EVENT_BOUNDS_INIT;
	store->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = store->event_fd < 0 ? -errno : 0;
	if (r == 0 && snprintf(path, sizeof path, "%s/watd.db", state_dir) >= (int)sizeof path)
		r = -ENAMETOOLONG;
	if (r == 0)
		r = open_path(store, path);
	if (r == -EBADMSG) {
		r = set_damaged_aside(path, ret_note);
		if (r == 0)
			r = open_path(store, path);
	}
	if (r == 0)
		r = store_prepare(store);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

const uint8_t *store_node_id(const struct store *store)
{
	return store->node_id;
}

uint64_t store_last_time(const struct store *store)
{
	return store->last_time;
}

uint64_t store_starts(const struct store *store)
{
	return store->starts;
}
