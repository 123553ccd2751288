/* snapshots.c - the snapshots of a name: listed, or one of them with its bytes. Asked for on the
 * loop's thread, read on the store's. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/store/private.h"
#include "proto/support/cleanup.h"

uint64_t store_next_snapshot(struct store *store)
{
	return ++store->last_snapshot;
}

/* The newest intact one before a number. */

static int take_intact(void *arg, sqlite3_stmt *statement)
{
	struct store_row row = {.statement = statement};
	struct store_snapshot snapshot;
	uint64_t *ret = arg;
	bool intact;

	if (store_snapshot_of_row(&row, &snapshot, &intact) < 0 || !intact)
		return 0;
	*ret = snapshot.seq;
	return 1;
}

int store_earlier_snapshot(struct store *store, const char *name, uint64_t seq, uint64_t *ret)
{
	const struct store_value values[] = {store_text(name), store_number(seq)};
	int r;

	*ret = 0;
	r = store_select(store, STORE_SQL_EARLIER_SNAPSHOTS, values, 2, take_intact, ret);
	return r < 0 ? r : 0;
}

/* All of a name. */

struct listing {
	struct store_read read;
	char name[64];
	struct store_snapshot_info *infos;
	size_t n;
	store_snapshots_listed *done;
};

static int add_info(void *arg, sqlite3_stmt *statement)
{
	struct store_row row = {.statement = statement};
	struct listing *listing = arg;
	struct store_snapshot_info *info =
		reallocarray(listing->infos, listing->n + 1, sizeof *listing->infos);
	struct store_snapshot snapshot;
	bool intact;

	if (!info)
		return -ENOMEM;
	listing->infos = info;
	/* A row out of form is damaged, and named so as far as it can be. */
	if (store_snapshot_of_row(&row, &snapshot, &intact) < 0) {
		intact = false;
		snapshot = (struct store_snapshot){
			.seq = (uint64_t)sqlite3_column_int64(statement, 0)};
	}
	info[listing->n] = (struct store_snapshot_info){
		.seq = snapshot.seq,
		.generation = snapshot.generation,
		.at_ms = snapshot.at_ms,
		.kind = snapshot.kind,
		.has_interface = snapshot.has_interface,
		.intact = intact,
		.state_len = snapshot.state_len,
		.lanes_len = snapshot.lanes_len,
	};
	info += listing->n++;
	memcpy(info->instance_id, snapshot.instance_id, sizeof info->instance_id);
	memcpy(info->schema, snapshot.schema, sizeof info->schema);
	memcpy(info->interface, snapshot.interface, sizeof info->interface);
	memcpy(info->service, snapshot.service, sizeof info->service);
	return 0;
}

static int fill_listing(struct store *store, struct store_read *read)
{
	struct listing *listing = container_of(read, struct listing, read);
	const struct store_value name = store_text(listing->name);

	return store_select(store, STORE_SQL_LIST_SNAPSHOTS, &name, 1, add_info, listing);
}

static void tell_listing(struct store_read *read, void *arg, int r)
{
	struct listing *listing = container_of(read, struct listing, read);

	listing->done(arg, r, r < 0 ? NULL : listing->infos, r < 0 ? 0 : listing->n);
}

static void free_listing(struct store_read *read)
{
	struct listing *listing = container_of(read, struct listing, read);

	free(listing->infos);
	free(listing);
}

int store_list_snapshots(struct store *store,
			 const char *name,
			 store_snapshots_listed *done,
			 void *arg)
{
	struct listing *listing = calloc(1, sizeof *listing);

	if (!listing)
		return -ENOMEM;
	listing->read = (struct store_read){fill_listing, tell_listing, free_listing};
	listing->done = done;
	memcpy(listing->name, name, strnlen(name, sizeof listing->name - 1));
	return store_ask(store, &listing->read, arg);
}

/* One of them. */

struct search {
	struct store_read read;
	char name[64];
	uint64_t seq;
	bool there;
	struct store_snapshot_found found;
	uint8_t *state, *lanes; /* owned */
	store_snapshot_found *done;
};

static uint8_t *copy_of(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (copy && n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

static int take_found(void *arg, sqlite3_stmt *statement)
{
	struct store_row row = {.statement = statement};
	struct search *search = arg;
	struct store_snapshot *found = &search->found.row;
	int r = store_snapshot_of_row(&row, found, &search->found.intact);

	search->there = true;
	if (r < 0) {
		*found = (struct store_snapshot){.seq = search->seq};
		search->found.intact = false;
	}
	search->state = copy_of(found->state, found->state_len);
	search->lanes = copy_of(found->lanes, found->lanes_len);
	found->state = search->state;
	found->lanes = search->lanes;
	return search->state && search->lanes ? 1 : -ENOMEM;
}

static int fill_search(struct store *store, struct store_read *read)
{
	struct search *search = container_of(read, struct search, read);
	const struct store_value values[] = {store_text(search->name), store_number(search->seq)};
	int r = store_select(store, STORE_SQL_READ_SNAPSHOT, values, 2, take_found, search);

	if (r >= 0 && !search->there)
		return -ENOENT;
	return r < 0 ? r
		     : store_earlier_snapshot(store, search->name, search->seq,
					      &search->found.earlier);
}

static void tell_search(struct store_read *read, void *arg, int r)
{
	struct search *search = container_of(read, struct search, read);

	search->done(arg, r, r < 0 ? NULL : &search->found);
}

static void free_search(struct store_read *read)
{
	struct search *search = container_of(read, struct search, read);

	free(search->state);
	free(search->lanes);
	free(search);
}

int store_find_snapshot(struct store *store,
			const char *name,
			uint64_t seq,
			store_snapshot_found *done,
			void *arg)
{
	struct search *search = calloc(1, sizeof *search);

	if (!search)
		return -ENOMEM;
	search->read = (struct store_read){fill_search, tell_search, free_search};
	search->done = done;
	search->seq = seq;
	memcpy(search->name, name, strnlen(name, sizeof search->name - 1));
	return store_ask(store, &search->read, arg);
}
