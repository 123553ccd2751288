/* thread.c - the thread that has the connection: takes everything that was submitted, commits it as
 * one, reports. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/store/private.h"
#include "proto/support/cleanup.h"

#define WAL_CHECKPOINT_PAGES 1000

static void move_all(struct list *from, struct list *to)
{
	struct list *first;

	while ((first = list_first(from))) {
		list_remove(first);
		list_append(to, first);
	}
}

static int apply_steps(struct store *store, const struct store_txn *txn)
{
	int r = 0;

	list_for_each (i, &txn->steps) {
		const struct store_step *step = container_of(i, struct store_step, link);

		r = store_run(store, step->statement, step->values, step->n_values);
		if (r < 0)
			break;
	}
	return r;
}

static int apply_events(struct store *store, const struct store_txn *txn)
{
	int r = 0;

	list_for_each (i, &txn->events) {
		r = store_insert_event(store, &container_of(i, struct store_added, link)->event);
		if (r < 0)
			break;
	}
	return r;
}

/* Wholly or not at all, whatever becomes of the others in the group. */
static int apply(struct store *store, const struct store_txn *txn)
{
	int r = store_run(store, STORE_SQL_SAVEPOINT, NULL, 0);

	if (r < 0)
		return r;
	r = apply_steps(store, txn);
	if (r == 0)
		r = apply_events(store, txn);
	if (r < 0 && store_run(store, STORE_SQL_ROLLBACK_TO, NULL, 0) < 0)
		return r;
	return store_run(store, STORE_SQL_RELEASE, NULL, 0) < 0 && r == 0 ? -EIO : r;
}

static int commit(struct store *store)
{
	struct store_value now = {.type = STORE_INTEGER, .number = clock_unix_s()};
	int r = store_run(store, STORE_SQL_PUT_TIME, &now, 1);

	return r < 0 ? r : store_run(store, STORE_SQL_COMMIT, NULL, 0);
}

static void fail_all(struct list *group, int r)
{
	list_for_each (i, group) {
		struct store_txn *txn = container_of(i, struct store_txn, link);

		if (txn->result == 0)
			txn->result = r;
	}
}

/* After the commit: an answer holds nothing that is not durable. Those that are not done yet go
 * into *ret_again. */
static void answer_reads(struct store *store, struct list *group, struct list *ret_again)
{
	list_for_each_safe (i, group) {
		struct store_txn *txn = container_of(i, struct store_txn, link);

		if (!txn->read)
			continue;
		txn->result = txn->read->fill(store, txn->read);
		if (txn->result != STORE_AGAIN)
			continue;
		list_remove(i);
		list_append(ret_again, i);
	}
}

static void submit_again(struct store *store, struct list *again)
{
	(void)pthread_mutex_lock(&store->lock);
	move_all(again, &store->submitted);
	(void)pthread_mutex_unlock(&store->lock);
}

static bool writes(const struct list *group)
{
	list_for_each (i, group)
		if (!container_of(i, struct store_txn, link)->read)
			return true;
	return false;
}

