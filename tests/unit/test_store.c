/* test_store.c - what is committed is there again; what is damaged is named; nothing is half done.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include <sqlite3.h>

#include "daemon/store/store.h"
#include "tests/lib/cases.h"

static const struct store_keep keep = {4, 16};

struct world {
	char dir[32];
	struct store *store;
	struct store_grant grant;
	struct store_issuer issuer;
	unsigned n_issuers;
	unsigned n_instances, n_grants, n_snapshots, n_bad, n_ended, n_answers;
	struct store_snapshot snapshot;
	uint8_t state[64];
	int n_hosts;
	struct store_host host;
	int restart;
	char isolated[STORE_ISOLATED_MAX + 1];
	char owner[STORE_OWNER_MAX + 1];
	unsigned n_deaths;
	char deaths[16]; /* their first bytes */
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
	assert_int_equal(row->generation, 3);
	((struct world *)arg)->restart = row->restart;
	memcpy(((struct world *)arg)->isolated, row->isolated, sizeof row->isolated);
	memcpy(((struct world *)arg)->owner, row->owner, sizeof row->owner);
	return 0;
}

static int on_grant(void *arg, const struct store_grant *row)
{
	((struct world *)arg)->n_grants++;
	((struct world *)arg)->grant = *row;
	assert_string_equal(row->user, "me");
	return 0;
}

static int on_snapshot(void *arg, const struct store_snapshot *row)
{
	struct world *w = arg;

	w->n_snapshots++;
	w->snapshot = *row;
	memcpy(w->state, row->state, row->state_len);
	return 0;
}

static int on_bad(void *arg, const struct store_snapshot *row, uint64_t earlier)
{
	(void)earlier;
	assert_string_equal(row->name, "c1");
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
	assert_memory_equal(row->reply, "reply", 5);
	((struct world *)arg)->n_answers++;
	return 0;
}

static int on_host(void *arg, const struct store_host *row)
{
	struct world *w = arg;

	w->n_hosts++;
	w->host = *row;
	return 0;
}

static int on_death(void *arg, const uint8_t id[16], const uint8_t *failure, size_t n)
{
	struct world *w = arg;

	assert_int_equal(id[0], 1);
	assert_int_equal(n, 1);
	w->deaths[w->n_deaths++] = (char)failure[0];
	w->deaths[w->n_deaths] = '\0';
	return 0;
}

static int on_issuer(void *arg, const struct store_issuer *row)
{
	struct world *w = arg;

	w->issuer = *row;
	w->n_issuers++;
	return 0;
}

static void open_store(struct world *w)
{
	static const struct store_visitor visitor = {on_instance, on_grant, on_snapshot,
						     on_bad,      on_ended, on_answer,
						     on_host,     on_death, on_issuer};
	char *note;

	w->n_instances = w->n_grants = w->n_snapshots = w->n_bad = w->n_ended = w->n_answers = 0;
	w->n_hosts = 0;
	w->n_deaths = w->n_issuers = 0;
	assert_int_equal(store_open(w->dir, &w->store, &note), 0);
	assert_null(note);
	assert_int_equal(store_load(w->store, &visitor, w), 0);
	assert_int_equal(store_start_thread(w->store), 0);
}

static void on_done(void *arg, int r)
{
	*(int *)arg = r;
}

static int commit(struct world *w, struct store_txn *txn)
{
	struct pollfd fd = {.fd = store_event_fd(w->store), .events = POLLIN};
	int result = 1;

	store_submit(w->store, txn, on_done, &result);
	while (result == 1) {
		assert_int_equal(poll(&fd, 1, -1), 1);
		store_run_done(w->store);
	}
	return result;
}

static void put_snapshot(struct store_txn *txn, enum store_snapshot_kind kind, const char *state)
{
	struct store_snapshot row = {.name = "c1",
				     .instance_id = {1},
				     .service = "counter.Counter",
				     .generation = 3,
				     .kind = kind,
				     .schema = {9},
				     .at_ms = 5,
				     .state = (const uint8_t *)state,
				     .state_len = strlen(state)};

	assert_int_equal(store_txn_put_snapshot(txn, &row, &keep), 0);
}

static void fill(struct world *w)
{
	struct store_instance instance = {.name = "c1",
					  .id = {1},
					  .service = "counter.Counter",
					  .plugin = "x.so",
					  .tier = 2,
					  .isolated = "the pool died",
					  .owner = "1 2 boot",
					  .state = STORE_STOPPED,
					  .epoch = 1,
					  .generation = 3};
	struct store_grant grant = {.id = {2},
				    .instance_id = {1},
				    .role = 2,
				    .state = 2,
				    .user = "me",
				    .configured = STORE_CONFIGURED_BESIDE};
	struct store_answer answer = {.request_id = {3},
				      .method = 1,
				      .reply = (const uint8_t *)"reply",
				      .reply_len = 5,
				      .at_ms = 1};
	struct store_txn *txn = store_txn_new();

	assert_int_equal(store_txn_put_instance(txn, &instance), 0);
	assert_int_equal(store_txn_put_grant(txn, &grant), 0);
	assert_int_equal(store_txn_put_answer(txn, &answer), 0);
	put_snapshot(txn, STORE_SNAPSHOT_CHECKPOINT, "old");
	put_snapshot(txn, STORE_SNAPSHOT_FINAL, "new");
	assert_int_equal(commit(w, txn), 0);
}

