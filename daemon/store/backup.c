/* backup.c - a copy of the database, some pages at a time. Store thread. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/store/private.h"
#include "proto/support/cleanup.h"

#define PAGES_OF_A_STEP 256 /* 1 MiB */

struct copying {
	struct store_read read;
	char path[PATH_MAX];
	sqlite3 *to;
	sqlite3_backup *backup;
	store_done *done;
};

static int begin(struct store *store, struct copying *copying)
{
	if (sqlite3_open_v2(copying->path, &copying->to,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return store_fail(copying->to, copying->path);
	copying->backup = sqlite3_backup_init(copying->to, "main", store->db, "main");
	return copying->backup ? 0 : store_fail(copying->to, "backup");
}

/* The copy is closed in either case. */
static int end(struct copying *copying)
{
	int result = sqlite3_backup_finish(copying->backup), closed;

	copying->backup = NULL;
	closed = sqlite3_close(copying->to);
	copying->to = NULL;
	return store_error(result != SQLITE_OK ? result : closed);
}

static int fill(struct store *store, struct store_read *read)
{
	struct copying *copying = container_of(read, struct copying, read);
	int r = copying->to ? 0 : begin(store, copying), result;

	if (r < 0)
		return r;
	result = sqlite3_backup_step(copying->backup, PAGES_OF_A_STEP);
	if (result == SQLITE_OK)
		return STORE_AGAIN;
	r = end(copying);
	return r == 0 && result != SQLITE_DONE ? store_error(result) : r;
}

static void tell(struct store_read *read, void *arg, int r)
{
	struct copying *copying = container_of(read, struct copying, read);

	copying->done(arg, r);
}

static void free_copying(struct store_read *read)
{
	struct copying *copying = container_of(read, struct copying, read);

	if (copying->backup)
		(void)sqlite3_backup_finish(copying->backup);
	(void)sqlite3_close(copying->to);
	free(copying);
}

int store_backup(struct store *store, const char *path, store_done *done, void *arg)
{
	struct copying *copying = calloc(1, sizeof *copying);

	if (!copying)
		return -ENOMEM;
	copying->read = (struct store_read){fill, tell, free_copying};
	copying->done = done;
	if (snprintf(copying->path, sizeof copying->path, "%s", path) >=
	    (int)sizeof copying->path) {
		free(copying);
		return -ENAMETOOLONG;
	}
	return store_ask(store, &copying->read, arg);
}
