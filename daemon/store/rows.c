/* rows.c - the columns of a row, and rows that are wanted. Whichever thread has the connection. */
#include <errno.h>

#include "daemon/store/private.h"

void store_read_blob(struct store_row *row, uint8_t *to, size_t n)
{
	int column = row->column++;

	if ((size_t)sqlite3_column_bytes(row->statement, column) != n)
		row->error = -EBADMSG;
	else
		memcpy(to, sqlite3_column_blob(row->statement, column), n);
}

bool store_read_blob_if(struct store_row *row, uint8_t *to, size_t n)
{
	if (sqlite3_column_bytes(row->statement, row->column) == 0) {
		row->column++;
		return false;
	}
	store_read_blob(row, to, n);
	return true;
}

void store_read_text(struct store_row *row, char *to, size_t size)
{
	int column = row->column++;
	const char *text = (const char *)sqlite3_column_text(row->statement, column);

	if (!text || strlen(text) >= size)
		row->error = -EBADMSG;
	else
		memcpy(to, text, strlen(text) + 1);
}

uint64_t store_read_number(struct store_row *row)
{
	return (uint64_t)sqlite3_column_int64(row->statement, row->column++);
}

const uint8_t *store_read_bytes(struct store_row *row, size_t *ret_n)
{
	int column = row->column++;
	const uint8_t *bytes = sqlite3_column_blob(row->statement, column);

	*ret_n = (size_t)sqlite3_column_bytes(row->statement, column);
	return bytes;
}

int store_snapshot_of_row(struct store_row *row, struct store_snapshot *ret, bool *ret_intact)
{
	struct store_snapshot snapshot = {0};
	uint8_t digest[32], actual[32];

	snapshot.seq = store_read_number(row);
	store_read_text(row, snapshot.name, sizeof snapshot.name);
	store_read_blob(row, snapshot.instance_id, sizeof snapshot.instance_id);
	store_read_text(row, snapshot.service, sizeof snapshot.service);
	snapshot.generation = store_read_number(row);
	snapshot.kind = (enum store_snapshot_kind)store_read_number(row);
	store_read_blob(row, snapshot.schema, sizeof snapshot.schema);
	/* Rows of before have none. */
	snapshot.has_interface =
		store_read_blob_if(row, snapshot.interface, sizeof snapshot.interface);
	store_read_blob(row, digest, sizeof digest);
	snapshot.state = store_read_bytes(row, &snapshot.state_len);
	snapshot.at_ms = store_read_number(row);
	snapshot.lanes = store_read_bytes(row, &snapshot.lanes_len);
	snapshot.last_seq = store_read_number(row);
	if (row->error < 0)
		return row->error;
	store_snapshot_digest(&snapshot, actual);
	*ret_intact = memcmp(digest, actual, sizeof digest) == 0;
	*ret = snapshot;
	return 0;
}

int store_select(struct store *store,
		 enum store_statement which,
		 const struct store_value *values,
		 size_t n,
		 int (*take)(void *arg, sqlite3_stmt *row),
		 void *arg)
{
	sqlite3_stmt *statement = store->statements[which];
	int result = store_bind(statement, values, n), r = 0;

	if (result == SQLITE_OK)
		while (r == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
			r = take(arg, statement);
	if (r == 0 && result != SQLITE_DONE)
		r = store_fail(store->db, "reading");
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return r;
}