static bool is_sync_failure(struct store *store)
{
	int code = sqlite3_extended_errcode(store->db);

	return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

/* Of a group whose sync failed nobody knows what is on the disk, and a watd that starts anew might
 * read it as committed. Another one over it in the log makes sure that it is not: of a row that is
 * put and dropped, for what changes nothing is not written. No host has that number. */
static int write_over(struct store *store)
{
	uint8_t empty[1] = "";
	const struct store_value nobody[] = {{.type = STORE_INTEGER},
					     {.type = STORE_INTEGER},
					     {.type = STORE_TEXT, .bytes = empty}};
	int r = store_run(store, STORE_SQL_BEGIN, NULL, 0);

	if (r == 0)
		r = store_run(store, STORE_SQL_PUT_HOST, nobody, 3);
	if (r == 0)
		r = store_run(store, STORE_SQL_DROP_HOST, nobody, 1);
	return r < 0 ? r : commit(store);
}

static void roll_back(struct store *store, bool unknown)
{
	/* A full disk may have rolled it back already. */
	if (!sqlite3_get_autocommit(store->db) && store_run(store, STORE_SQL_ROLLBACK, NULL, 0) < 0)
		log_error("a failed group of changes can't be rolled back");
	if (!unknown || write_over(store) == 0)
		return;
	log_error("the database can't be made durable; watd ends without answering, and the next "
		  "one reads what is there");
	_exit(1);
}

static int apply_once(struct store *store, struct list *group)
{
	int r = store_run(store, STORE_SQL_BEGIN, NULL, 0);

	if (r < 0) {
		fail_all(group, r);
		return r;
	}
	list_for_each (i, group) {
		struct store_txn *txn = container_of(i, struct store_txn, link);

		if (!txn->read)
			txn->result = apply(store, txn);
		/* A full disk may have rolled all of it back: what comes now would be committed by
		 * itself. */
		if (sqlite3_get_autocommit(store->db)) {
			fail_all(group, -ENOSPC);
			return -ENOSPC;
		}
	}
	CRASH_HERE(commit_before);
	r = commit(store);
	CRASH_HERE(commit_after);
	if (r == 0)
		return 0;
	roll_back(store, is_sync_failure(store));
	fail_all(group, r);
	return r;
}

static bool is_full(const struct list *group, int r)
{
	list_for_each (i, group)
		if (container_of(i, struct store_txn, link)->result == -ENOSPC)
			return true;
	return r == -ENOSPC;
}

static void apply_group(struct store *store, struct list *group)
{
	int r;

	if (!writes(group))
		return;
	r = apply_once(store, group);
	if (!is_full(group, r))
		return;
	store_note_full(store);
	/* Those of the group that were stored, if any, are those that found room. */
	if (r == 0 || !store_drop_ballast(store))
		return;
	list_for_each (i, group)
		container_of(i, struct store_txn, link)->result = 0;
	(void)apply_once(store, group);
}

static void report(struct store *store, struct list *group)
{
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&store->lock);
	move_all(group, &store->finished);
	(void)pthread_mutex_unlock(&store->lock);
	/* Can't fail but for a full counter, and then the reader is awake. */
	if (write(store->event_fd, &one, sizeof one) < 0)
		return;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	*(int *)arg = pages;
	return SQLITE_OK;
}

static bool take_group(struct store *store, struct list *group)
{
	(void)pthread_mutex_lock(&store->lock);
	while (list_empty(&store->submitted) && !store->ending)
		(void)pthread_cond_wait(&store->work, &store->lock);
	move_all(&store->submitted, group);
	(void)pthread_mutex_unlock(&store->lock);
	return !list_empty(group);
}

unsigned store_unfolded(struct store *store, int *ret_error)
{
	unsigned n;

	(void)pthread_mutex_lock(&store->lock);
	n = store->n_unfolded;
	*ret_error = store->fold_error;
	(void)pthread_mutex_unlock(&store->lock);
	return n;
}

/* Once when it begins to fail, and once when that is over. */
static void note_fold(struct store *store, int r)
{
	unsigned before;

	(void)pthread_mutex_lock(&store->lock);
	before = store->n_unfolded;
	store->n_unfolded = r < 0 ? before + 1 : 0;
	store->fold_error = r;
	(void)pthread_mutex_unlock(&store->lock);
	if (r < 0 && before == 0)
		log_error("the database's log can't be folded into it and grows; nothing is lost, "
			  "and it is tried again",
			  "error", sqlite3_errmsg(store->db));
	else if (r == 0 && before > 0)
		log_info("the database's log is folded into it again");
}

/* What is not folded stays in the log, and is written anew by the next one: pages whose sync failed
 * too. */
static void fold(struct store *store, int *wal_pages)
{
	int code =
		sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if (code == SQLITE_OK)
		*wal_pages = 0;
	note_fold(store, code == SQLITE_OK ? 0 : store_error(code));
}