/* Everything comes back, the newest state of an incarnation and no other, under the same node id.
 */
static void test_reopen(void **state)
{
	struct world *w = *state;
	uint8_t id[16];

	open_store(w);
	memcpy(id, store_node_id(w->store), 16);
	fill(w);
	w->store = store_close(w->store);
	open_store(w);
	assert_memory_equal(store_node_id(w->store), id, 16);
	assert_true(store_last_time(w->store) > 0);
	assert_int_equal(w->n_instances, 1);
	assert_string_equal(w->isolated, "the pool died");
	assert_string_equal(w->owner, "1 2 boot");
	assert_int_equal(w->n_grants, 1);
	assert_int_equal(w->n_snapshots, 1);
	assert_int_equal(w->n_answers, 1);
	assert_int_equal(w->snapshot.kind, STORE_SNAPSHOT_FINAL);
	assert_memory_equal(w->state, "new", 3);
}

/* All that a grant has, and the keys that signed it; when it was used last is set by itself. */
static void test_grant(void **state)
{
	struct world *w = *state;
	struct store_txn *txn = store_txn_new();
	struct store_grant row = {.id = {9},
				  .instance_id = {1},
				  .user = "me",
				  .rate = 5,
				  .in_flight = 6,
				  .has_holder = true,
				  .holder_pk = {1, 2},
				  .has_before = true,
				  .th0_before = {3},
				  .has_kid = true,
				  .kid = {4},
				  .warned = true,
				  .process = {.pid = 7, .start = 8, .boot = "a boot"}};
	struct store_issuer issuer = {.kid = {4}, .pk = {5}, .until = 77};

	open_store(w);
	assert_int_equal(store_txn_put_grant(txn, &row), 0);
	assert_int_equal(store_txn_used_grant(txn, row.id, 1234), 0);
	assert_int_equal(store_txn_put_issuer(txn, &issuer), 0);
	issuer.kid[0] = 5;
	assert_int_equal(store_txn_put_issuer(txn, &issuer), 0);
	assert_int_equal(store_txn_drop_issuer(txn, issuer.kid), 0);
	assert_int_equal(commit(w, txn), 0);
	w->store = store_close(w->store);
	open_store(w);
	row.last_used = 1234;
	assert_int_equal(w->n_issuers, 1);
	assert_int_equal(w->issuer.until, 77);
	assert_int_equal(w->issuer.pk[0], 5);
	assert_memory_equal(w->grant.holder_pk, row.holder_pk, 32);
	assert_memory_equal(w->grant.th0_before, row.th0_before, 32);
	assert_memory_equal(w->grant.kid, row.kid, 8);
	assert_true(w->grant.has_holder && w->grant.has_before && w->grant.has_kid);
	assert_int_equal(w->grant.rate, 5);
	assert_int_equal(w->grant.in_flight, 6);
	assert_int_equal(w->grant.last_used, 1234);
	assert_true(w->grant.warned);
	assert_int_equal(w->grant.process.pid, 7);
	assert_int_equal(w->grant.process.start, 8);
	assert_string_equal(w->grant.process.boot, "a boot");
}

/* An ended incarnation is remembered, its grants are not. */
static void test_end(void **state)
{
	static const uint8_t id[16] = {1};
	struct world *w = *state;
	struct store_txn *txn = store_txn_new();

	open_store(w);
	fill(w);
	assert_int_equal(store_txn_end_incarnation(txn, id), 0);
	assert_int_equal(commit(w, txn), 0);
	w->store = store_close(w->store);
	open_store(w);
	assert_int_equal(w->n_ended, 1);
	assert_int_equal(w->n_grants, 0);
}

static char *path_of(const struct world *w, char path[64])
{
	snprintf(path, 64, "%s/watd.db", w->dir);
	return path;
}

