/* sql.c - SQLite's results as ours, prepared statements. Whichever thread has the connection. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/store/private.h"

static const char *const sql[] = {
#define STORE_STATEMENT_SQL(name, text) [STORE_SQL_##name] = text,
	STORE_STATEMENTS(STORE_STATEMENT_SQL)
#undef STORE_STATEMENT_SQL
};

int store_error(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -EFBIG;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	default:
		return -EIO;
	}
}

int store_fail(sqlite3 *db, const char *what)
{
	int r = store_error(sqlite3_errcode(db));

	log_error("the database refuses", "what", what, "error", sqlite3_errmsg(db));
	return r < 0 ? r : -EIO;
}

void store_snapshot_digest(const struct store_snapshot *row, uint8_t digest[32])
{
	crypto_generichash_state hash;

	if (row->lanes_len == 0 && row->last_seq == 0) {
		store_digest(row->state, row->state_len, digest);
		return;
	}
	(void)crypto_generichash_init(&hash, NULL, 0, 32);
	(void)crypto_generichash_update(&hash, (const uint8_t *)&row->state_len,
					sizeof row->state_len);
	(void)crypto_generichash_update(&hash, row->state, row->state_len);
	(void)crypto_generichash_update(&hash, row->lanes, row->lanes_len);
	(void)crypto_generichash_update(&hash, (const uint8_t *)&row->last_seq,
					sizeof row->last_seq);
	(void)crypto_generichash_final(&hash, digest, 32);
}

void store_digest(const uint8_t *bytes, size_t n, uint8_t digest[32])
{
	crypto_generichash(digest, 32, bytes, n, NULL, 0);
}

int store_prepare(struct store *store)
{
	for (size_t i = 0; i < STORE_SQL_N; i++)
		if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &store->statements[i], NULL) != SQLITE_OK)
			return store_fail(store->db, sql[i]);
	return 0;
}

static int bind(sqlite3_stmt *statement, int i, const struct store_value *value)
{
	switch (value->type) {
	case STORE_INTEGER:
		return sqlite3_bind_int64(statement, i, (sqlite3_int64)value->number);
	case STORE_TEXT:
		return sqlite3_bind_text64(statement, i, (const char *)value->bytes, value->n,
					   SQLITE_STATIC, SQLITE_UTF8);
	case STORE_BLOB:
		/* A NULL pointer would be an SQL NULL. */
		return sqlite3_bind_blob64(statement, i, value->n ? (const void *)value->bytes : "",
					   value->n, SQLITE_STATIC);
	case STORE_NULL:
	default:
		return sqlite3_bind_null(statement, i);
	}
}

int store_bind(sqlite3_stmt *statement, const struct store_value *values, size_t n)
{
	int result = SQLITE_OK;

	for (size_t i = 0; result == SQLITE_OK && i < n; i++)
		result = bind(statement, (int)i + 1, &values[i]);
	return result;
}

int store_run(struct store *store,
	      enum store_statement which,
	      const struct store_value *values,
	      size_t n)
{
	sqlite3_stmt *statement = store->statements[which];
	int result = store_bind(statement, values, n);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		log_error("the database refuses", "what", sql[which], "error",
			  sqlite3_errmsg(store->db));
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return store_error(result);
}
