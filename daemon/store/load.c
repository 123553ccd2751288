/* load.c - reading everything back at start. Main thread, before the store's own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/private.h"

/* A row's columns, copied with their bounds; the first that does not fit spoils the row. */
struct row {
	sqlite3_stmt *statement;
	int column;
	int error;
};

static void read_blob(struct row *row, uint8_t *to, size_t n)
{
	int column = row->column++;

	if ((size_t)sqlite3_column_bytes(row->statement, column) != n)
		row->error = -EBADMSG;
	else
		memcpy(to, sqlite3_column_blob(row->statement, column), n);
}

static void read_text(struct row *row, char *to, size_t size)
{
	int column = row->column++;
	const char *text = (const char *)sqlite3_column_text(row->statement, column);

	if (!text || strlen(text) >= size)
		row->error = -EBADMSG;
	else
		memcpy(to, text, strlen(text) + 1);
}

static uint64_t read_number(struct row *row)
{
	return (uint64_t)sqlite3_column_int64(row->statement, row->column++);
}

static const uint8_t *read_bytes(struct row *row, size_t *ret_n)
{
	int column = row->column++;
	const uint8_t *bytes = sqlite3_column_blob(row->statement, column);

	*ret_n = (size_t)sqlite3_column_bytes(row->statement, column);
	return bytes;
}

struct loading {
	const struct store_visitor *visitor;
	void *arg;
};

static int load_instance(struct row *row, const struct loading *l)
{
	struct store_instance instance = {0};

	read_text(row, instance.name, sizeof instance.name);
	read_blob(row, instance.id, sizeof instance.id);
	read_text(row, instance.service, sizeof instance.service);
	read_text(row, instance.plugin, sizeof instance.plugin);
	instance.interface_hash = read_number(row);
	instance.tier = (int)read_number(row);
	instance.state = (enum store_instance_state)read_number(row);
	instance.epoch = (uint32_t)read_number(row);
	instance.generation = read_number(row);
	instance.deaths = (uint32_t)read_number(row);
	instance.created_ms = read_number(row);
	instance.failure = read_bytes(row, &instance.failure_len);
	instance.durability = (int)read_number(row);
	return row->error < 0 ? row->error : l->visitor->instance(l->arg, &instance);
}

static int load_grant(struct row *row, const struct loading *l)
{
	struct store_grant grant = {0};

	read_blob(row, grant.id, sizeof grant.id);
	read_blob(row, grant.instance_id, sizeof grant.instance_id);
	grant.role = (int)read_number(row);
	grant.state = (int)read_number(row);
	read_text(row, grant.user, sizeof grant.user);
	read_blob(row, grant.th0, sizeof grant.th0);
	grant.method_mask = read_number(row);
	grant.not_before = read_number(row);
	grant.not_after = read_number(row);
	grant.created = read_number(row);
	grant.session = read_number(row) != 0;
	grant.configured = (enum store_configured)read_number(row);
	return row->error < 0 ? row->error : l->visitor->grant(l->arg, &grant);
}

static int load_snapshot(struct row *row, const struct loading *l)
{
	struct store_snapshot snapshot = {0};
	uint8_t digest[32], actual[32];

	read_text(row, snapshot.name, sizeof snapshot.name);
	read_blob(row, snapshot.instance_id, sizeof snapshot.instance_id);
	read_text(row, snapshot.service, sizeof snapshot.service);
	snapshot.generation = read_number(row);
	snapshot.kind = (enum store_snapshot_kind)read_number(row);
	read_blob(row, snapshot.schema, sizeof snapshot.schema);
	read_blob(row, digest, sizeof digest);
	snapshot.state = read_bytes(row, &snapshot.state_len);
	snapshot.at_ms = read_number(row);
	snapshot.lanes = read_bytes(row, &snapshot.lanes_len);
	snapshot.last_seq = read_number(row);
	if (row->error < 0)
		return row->error;
	store_snapshot_digest(&snapshot, actual);
	if (memcmp(digest, actual, sizeof digest) != 0)
		return l->visitor->bad_snapshot(l->arg, snapshot.name, snapshot.instance_id,
						"its digest does not match its bytes");
	return l->visitor->snapshot(l->arg, &snapshot);
}

static int load_host(struct row *row, const struct loading *l)
{
	struct store_host host = {0};

	host.pid = (int)read_number(row);
	host.start = read_number(row);
	read_text(row, host.boot, sizeof host.boot);
	return row->error < 0 ? row->error : l->visitor->host(l->arg, &host);
}

static int load_ended(struct row *row, const struct loading *l)
{
	uint8_t id[16];

	read_blob(row, id, sizeof id);
	return row->error < 0 ? row->error : l->visitor->ended(l->arg, id);
}

static int load_answer(struct row *row, const struct loading *l)
{
	struct store_answer answer = {0};
	uint8_t digest[32], actual[32];

	read_blob(row, answer.request_id, sizeof answer.request_id);
	read_blob(row, answer.owner, sizeof answer.owner);
	answer.method = (int)read_number(row);
	answer.reply = read_bytes(row, &answer.reply_len);
	read_blob(row, digest, sizeof digest);
	answer.at_ms = read_number(row);
	if (row->error < 0)
		return row->error;
	store_digest(answer.reply, answer.reply_len, actual);
	/* A damaged answer is none: the call is then done again, or refused by what it did. */
	return memcmp(digest, actual, sizeof digest) != 0 ? 0 : l->visitor->answer(l->arg, &answer);
}

static int load_rows(struct store *store,
		     const char *sql,
		     int (*load)(struct row *, const struct loading *),
		     const struct loading *l)
{
	struct row row = {0};
	int r = 0, result;

	if (sqlite3_prepare_v2(store->db, sql, -1, &row.statement, NULL) != SQLITE_OK)
		return store_fail(store->db, sql);
	while (r >= 0 && (result = sqlite3_step(row.statement)) == SQLITE_ROW) {
		row.column = 0;
		r = load(&row, l);
	}
	if (r >= 0 && result != SQLITE_DONE)
		r = store_fail(store->db, sql);
	(void)sqlite3_finalize(row.statement);
	return r < 0 ? r : 0;
}

int store_load(struct store *store, const struct store_visitor *visitor, void *arg)
{
	const struct loading l = {visitor, arg};
	int r;

	if ((r = load_rows(store,
			   "SELECT name, id, service, plugin, interface_hash, tier, state, epoch, "
			   "generation, deaths, created_ms, "
			   "failure, durability FROM instances ORDER BY rowid",
			   load_instance, &l)) < 0 ||
	    (r = load_rows(store,
			   "SELECT id, instance_id, role, state, user, th0, method_mask, "
			   "not_before, not_after, created, session, configured FROM grants "
			   "ORDER BY rowid",
			   load_grant, &l)) < 0 ||
	    (r = load_rows(store,
			   "SELECT name, instance_id, service, generation, kind, schema, digest, "
			   "state, at_ms, lanes, last_seq FROM snapshots ORDER BY seq",
			   load_snapshot, &l)) < 0 ||
	    (r = load_rows(store, "SELECT pid, start, boot FROM hosts", load_host, &l)) < 0 ||
	    (r = load_rows(store, "SELECT id FROM ended", load_ended, &l)) < 0)
		return r;
	return load_rows(store,
			 "SELECT request_id, owner, method, reply, digest, at_ms FROM answers "
			 "ORDER BY at_ms",
			 load_answer, &l);
}