static void execute(const struct world *w, const char *sql)
{
	sqlite3 *db;
	char path[64];

	assert_int_equal(sqlite3_open(path_of(w, path), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int64_t count(const struct world *w, const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	char path[64];
	int64_t n;

	assert_int_equal(sqlite3_open(path_of(w, path), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

/* The row has service, generation, schema, digest and state (row 57); a state whose digest does not
 * match is named and not used (row 59). */
static void test_digest(void **state)
{
	struct world *w = *state;

	open_store(w);
	fill(w);
	w->store = store_close(w->store);
	execute(w, "SELECT service, generation, schema, digest, state FROM snapshots");
	execute(w, "UPDATE snapshots SET state = x'00'");
	open_store(w);
	assert_int_equal(w->n_snapshots, 0);
	assert_int_equal(w->n_bad, 1);
}

/* A transaction that fails in its middle leaves nothing; those beside it stay. */
static void test_all_or_nothing(void **state)
{
	struct store_instance first = {
		.name = "c1", .id = {1}, .service = "counter.Counter", .generation = 3};
	struct world *w = *state;
	struct store_txn *txn = store_txn_new();

	open_store(w);
	w->store = store_close(w->store);
	/* The second statement of the transaction will be refused. */
	execute(w,
		"CREATE TRIGGER no BEFORE INSERT ON grants BEGIN SELECT RAISE(ABORT, 'no'); END");
	open_store(w);
	assert_int_equal(store_txn_put_instance(txn, &first), 0);
	assert_int_equal(store_txn_put_grant(txn, &(struct store_grant){.id = {2}}), 0);
	assert_true(commit(w, txn) < 0);
	w->store = store_close(w->store);
	open_store(w);
	assert_int_equal(w->n_instances, 0);
}

/* Garbage is renamed aside and named, never deleted. */
static void test_corrupt(void **state)
{
	struct world *w = *state;
	char path[64], *note = NULL;
	int fd = open(path_of(w, path), O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "this is not a database, it never was one", 40), 40);
	close(fd);
	assert_int_equal(store_open(w->dir, &w->store, &note), 0);
	assert_non_null(note);
	assert_non_null(strstr(note, "watd.db.corrupt-"));
	free(note);
}

/* A database of a newer watd is refused, and left as it is. */
static void test_newer(void **state)
{
	struct world *w = *state;
	char *note;

	open_store(w);
	w->store = store_close(w->store);
	execute(w, "PRAGMA user_version = 999");
	assert_int_equal(store_open(w->dir, &w->store, &note), -EPROTO);
	assert_null(w->store);
}

static void add_deaths(struct world *w, const uint8_t id[16], const char *deaths)
{
	for (; *deaths; deaths++) {
		struct store_txn *txn = store_txn_new();

		assert_int_equal(store_txn_add_death(txn, id, (const uint8_t *)deaths, 1), 0);
		assert_int_equal(commit(w, txn), 0);
	}
}

/* The newest eight deaths of an incarnation are kept, in their order, and go with it. */
static void test_deaths(void **state)
{
	static const uint8_t id[16] = {1}, other[16] = {2};
	struct world *w = *state;
	struct store_txn *txn;

	open_store(w);
	add_deaths(w, other, "x");
	add_deaths(w, id, "abcdefghij");
	txn = store_txn_new();
	assert_int_equal(store_txn_end_incarnation(txn, other), 0);
	assert_int_equal(commit(w, txn), 0);
	w->store = store_close(w->store);
	open_store(w);
	assert_string_equal(w->deaths, "cdefghij");
	txn = store_txn_new();
	assert_int_equal(store_txn_remove_instance(txn, "c1", id), 0);
	assert_int_equal(commit(w, txn), 0);
	w->store = store_close(w->store);
	assert_int_equal(count(w, "SELECT count(*) FROM deaths"), 0);
}

/* A removed instance leaves no row, no state of any incarnation of its name and no grant; others
 * keep theirs. */
static void test_remove(void **state)
{
	static const uint8_t id[16] = {1};
	struct world *w = *state;
	struct store_snapshot other = {.name = "c2",
				       .instance_id = {5},
				       .service = "counter.Counter",
				       .kind = STORE_SNAPSHOT_FINAL,
				       .state = (const uint8_t *)"other",
				       .state_len = 5};
	struct store_snapshot earlier = other;
	struct store_txn *txn = store_txn_new();

	open_store(w);
	fill(w);
	earlier.instance_id[0] = 6;
	memcpy(earlier.name, "c1", 3);
	assert_int_equal(store_txn_put_snapshot(txn, &other, &keep), 0);
	assert_int_equal(store_txn_put_snapshot(txn, &earlier, &keep), 0);
	assert_int_equal(commit(w, txn), 0);
	txn = store_txn_new();
	assert_int_equal(store_txn_remove_instance(txn, "c1", id), 0);
	assert_int_equal(commit(w, txn), 0);
	w->store = store_close(w->store);
	assert_int_equal(count(w, "SELECT count(*) FROM instances"), 0);
	assert_int_equal(count(w, "SELECT count(*) FROM grants"), 0);
	assert_int_equal(count(w, "SELECT count(*) FROM snapshots"), 1);
	assert_int_equal(count(w, "SELECT count(*) FROM snapshots WHERE name = 'c2'"), 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_reopen), CASE(test_grant),          CASE(test_end),
		CASE(test_digest), CASE(test_all_or_nothing), CASE(test_corrupt),
		CASE(test_newer),  CASE(test_remove),         CASE(test_deaths),
	};

	return test_run_cases(tests, NULL, NULL);
}
