/* test_store_events.c - the audit's table: what is added is read back, page by page; it stays
 * small, and a flood of one class costs the other nothing (row 113). */
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <sqlite3.h>

#include "daemon/base/clock.h"
#include "daemon/store/store.h"
#include "tests/lib/cases.h"

#define OBSERVED_MAX 64u

struct world {
	char dir[32];
	struct store *store;
	struct store_event_page page; /* the last one read, with its own events */
	uint64_t observed[OBSERVED_MAX];
	int results[OBSERVED_MAX];
	size_t n_observed;
	int result;
};

static void forget_page(struct world *w)
{
	free(w->page.events);
	w->page = (struct store_event_page){0};
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void observe(void *arg, int r, const struct store_event *event)
{
	struct world *w = arg;

	assert_true(w->n_observed < OBSERVED_MAX);
	w->observed[w->n_observed] = event->seq;
	w->results[w->n_observed++] = r;
}

static void open_store(struct world *w, const struct store_event_bounds *bounds)
{
	char *note;

	assert_int_equal(store_open(w->dir, &w->store, &note), 0);
	assert_null(note);
	store_observe_events(w->store, observe, w);
	if (bounds)
		store_bound_events(w->store, bounds);
	assert_int_equal(store_start_thread(w->store), 0);
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
	forget_page(w);
	free(w);
	return 0;
}

static void on_done(void *arg, int r)
{
	*(int *)arg = r;
}

static void wait_result(struct world *w)
{
	struct pollfd fd = {.fd = store_event_fd(w->store), .events = POLLIN};

	while (w->result == 1) {
		assert_int_equal(poll(&fd, 1, -1), 1);
		store_run_done(w->store);
	}
}

static int commit(struct world *w, struct store_txn *txn)
{
	w->result = 1;
	store_submit(w->store, txn, on_done, &w->result);
	wait_result(w);
	return w->result;
}

static struct store_event event_of(const char *name, enum store_event_class class)
{
	struct store_event event = {.at_ms = clock_unix_ms(),
				    .kind = class == STORE_EVENT_LASTING ? "spawn" : "deny",
				    .class = class,
				    .count = 1};

	snprintf(event.name, sizeof event.name, "%s", name);
	return event;
}

static void add(struct world *w, const char *name, enum store_event_class class)
{
	struct store_txn *txn = store_txn_new();
	const struct store_event event = event_of(name, class);

	assert_int_equal(store_txn_add_event(txn, &event), 0);
	assert_int_equal(commit(w, txn), 0);
}

static void on_page(void *arg, int r, const struct store_event_page *page)
{
	struct world *w = arg;

	w->result = r;
	forget_page(w);
	if (r < 0)
		return;
	w->page = *page;
	w->page.events = calloc(page->n + 1, sizeof *page->events);
	assert_non_null(w->page.events);
	if (page->n > 0)
		memcpy(w->page.events, page->events, page->n * sizeof *page->events);
}

static void read_page(struct world *w, const struct store_event_query *query)
{
	w->result = 1;
	assert_int_equal(store_read_events(w->store, query, on_page, w), 0);
	wait_result(w);
	assert_int_equal(w->result, 0);
}

/* Everything that an event says comes back, whether or not it has a peer and a grant; the observer
 * hears of it once, with its number. */
static void test_whole(void **state)
{
	struct world *w = *state;
	struct store_event full = {.at_ms = clock_unix_ms(),
				   .kind = "grant",
				   .class = STORE_EVENT_LASTING,
				   .name = "c1",
				   .instance_id = {7},
				   .generation = 3,
				   .invocation = UINT64_C(0xfedcba9876543210),
				   .has_peer = true,
				   .uid = UINT32_MAX,
				   .pid = 42,
				   .address = "[2001:db8::1]:7117",
				   .has_grant = true,
				   .grant_id = {9},
				   .user = "bob",
				   .status = 32,
				   .count = 5,
				   .detail = "why"};
	struct store_txn *txn = store_txn_new();
	const struct store_event *got;

	open_store(w, NULL);
	assert_int_equal(store_txn_add_event(txn, &full), 0);
	assert_int_equal(commit(w, txn), 0);
	add(w, "", STORE_EVENT_FREQUENT);
	assert_int_equal(w->n_observed, 2);
	assert_int_equal(w->observed[0], 1);
	assert_int_equal(w->results[0], 0);
	read_page(w, &(struct store_event_query){.limit = 10});
	assert_int_equal(w->page.n, 2);
	got = &w->page.events[0];
	assert_int_equal(got->seq, 1);
	assert_int_equal(got->at_ms, full.at_ms);
	assert_string_equal(got->name, "c1");
	assert_memory_equal(got->instance_id, full.instance_id, 16);
	assert_int_equal(got->generation, 3);
	assert_true(got->invocation == full.invocation);
	assert_true(got->has_peer);
	assert_int_equal(got->uid, UINT32_MAX);
	assert_int_equal(got->pid, 42);
	assert_string_equal(got->address, "[2001:db8::1]:7117");
	assert_true(got->has_grant);
	assert_memory_equal(got->grant_id, full.grant_id, 16);
	assert_string_equal(got->user, "bob");
	assert_int_equal(got->status, 32);
	assert_int_equal(got->count, 5);
	assert_string_equal(got->detail, "why");
	assert_false(w->page.events[1].has_peer);
	assert_false(w->page.events[1].has_grant);
}

/* Pages follow one another by their cursor without a hole or a repetition, also across a restart; a
 * reader of one name is not kept behind by events of others. */
static void test_pages(void **state)
{
	struct world *w = *state;
	uint64_t cursor = 0, expected = 0;

	open_store(w, NULL);
	for (int i = 0; i < 7; i++)
		add(w, i % 2 ? "odd" : "even", STORE_EVENT_LASTING);
	do {
		read_page(w, &(struct store_event_query){.after_seq = cursor, .limit = 3});
		for (size_t i = 0; i < w->page.n; i++)
			assert_int_equal(w->page.events[i].seq, ++expected);
		cursor = w->page.next_seq;
		assert_int_equal(w->page.oldest_seq, 1);
	} while (w->page.n > 0);
	assert_int_equal(expected, 7);
	w->store = store_close(w->store);
	open_store(w, NULL);
	add(w, "odd", STORE_EVENT_LASTING);
	read_page(w, &(struct store_event_query){.after_seq = cursor, .limit = 3, .name = "even"});
	assert_int_equal(w->page.n, 0);
	assert_int_equal(w->page.next_seq, 8);
	read_page(w, &(struct store_event_query){.after_seq = cursor, .limit = 3, .name = "odd"});
	assert_int_equal(w->page.n, 1);
	assert_int_equal(w->page.events[0].seq, 8);
}

/* The newest so many, of all or of a name, in order; those since a time. A cursor from beyond comes
 * back to where the events are. */
static void test_selection(void **state)
{
	struct world *w = *state;
	struct store_event old = event_of("c1", STORE_EVENT_LASTING);
	struct store_txn *txn = store_txn_new();

	open_store(w, NULL);
	old.at_ms -= 1000000;
	assert_int_equal(store_txn_add_event(txn, &old), 0);
	assert_int_equal(commit(w, txn), 0);
	for (int i = 0; i < 4; i++)
		add(w, i % 2 ? "c2" : "c1", STORE_EVENT_LASTING);
	read_page(w, &(struct store_event_query){.newest = 2});
	assert_int_equal(w->page.n, 2);
	assert_int_equal(w->page.events[0].seq, 4);
	read_page(w, &(struct store_event_query){.newest = 2, .name = "c1"});
	assert_int_equal(w->page.n, 2);
	assert_int_equal(w->page.events[0].seq, 2);
	assert_int_equal(w->page.events[1].seq, 4);
	read_page(w, &(struct store_event_query){.newest = 99});
	assert_int_equal(w->page.n, 5);
	read_page(w, &(struct store_event_query){.since_ms = old.at_ms + 1});
	assert_int_equal(w->page.n, 4);
	read_page(w, &(struct store_event_query){.after_seq = INT64_MAX});
	assert_int_equal(w->page.n, 0);
	assert_int_equal(w->page.next_seq, 5);
}

/* Each class keeps its newest so many rows: a thousand refusals leave the one grant where it is. */
static void test_bounds(void **state)
{
	struct world *w = *state;
	const struct store_event_bounds bounds = {.rows = {0, 3, 5}, .age_ms = 86400000};
	struct store_txn *txn = store_txn_new();
	const struct store_event deny = event_of("c1", STORE_EVENT_FREQUENT);

	open_store(w, &bounds);
	add(w, "c1", STORE_EVENT_LASTING);
	store_observe_events(w->store, NULL, NULL);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(store_txn_add_event(txn, &deny), 0);
	assert_int_equal(commit(w, txn), 0);
	read_page(w, &(struct store_event_query){.limit = 100});
	assert_int_equal(w->page.n, 6);
	assert_string_equal(w->page.events[0].name, "c1");
	assert_int_equal(w->page.events[0].class, STORE_EVENT_LASTING);
	assert_int_equal(w->page.events[1].seq, 997);
	for (int i = 0; i < 5; i++)
		add(w, "later", STORE_EVENT_LASTING);
	read_page(w, &(struct store_event_query){.limit = 100, .name = "later"});
	assert_int_equal(w->page.n, 3);
	assert_int_equal(w->page.oldest_seq, 997);
}

/* What is too old goes with the next event. */
static void test_age(void **state)
{
	struct world *w = *state;
	const struct store_event_bounds bounds = {.rows = {0, 100, 100}, .age_ms = 1000};
	struct store_event old = event_of("old", STORE_EVENT_LASTING);
	struct store_txn *txn = store_txn_new();

	open_store(w, NULL);
	old.at_ms -= 3600000;
	assert_int_equal(store_txn_add_event(txn, &old), 0);
	assert_int_equal(commit(w, txn), 0);
	w->store = store_close(w->store);
	open_store(w, &bounds);
	add(w, "new", STORE_EVENT_FREQUENT);
	read_page(w, &(struct store_event_query){.limit = 10});
	assert_int_equal(w->page.n, 1);
	assert_string_equal(w->page.events[0].name, "new");
}

/* An event of a transaction that failed never was; the observer hears that, too. */
static void test_failed(void **state)
{
	struct world *w = *state;
	struct store_event event = event_of("c1", STORE_EVENT_LASTING);
	struct store_txn *txn = store_txn_new();
	char path[64];
	sqlite3 *db;

	open_store(w, NULL);
	w->store = store_close(w->store);
	snprintf(path, sizeof path, "%s/watd.db", w->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TRIGGER no BEFORE INSERT ON events WHEN new.name = "
				      "'no' BEGIN SELECT RAISE(ABORT, 'no'); END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	open_store(w, NULL);
	assert_int_equal(store_txn_add_event(txn, &event), 0);
	snprintf(event.name, sizeof event.name, "no");
	assert_int_equal(store_txn_add_event(txn, &event), 0);
	assert_true(commit(w, txn) < 0);
	assert_int_equal(w->n_observed, 2);
	assert_true(w->results[0] < 0 && w->results[1] < 0);
	read_page(w, &(struct store_event_query){.limit = 10});
	assert_int_equal(w->page.n, 0);
	assert_int_equal(w->page.oldest_seq, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_whole),  CASE(test_pages), CASE(test_selection),
		CASE(test_bounds), CASE(test_age),   CASE(test_failed),
	};

	return test_run_cases(tests, NULL, NULL);
}
