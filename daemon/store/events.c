/* events.c - the audit's table: adding to it, keeping it small, reading it page by page. Statements
 * run on the store's thread; what asks for them on the loop's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/store/private.h"
#include "proto/support/cleanup.h"

static struct store_value number(uint64_t value)
{
	return (struct store_value){.type = STORE_INTEGER, .number = value};
}

static struct store_value number_if(bool there, uint64_t value)
{
	return there ? number(value) : (struct store_value){.type = STORE_NULL};
}

/* The bytes stay the event's. */
static struct store_value text(const char *value)
{
	return (struct store_value){
		.type = STORE_TEXT, .bytes = (uint8_t *)(uintptr_t)value, .n = strlen(value)};
}

static struct store_value blob_if(bool there, const uint8_t id[16])
{
	if (!there)
		return (struct store_value){.type = STORE_NULL};
	return (struct store_value){.type = STORE_BLOB, .bytes = (uint8_t *)(uintptr_t)id, .n = 16};
}

static int trim(struct store *store, enum store_event_class class)
{
	const struct store_value by_rows[] = {number((uint64_t) class),
					      number(store->bounds.rows[class])};
	struct store_value by_age = number(0);
	uint64_t now = clock_unix_ms();
	int r = store_run(store, STORE_SQL_TRIM_EVENTS_BY_ROWS, by_rows, 2);

	if (now > store->bounds.age_ms)
		by_age = number(now - store->bounds.age_ms);
	return r < 0 ? r : store_run(store, STORE_SQL_TRIM_EVENTS_BY_AGE, &by_age, 1);
}

int store_insert_event(struct store *store, struct store_event *event)
{
	const struct store_value values[] = {
		number((uint64_t)event->class),
		number(event->at_ms),
		text(event->kind),
		text(event->name),
		blob_if(true, event->instance_id),
		number(event->generation),
		number(event->invocation),
		number_if(event->has_peer, event->uid),
		number_if(event->has_peer, (uint64_t)event->pid),
		text(event->address),
		blob_if(event->has_grant, event->grant_id),
		text(event->user),
		number((uint64_t)event->status),
		number(event->count),
		text(event->detail),
	};
	int r = store_run(store, STORE_SQL_ADD_EVENT, values, sizeof values / sizeof *values);

	if (r < 0)
		return r;
	event->seq = (uint64_t)sqlite3_last_insert_rowid(store->db);
	return trim(store, event->class);
}

static void copy_text(sqlite3_stmt *row, int column, char *to, size_t size)
{
	const char *from = (const char *)sqlite3_column_text(row, column);
	size_t n = from ? strnlen(from, size - 1) : 0;

	memcpy(to, from ? from : "", n);
	to[n] = '\0';
}

static bool copy_id(sqlite3_stmt *row, int column, uint8_t to[16])
{
	if (sqlite3_column_bytes(row, column) != 16)
		return false;
	memcpy(to, sqlite3_column_blob(row, column), 16);
	return true;
}

/* kind is heap memory of the page's. In the order of READ_EVENTS. */
static int read_event(sqlite3_stmt *row, struct store_event *event)
{
	const char *kind = (const char *)sqlite3_column_text(row, 3);

	*event = (struct store_event){
		.seq = (uint64_t)sqlite3_column_int64(row, 0),
		.class = (enum store_event_class)sqlite3_column_int(row, 1),
		.at_ms = (uint64_t)sqlite3_column_int64(row, 2),
		.generation = (uint64_t)sqlite3_column_int64(row, 6),
		.invocation = (uint64_t)sqlite3_column_int64(row, 7),
		.has_peer = sqlite3_column_type(row, 8) != SQLITE_NULL,
		.uid = (uint32_t)sqlite3_column_int64(row, 8),
		.pid = (int32_t)sqlite3_column_int64(row, 9),
		.status = sqlite3_column_int(row, 13),
		.count = (uint32_t)sqlite3_column_int64(row, 14),
		.kind = strdup(kind ? kind : ""),
	};
	copy_text(row, 4, event->name, sizeof event->name);
	(void)copy_id(row, 5, event->instance_id);
	copy_text(row, 10, event->address, sizeof event->address);
	event->has_grant = copy_id(row, 11, event->grant_id);
	copy_text(row, 12, event->user, sizeof event->user);
	copy_text(row, 15, event->detail, sizeof event->detail);
	return event->kind ? 0 : -ENOMEM;
}

