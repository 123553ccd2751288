/* events.c - the audit's table: adding to it, keeping it small, reading it page by page. Statements
 * run on the store's thread; what asks for them on the loop's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/store/private.h"
#include "proto/support/cleanup.h"

static struct store_value number_if(bool there, uint64_t value)
{
	return there ? store_number(value) : (struct store_value){.type = STORE_NULL};
}

static struct store_value blob_if(bool there, const uint8_t id[16])
{
	if (!there)
		return (struct store_value){.type = STORE_NULL};
	return (struct store_value){.type = STORE_BLOB, .bytes = (uint8_t *)(uintptr_t)id, .n = 16};
}

static int trim(struct store *store, enum store_event_class class)
{
	const struct store_value by_rows[] = {store_number((uint64_t) class),
					      store_number(store->bounds.rows[class])};
	struct store_value by_age = store_number(0);
	uint64_t now = clock_unix_ms();
	int r = store_run(store, STORE_SQL_TRIM_EVENTS_BY_ROWS, by_rows, 2);

	if (now > store->bounds.age_ms)
		by_age = store_number(now - store->bounds.age_ms);
	return r < 0 ? r : store_run(store, STORE_SQL_TRIM_EVENTS_BY_AGE, &by_age, 1);
}

int store_insert_event(struct store *store, struct store_event *event)
{
	const struct store_value values[] = {
		store_number((uint64_t)event->class),
		store_number(event->at_ms),
		store_text(event->kind),
		store_text(event->name),
		blob_if(true, event->instance_id),
		store_number(event->generation),
		store_number(event->invocation),
		number_if(event->has_peer, event->uid),
		number_if(event->has_peer, (uint64_t)event->pid),
		store_text(event->address),
		blob_if(event->has_grant, event->grant_id),
		store_text(event->user),
		store_number((uint64_t)event->status),
		store_number(event->count),
		store_text(event->detail),
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

static int add_to_page(void *arg, sqlite3_stmt *row)
{
	struct store_event_page *page = arg;
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

static int take_bounds(void *arg, sqlite3_stmt *row)
{
	struct store_event_page *page = arg;

	page->next_seq = (uint64_t)sqlite3_column_int64(row, 0);
	page->oldest_seq = (uint64_t)sqlite3_column_int64(row, 1);
	return 0;
}

static int take_newest(void *arg, sqlite3_stmt *row)
{
	struct store_event_page *page = arg;

	page->next_seq = (uint64_t)sqlite3_column_int64(row, 0) - 1;
	return 0;
}

static struct store_value incarnation_of(const struct store_event_query *query)
{
	return store_blob(query->incarnation,
			  query->has_incarnation ? sizeof query->incarnation : 0);
}

/* Where the page begins: past all but the newest. */
static int find_start(struct store *store,
		      const struct store_event_query *query,
		      uint64_t *ret_after_seq)
{
	const struct store_value values[] = {
		store_number(query->after_seq), store_number(query->since_ms),
		store_text(query->name),        store_number(query->newest - 1),
		incarnation_of(query),
	};
	struct store_event_page found = {.next_seq = query->after_seq};
	int r = query->newest == 0 ? 0
				   : store_select(store, STORE_SQL_NEWEST_EVENTS, values, 5,
						  take_newest, &found);

	*ret_after_seq = found.next_seq;
	return r;
}

struct event_read {
	struct store_read read;
	struct store_event_query query;
	struct store_event_page page;
	store_events_read *done;
};

static int fill_page(struct store *store, struct store_read *read)
{
	struct event_read *events = container_of(read, struct event_read, read);
	const struct store_event_query *query = &events->query;
	struct store_event_page *page = &events->page;
	struct store_value values[] = {
		store_number(0),         store_number(query->since_ms),
		store_text(query->name), store_number(query->limit),
		incarnation_of(query),
	};
	uint64_t after_seq;
	int r = find_start(store, query, &after_seq);

	if (r == 0)
		r = store_select(store, STORE_SQL_BOUNDS_OF_EVENTS, NULL, 0, take_bounds, page);
	values[0] = store_number(after_seq);
	if (r == 0)
		r = store_select(store, STORE_SQL_READ_EVENTS, values, 5, add_to_page, page);
	/* A page that is full goes on after its last; one that is not has seen everything. */
	if (r == 0 && page->n == query->limit && page->n > 0)
		page->next_seq = page->events[page->n - 1].seq;
	return r;
}

static void tell_page(struct store_read *read, void *arg, int r)
{
	struct event_read *events = container_of(read, struct event_read, read);

	events->done(arg, r, r < 0 ? NULL : &events->page);
}

static void free_page(struct store_read *read)
{
	struct event_read *events = container_of(read, struct event_read, read);

	for (size_t i = 0; i < events->page.n; i++)
		free((char *)(uintptr_t)events->page.events[i].kind);
	free(events->page.events);
	free(events);
}

int store_read_events(struct store *store,
		      const struct store_event_query *query,
		      store_events_read *done,
		      void *arg)
{
	struct event_read *events = calloc(1, sizeof *events);

	if (!events)
		return -ENOMEM;
	events->read = (struct store_read){fill_page, tell_page, free_page};
	events->query = *query;
	if (query->limit == 0 || query->limit > STORE_EVENT_PAGE_MAX)
		events->query.limit = STORE_EVENT_PAGE_MAX;
	events->done = done;
	return store_ask(store, &events->read, arg);
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
