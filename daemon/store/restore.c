/* restore.c - a backup becomes the database. Main thread; nothing else of watd runs.
 * Copy -> check, bring up to date, see what the database of before has used -> that one aside ->
 * rename. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/store/private.h"
#include "daemon/store/schema.h"
#include "proto/support/cleanup.h"

static void db_closep(void *p)
{
	(void)sqlite3_close(*(sqlite3 **)p);
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static int copy_bytes(int from, int to)
{
	char buffer[65536];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(from, buffer, sizeof buffer)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : write_all(to, buffer, (size_t)n);
	}
	return r < 0 ? r : fsync(to) < 0 ? -errno : 0;
}

/* Who runs this may be root: what it makes is whose the directory is. */
static int own(int fd, const char *state_dir)
{
	struct stat st;

	if (stat(state_dir, &st) < 0)
		return -errno;
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	return fchown(fd, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

static int copy_file(const char *state_dir, const char *file, const char *path)
{
	_cleanup_(fd_closep) int from = open(file, O_RDONLY | O_CLOEXEC);
	_cleanup_(fd_closep) int to = -1;
	int r;

	if (from < 0)
		return -errno;
	(void)unlink(path);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return -errno;
	r = own(to, state_dir);
	return r == 0 ? copy_bytes(from, to) : r;
}

/* Is it a database of watd at all? A backup that is empty is none: it would be made one. */
static int check_file(const char *path)
{
	_cleanup_(db_closep) sqlite3 *db = NULL;
	int64_t application = 0;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return store_fail(db, path);
	if (store_read_int(db, "PRAGMA application_id", &application) < 0)
		return -ENODATA;
	return application == STORE_APPLICATION_ID ? 0 : -ENODATA;
}

static int open_db(const char *path, sqlite3 **ret)
{
	_cleanup_(db_closep) sqlite3 *db = NULL;
	int r;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return store_fail(db, path);
	r = store_set_up(db);
	if (r == 0)
		*ret = TAKE(db);
	return r;
}

/* The database of before, of the same version and without a log; an error: it can't be asked. */
static int fold(const char *path)
{
	sqlite3 *db;
	int r = open_db(path, &db);

	if (r < 0)
		return r;
	return sqlite3_close(db) == SQLITE_OK ? 0 : -EIO;
}

/* What it has used, to go on from there. */
static int take_numbers(sqlite3 *db, const char *before)
{
	static const char sql[] =
		"UPDATE instances SET epoch = max(epoch, coalesce((SELECT o.epoch FROM "
		"old.instances o WHERE o.id = instances.id), 0)), generation = max(generation, "
		"coalesce((SELECT o.generation FROM old.instances o WHERE o.id = instances.id), "
		"0));"
		"UPDATE node SET last_time = max(last_time, (SELECT last_time FROM old.node)), "
		"starts = max(starts, (SELECT starts FROM old.node));"
		"UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT o.seq FROM "
		"old.sqlite_sequence o WHERE o.name = sqlite_sequence.name), 0));"
		"INSERT INTO sqlite_sequence(name, seq) SELECT name, seq FROM old.sqlite_sequence "
		"WHERE name NOT IN (SELECT name FROM sqlite_sequence);"
		"INSERT OR REPLACE INTO hosts SELECT * FROM old.hosts;"
		"INSERT OR IGNORE INTO ended SELECT id FROM old.ended WHERE id NOT IN (SELECT id "
		"FROM instances) UNION SELECT id FROM old.instances WHERE id NOT IN (SELECT id "
		"FROM "
		"instances)";
	sqlite3_stmt *attach;
	int r = 0;

	if (sqlite3_prepare_v2(db, "ATTACH ? AS old", -1, &attach, NULL) != SQLITE_OK)
		return store_fail(db, "attach");
	if (sqlite3_bind_text(attach, 1, before, -1, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_step(attach) != SQLITE_DONE)
		r = store_fail(db, "attach");
	(void)sqlite3_finalize(attach);
	if (r == 0)
		r = store_execute(db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = store_execute(db, sql);
	if (r == 0)
		r = store_execute(db, "COMMIT");
	return r == 0 ? store_execute(db, "DETACH old") : r;
}

/* The time is in the epoch: it is higher than any of before, also of one that nobody can ask. */
static int end_tokens(sqlite3 *db)
{
	char sql[320];

	(void)snprintf(sql, sizeof sql,
		       "BEGIN IMMEDIATE;"
		       "UPDATE instances SET epoch = max(epoch, %" PRIu64 ") + 1;"
		       "UPDATE node SET starts = starts + 1; DELETE FROM answers; COMMIT",
		       clock_unix_s());
	return store_execute(db, sql);
}

static int count_damaged(sqlite3 *db, struct store_restored *ret)
{
	sqlite3_stmt *statement;
	int result;

	if (sqlite3_prepare_v2(db,
			       "SELECT " STORE_SNAPSHOT_COLUMNS " FROM snapshots WHERE seq IN "
			       "(SELECT max(seq) FROM snapshots GROUP BY instance_id)",
			       -1, &statement, NULL) != SQLITE_OK)
		return store_fail(db, "snapshots");
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_row row = {.statement = statement};
		struct store_snapshot snapshot = {0};
		bool intact = false;

		if (store_snapshot_of_row(&row, &snapshot, &intact) < 0 || !intact)
			ret->n_damaged++;
		else if (snapshot.at_ms > ret->at_ms)
			ret->at_ms = snapshot.at_ms;
	}
	(void)sqlite3_finalize(statement);
	return result == SQLITE_DONE ? 0 : -EBADMSG;
}

/* The copy as it will be, in one file. */
static int prepare(const char *path, const char *before, struct store_restored *ret)
{
	_cleanup_(db_closep) sqlite3 *db = NULL;
	int64_t n = 0;
	int r = check_file(path), folded;

	if (r < 0)
		return r;
	folded = access(before, F_OK) == 0 ? fold(before) : -ENOENT;
	ret->unreadable = folded < 0 && folded != -ENOENT;
	r = open_db(path, &db);
	if (r == 0 && folded == 0)
		r = take_numbers(db, before);
	if (r == 0)
		r = end_tokens(db);
	if (r == 0)
		r = count_damaged(db, ret);
	if (r == 0)
		r = store_read_int(db, "SELECT count(*) FROM instances", &n);
	ret->n_instances = (unsigned)n;
	/* Closing folds the log into it. */
	if (r == 0 && sqlite3_close(TAKE(db)) != SQLITE_OK)
		r = -EIO;
	return r;
}

static int sync_path(const char *path)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int store_restore(const char *state_dir, const char *file, struct store_restored *ret)
{
	char path[PATH_MAX - 64], copy[PATH_MAX - 32];
	int r;

	*ret = (struct store_restored){.n_instances = 0};
	if (snprintf(path, sizeof path, "%s/watd.db", state_dir) >= (int)sizeof path)
		return -ENAMETOOLONG;
	(void)snprintf(copy, sizeof copy, "%s.restoring", path);
	r = copy_file(state_dir, file, copy);
	if (r == 0)
		r = prepare(copy, path, ret);
	if (r == 0)
		r = sync_path(copy);
	if (r == 0 && access(path, F_OK) == 0)
		r = store_set_aside(path, "before-restore", ret->aside, sizeof ret->aside);
	if (r == 0 && rename(copy, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(copy);
	return r == 0 ? sync_path(state_dir) : r;
}