static void *run(void *arg)
{
	struct store *store = arg;
	int wal_pages = 0;
	struct list group, again;

	list_init(&group);
	list_init(&again);
	(void)sqlite3_wal_hook(store->db, on_wal, &wal_pages);
	while (take_group(store, &group)) {
		apply_group(store, &group);
		answer_reads(store, &group, &again);
		report(store, &group);
		submit_again(store, &again);
		/* After the answers: nobody waits for it. */
		if (wal_pages > WAL_CHECKPOINT_PAGES)
			fold(store, &wal_pages);
	}
	(void)sqlite3_wal_hook(store->db, NULL, NULL);
	return NULL;
}

int store_start_thread(struct store *store)
{
	sigset_t all, before;
	int r;

	/* Signals are the loop's. */
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&store->thread, NULL, run, store);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	store->running = r == 0;
	return -r;
}

void store_submit(struct store *store, struct store_txn *txn, store_done *done, void *arg)
{
	txn->done = done;
	txn->arg = arg;
	(void)pthread_mutex_lock(&store->lock);
	list_append(&store->submitted, &txn->link);
	(void)pthread_cond_signal(&store->work);
	(void)pthread_mutex_unlock(&store->lock);
}

int store_ask(struct store *store, struct store_read *read, void *arg)
{
	struct store_txn *txn = store_txn_new();

	if (!txn) {
		read->free(read);
		return -ENOMEM;
	}
	txn->read = read;
	store_submit(store, txn, NULL, arg);
	return 0;
}

int store_event_fd(const struct store *store)
{
	return store->event_fd;
}

void store_note_full(struct store *store)
{
	(void)pthread_mutex_lock(&store->lock);
	store->said_full = true;
	(void)pthread_mutex_unlock(&store->lock);
}

void store_observe_full(struct store *store, void (*full)(void *arg), void *arg)
{
	store->full = full;
	store->full_arg = arg;
}

static void tell_full(struct store *store)
{
	bool said;

	(void)pthread_mutex_lock(&store->lock);
	said = store->said_full;
	store->said_full = false;
	(void)pthread_mutex_unlock(&store->lock);
	if (said && store->full)
		store->full(store->full_arg);
}

static void tell_observer(struct store *store, const struct store_txn *txn)
{
	if (!store->observer)
		return;
	list_for_each (i, &txn->events) {
		store->observer(store->observer_arg, txn->result,
				&container_of(i, struct store_added, link)->event);
	}
}

static void tell(struct store *store, struct store_txn *txn)
{
	tell_observer(store, txn);
	if (txn->read)
		txn->read->tell(txn->read, txn->arg, txn->result);
	else if (txn->done)
		txn->done(txn->arg, txn->result);
}

void store_run_done(struct store *store)
{
	struct list done, *first;
	uint64_t count;

	list_init(&done);
	if (read(store->event_fd, &count, sizeof count) < 0 && errno != EAGAIN)
		log_error("the store's event can't be read");
	(void)pthread_mutex_lock(&store->lock);
	move_all(&store->finished, &done);
	(void)pthread_mutex_unlock(&store->lock);
	tell_full(store);
	while ((first = list_first(&done))) {
		struct store_txn *txn = container_of(first, struct store_txn, link);

		list_remove(first);
		tell(store, txn);
		store_txn_free(txn);
	}
}

struct store *store_close(struct store *store)
{
	if (!store)
		return NULL;
	if (store->running) {
		(void)pthread_mutex_lock(&store->lock);
		store->ending = true;
		(void)pthread_cond_signal(&store->work);
		(void)pthread_mutex_unlock(&store->lock);
		(void)pthread_join(store->thread, NULL);
		store_run_done(store);
	}
	for (size_t i = 0; i < STORE_SQL_N; i++)
		(void)sqlite3_finalize(store->statements[i]);
	/* The last connection folds the log into the database. */
	(void)sqlite3_close(store->db);
	(void)pthread_mutex_destroy(&store->lock);
	(void)pthread_cond_destroy(&store->work);
	fd_close(store->event_fd);
	free(store);
	return NULL;
}
