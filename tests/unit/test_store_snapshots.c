/* test_store_snapshots.c - what is kept of an instance's states, and whether it can be trusted. */
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <sqlite3.h>

#include "daemon/store/store.h"
#include "tests/lib/cases.h"

#define INFOS_MAX 64

struct world {
	char dir[32];
	struct store *store;
	struct store_keep keep;
	bool told;
	int r;
	struct store_snapshot_info infos[INFOS_MAX];
	size_t n;
	struct store_snapshot_found found;
	char state[64];
	uint64_t newest, bad, earlier;
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	char *note;

	test_make_dir(w->dir, sizeof w->dir);
	w->keep = (struct store_keep){.checkpoints = 2, .others = 3};
	*state = w;
	if (sodium_init() < 0 || store_open(w->dir, &w->store, &note) < 0)
		return 1;
	return store_start_thread(w->store);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	nftw(w->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

static void wait_told(struct world *w)
{
	struct pollfd fd = {.fd = store_event_fd(w->store), .events = POLLIN};

	while (!w->told) {
		assert_int_equal(poll(&fd, 1, -1), 1);
		store_run_done(w->store);
	}
	w->told = false;
}

static void on_done(void *arg, int r)
{
	struct world *w = arg;

	w->r = r;
	w->told = true;
}

static void put(struct world *w, const char *name, uint8_t incarnation, int kind, const char *state)
{
	struct store_txn *txn = store_txn_new();
	struct store_snapshot row = {.seq = store_next_snapshot(w->store),
				     .service = "counter.Counter",
				     .kind = (enum store_snapshot_kind)kind,
				     .generation = 1,
				     .has_interface = true,
				     .interface = {7, 8},
				     .at_ms = 5,
				     .state = (const uint8_t *)state,
				     .state_len = strlen(state),
				     .lanes = (const uint8_t *)"lane",
				     .lanes_len = 4,
				     .last_seq = 9};

	strcpy(row.name, name);
	row.instance_id[0] = incarnation;
	assert_int_equal(store_txn_put_snapshot(txn, &row, &w->keep), 0);
	store_submit(w->store, txn, on_done, w);
	wait_told(w);
	assert_int_equal(w->r, 0);
}

static void on_listed(void *arg, int r, const struct store_snapshot_info *infos, size_t n)
{
	struct world *w = arg;

	w->r = r;
	w->n = n;
	assert_true(n <= INFOS_MAX);
	if (n > 0)
		memcpy(w->infos, infos, n * sizeof *infos);
	w->told = true;
}

static void list(struct world *w, const char *name)
{
	assert_int_equal(store_list_snapshots(w->store, name, on_listed, w), 0);
	wait_told(w);
	assert_int_equal(w->r, 0);
}

static void on_found(void *arg, int r, const struct store_snapshot_found *found)
{
	struct world *w = arg;

	w->r = r;
	if (found) {
		w->found = *found;
		memset(w->state, 0, sizeof w->state);
		memcpy(w->state, found->row.state, found->row.state_len);
	}
	w->told = true;
}

static int find(struct world *w, const char *name, uint64_t seq)
{
	assert_int_equal(store_find_snapshot(w->store, name, seq, on_found, w), 0);
	wait_told(w);
	return w->r;
}

/* The newest of each sort are kept, of each name for itself: what watd makes every second washes
 * nothing away that somebody asked for. */
static void test_kept(void **state)
{
	struct world *w = *state;

	put(w, "other", 9, STORE_SNAPSHOT_START, "other");
	for (unsigned i = 0; i < 5; i++)
		put(w, "c1", 1, STORE_SNAPSHOT_MANUAL, "manual");
	for (unsigned i = 0; i < 20; i++)
		put(w, "c1", 1, STORE_SNAPSHOT_CHECKPOINT, "checkpoint");
	put(w, "c1", 2, STORE_SNAPSHOT_START, "start");
	list(w, "c1");
	assert_int_equal(w->n, 5);
	for (size_t i = 0; i < w->n; i++)
		assert_true(i == 0 || w->infos[i].seq > w->infos[i - 1].seq);
	assert_int_equal(w->infos[0].kind, STORE_SNAPSHOT_MANUAL);
	assert_int_equal(w->infos[0].seq, 5);
	assert_int_equal(w->infos[2].kind, STORE_SNAPSHOT_CHECKPOINT);
	assert_int_equal(w->infos[4].kind, STORE_SNAPSHOT_START);
	list(w, "other");
	assert_int_equal(w->n, 1);
}

/* A row has service, generation, schema, interface, digest and sizes, and comes back with its
 * bytes. row 57 */
static void test_told(void **state)
{
	struct world *w = *state;

	put(w, "c1", 1, STORE_SNAPSHOT_MANUAL, "hello");
	list(w, "c1");
	assert_int_equal(w->n, 1);
	assert_true(w->infos[0].intact);
	assert_true(w->infos[0].has_interface);
	assert_int_equal(w->infos[0].interface[1], 8);
	assert_int_equal(w->infos[0].state_len, 5);
	assert_int_equal(w->infos[0].lanes_len, 4);
	assert_string_equal(w->infos[0].service, "counter.Counter");
	assert_int_equal(find(w, "c1", w->infos[0].seq), 0);
	assert_true(w->found.intact);
	assert_string_equal(w->state, "hello");
	assert_int_equal(w->found.row.last_seq, 9);
	assert_int_equal(w->found.earlier, 0);
	assert_int_equal(find(w, "c1", 77), -ENOENT);
	assert_int_equal(find(w, "c2", w->infos[0].seq), -ENOENT);
}

static void execute(const struct world *w, const char *sql)
{
	sqlite3 *db;
	char path[64];

	snprintf(path, sizeof path, "%s/watd.db", w->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int on_snapshot(void *arg, const struct store_snapshot *row)
{
	((struct world *)arg)->newest = row->seq;
	return 0;
}

static int on_bad(void *arg, const struct store_snapshot *row, uint64_t earlier)
{
	struct world *w = arg;

	w->bad = row->seq;
	w->earlier = earlier;
	return 0;
}

static void reopen_with(struct world *w, const char *sql)
{
	const struct store_visitor visitor = {.snapshot = on_snapshot, .bad_snapshot = on_bad};
	char *note;

	w->store = store_close(w->store);
	execute(w, sql);
	assert_int_equal(store_open(w->dir, &w->store, &note), 0);
	w->newest = w->bad = w->earlier = 0;
	assert_int_equal(store_load(w->store, &visitor, w), 0);
	assert_int_equal(store_start_thread(w->store), 0);
}

/* Any column that the digest is of, changed: it is said, also which intact one comes before. The
 * older one is never loaded in its place. row 59 */
static void test_damaged(void **state)
{
	static const char *const damages[] = {
		"UPDATE snapshots SET state = x'00' WHERE seq = 4",
		"UPDATE snapshots SET lanes = x'00' WHERE seq = 4",
		"UPDATE snapshots SET last_seq = 8 WHERE seq = 4",
		"UPDATE snapshots SET digest = zeroblob(32) WHERE seq = 4",
	};
	struct world *w = *state;

	w->keep.others = 9;
	for (unsigned i = 0; i < 4; i++)
		put(w, "c1", 1, STORE_SNAPSHOT_MANUAL, "good");
	reopen_with(w, "UPDATE snapshots SET state = x'ff' WHERE seq = 3");
	assert_int_equal(w->newest, 4);
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		reopen_with(w, "CREATE TABLE kept AS SELECT * FROM snapshots");
		reopen_with(w, damages[i]);
		assert_int_equal(w->newest, 0);
		assert_int_equal(w->bad, 4);
		assert_int_equal(w->earlier, 2);
		list(w, "c1");
		assert_int_equal(w->n, 4);
		assert_true(w->infos[1].intact);
		assert_false(w->infos[2].intact);
		assert_false(w->infos[3].intact);
		assert_int_equal(find(w, "c1", 4), 0);
		assert_false(w->found.intact);
		assert_int_equal(w->found.earlier, 2);
		reopen_with(w,
			    "DELETE FROM snapshots; INSERT INTO snapshots SELECT * FROM kept; DROP "
			    "TABLE kept");
	}
}

/* Numbers are not used again, whatever was removed. */
static void test_numbers(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 3; i++)
		put(w, "c1", 1, STORE_SNAPSHOT_MANUAL, "x");
	reopen_with(w, "DELETE FROM snapshots");
	assert_int_equal(store_next_snapshot(w->store), 4);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_kept),
		CASE(test_told),
		CASE(test_damaged),
		CASE(test_numbers),
	};

	return test_run_cases(tests, NULL, NULL);
}
