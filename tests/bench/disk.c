/* disk.c - what a commit costs on the disk: fdatasync after an append, and SQLite. One after the
 * other, whatever the load: neither takes more at a time. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/contestants.h"

/* About what the journal takes for one Increment. */
#define APPEND_SIZE 160u

struct disk {
	int fd;
	off_t at;
	sqlite3 *db;
	sqlite3_stmt *statement;
};

static void run_fdatasync(struct contestant *contestant,
			  enum load load,
			  double seconds,
			  struct run *ret)
{
	static const char bytes[APPEND_SIZE];
	struct disk *disk = contestant->client;
	double start = now_s();

	(void)load;
	for (; now_s() < start + seconds || ret->n_calls == 0; ret->n_calls++) {
		if (pwrite(disk->fd, bytes, sizeof bytes, disk->at) != (ssize_t)sizeof bytes ||
		    fdatasync(disk->fd) < 0)
			fatal("the disk: %s", strerror(errno));
		disk->at += (off_t)sizeof bytes;
	}
	ret->wall_s = now_s() - start;
}

static void run_sqlite(struct contestant *contestant,
		       enum load load,
		       double seconds,
		       struct run *ret)
{
	struct disk *disk = contestant->client;
	double start = now_s();

	(void)load;
	for (; now_s() < start + seconds || ret->n_calls == 0; ret->n_calls++)
		if (sqlite3_step(disk->statement) != SQLITE_DONE ||
		    sqlite3_reset(disk->statement) != SQLITE_OK)
			fatal("SQLite: %s", sqlite3_errmsg(disk->db));
	ret->wall_s = now_s() - start;
}

static struct disk *disk_new(void)
{
	struct disk *disk = calloc(1, sizeof *disk);

	if (!disk)
		fatal("no memory");
	return disk;
}

void fdatasync_start(struct contestant *ret, const char *dir)
{
	struct disk *disk = disk_new();
	char path[128];

	(void)snprintf(path, sizeof path, "%s/fdatasync", dir);
	disk->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (disk->fd < 0)
		fatal("%s: %s", path, strerror(errno));
	*ret = (struct contestant){.name = "fdatasync", .run = run_fdatasync, .client = disk};
}

void sqlite_start(struct contestant *ret, const char *dir)
{
	static const char begin[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				    "CREATE TABLE counter (value INTEGER);"
				    "INSERT INTO counter VALUES (0);";
	static const char increment[] = "UPDATE counter SET value = value + 1";
	struct disk *disk = disk_new();
	char path[128];

	(void)snprintf(path, sizeof path, "%s/sqlite.db", dir);
	if (sqlite3_open(path, &disk->db) != SQLITE_OK ||
	    sqlite3_exec(disk->db, begin, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(disk->db, increment, -1, &disk->statement, NULL) != SQLITE_OK)
		fatal("%s: %s", path, sqlite3_errmsg(disk->db));
	*ret = (struct contestant){.name = "SQLite, FULL", .run = run_sqlite, .client = disk};
}