static int add_to_page(struct store_event_page *page, sqlite3_stmt *row)
{
	struct store_event *grown =
		page->n & (page->n - 1)
			? page->events
			: reallocarray(page->events, page->n ? page->n * 2 : 1, sizeof *grown);
	int r;

	if (!grown)
		return -ENOMEM;
	page->events = grown;
	r = read_event(row, &grown[page->n]);
	if (r == 0)
		page->n++;
	return r;
}

/* A statement whose rows are wanted: binds, calls take for each, resets. */
static int select_rows(struct store *store,
		       enum store_statement which,
		       const struct store_value *values,
		       size_t n,
		       int (*take)(struct store_event_page *, sqlite3_stmt *),
		       struct store_event_page *page)
{
	sqlite3_stmt *statement = store->statements[which];
	int result = store_bind(statement, values, n), r = 0;

	if (result == SQLITE_OK)
		while (r == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
			r = take(page, statement);
	if (r == 0 && result != SQLITE_DONE)
		r = store_fail(store->db, "reading events");
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return r;
}

static int take_bounds(struct store_event_page *page, sqlite3_stmt *row)
{
	page->next_seq = (uint64_t)sqlite3_column_int64(row, 0);
	page->oldest_seq = (uint64_t)sqlite3_column_int64(row, 1);
	return 0;
}

static int take_newest(struct store_event_page *page, sqlite3_stmt *row)
{
	page->next_seq = (uint64_t)sqlite3_column_int64(row, 0) - 1;
	return 0;
}

/* Where the page begins: past all but the newest. */
static int find_start(struct store *store,
		      const struct store_event_query *query,
		      uint64_t *ret_after_seq)
{
	const struct store_value values[] = {
		number(query->after_seq),
		number(query->since_ms),
		text(query->name),
		number(query->newest - 1),
	};
	struct store_event_page found = {.next_seq = query->after_seq};
	int r = query->newest == 0 ? 0
				   : select_rows(store, STORE_SQL_NEWEST_EVENTS, values, 4,
						 take_newest, &found);

	*ret_after_seq = found.next_seq;
	return r;
}

int store_fill_page(struct store *store, struct store_read *read)
{
	const struct store_event_query *query = &read->query;
	struct store_event_page *page = &read->page;
	struct store_value values[] = {
		number(0),
		number(query->since_ms),
		text(query->name),
		number(query->limit),
	};
	uint64_t after_seq;
	int r = find_start(store, query, &after_seq);

	if (r == 0)
		r = select_rows(store, STORE_SQL_BOUNDS_OF_EVENTS, NULL, 0, take_bounds, page);
	values[0] = number(after_seq);
	if (r == 0)
		r = select_rows(store, STORE_SQL_READ_EVENTS, values, 4, add_to_page, page);
	/* A page that is full goes on after its last; one that is not has seen everything. */
	if (r == 0 && page->n == query->limit && page->n > 0)
		page->next_seq = page->events[page->n - 1].seq;
	return r;
}

struct store_read *store_read_free(struct store_read *read)
{
	if (!read)
		return NULL;
	for (size_t i = 0; i < read->page.n; i++)
		free((char *)(uintptr_t)read->page.events[i].kind);
	free(read->page.events);
	free(read);
	return NULL;
}

int store_read_events(struct store *store,
		      const struct store_event_query *query,
		      store_events_read *done,
		      void *arg)
{
	struct store_txn *txn = store_txn_new();

	if (txn)
		txn->read = calloc(1, sizeof *txn->read);
	if (!txn || !txn->read) {
		store_txn_free(txn);
		return -ENOMEM;
	}
	txn->read->query = *query;
	if (query->limit == 0 || query->limit > STORE_EVENT_PAGE_MAX)
		txn->read->query.limit = STORE_EVENT_PAGE_MAX;
	txn->read->done = done;
	store_submit(store, txn, NULL, arg);
	return 0;
}

void store_observe_events(struct store *store, store_event_observer *observer, void *arg)
{
	store->observer = observer;
	store->observer_arg = arg;
}

void store_bound_events(struct store *store, const struct store_event_bounds *bounds)
{
	store->bounds = *bounds;
}
