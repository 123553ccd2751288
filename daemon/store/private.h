/* private.h - inside of the store, for its own files. */
#ifndef WAT_STORE_PRIVATE_H
#define WAT_STORE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <sqlite3.h>

#include "daemon/store/store.h"
#include "proto/support/list.h"

#define STORE_STATEMENTS(S)                                                                       \
	S(BEGIN, "BEGIN IMMEDIATE")                                                               \
	S(COMMIT, "COMMIT")                                                                       \
	S(ROLLBACK, "ROLLBACK")                                                                   \
	S(SAVEPOINT, "SAVEPOINT one")                                                             \
	S(RELEASE, "RELEASE one")                                                                 \
	S(ROLLBACK_TO, "ROLLBACK TO one")                                                         \
	S(PUT_INSTANCE,                                                                           \
	  "INSERT OR REPLACE INTO instances(name, id, service, plugin, interface_hash, tier, "    \
	  "state, epoch, "                                                                        \
	  "generation, deaths, created_ms, failure, durability) "\
	  "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)")             \
	S(PUT_GRANT, "INSERT OR REPLACE INTO grants(id, instance_id, role, state, user, th0, "    \
		     "method_mask, not_before, "                                                  \
		     "not_after, created, session, configured) "                                  \
		     "VALUES(?,?,?,?,?,?,?,?,?,?,?,?)")                                           \
	S(DROP_SNAPSHOTS, "DELETE FROM snapshots WHERE instance_id = ?")                          \
	S(PUT_SNAPSHOT, "INSERT INTO snapshots(name, instance_id, service, generation, kind, "    \
			"schema, digest, state, at_ms, lanes, last_seq) "                                          \
			"VALUES(?,?,?,?,?,?,?,?,?,?,?)")                                              \
	S(PUT_HOST, "INSERT OR REPLACE INTO hosts(pid, start, boot) VALUES(?,?,?)") \
	S(DROP_HOST, "DELETE FROM hosts WHERE pid = ?") \
	S(TRIM_SNAPSHOTS,                                                                         \
	  "DELETE FROM snapshots WHERE name = ?1 AND seq NOT IN "                                 \
	  "(SELECT seq FROM snapshots WHERE name = ?1 ORDER BY seq DESC LIMIT 16)")               \
	S(END, "INSERT OR IGNORE INTO ended(id) VALUES(?)")                                       \
	S(DROP_GRANTS, "DELETE FROM grants WHERE instance_id = ?")                                \
	S(PUT_ANSWER, "INSERT OR REPLACE INTO answers(request_id, owner, method, reply, digest, " \
		      "at_ms) VALUES(?,?,?,?,?,?)")                                               \
	S(TRIM_ANSWERS, "DELETE FROM answers WHERE at_ms < ?")                                    \
	S(ADD_EVENT,                                                                              \
	  "INSERT INTO events(at_ms, kind, name, instance_id, detail) VALUES(?,?,?,?,?)")         \
	S(TRIM_EVENTS, "DELETE FROM events WHERE seq <= (SELECT max(seq) - 100000 FROM events)")  \
	S(PUT_TIME, "UPDATE node SET last_time = max(last_time, ?)")

enum store_statement {
#define STORE_STATEMENT_ENUM(name, sql) STORE_SQL_##name,
	STORE_STATEMENTS(STORE_STATEMENT_ENUM)
#undef STORE_STATEMENT_ENUM
		STORE_SQL_N
};

/* One step of a transaction: a statement with its values. */
enum store_type { STORE_NULL, STORE_INTEGER, STORE_TEXT, STORE_BLOB };

struct store_value {
	enum store_type type;
	uint64_t number;
	uint8_t *bytes; /* owned */
	size_t n;
};

#define STORE_VALUES_MAX 16

struct store_step {
	struct list link;
	enum store_statement statement;
	size_t n_values;
	struct store_value values[STORE_VALUES_MAX];
};

struct store_txn {
	struct list link;
	struct list steps;
	store_done *done;
	void *arg;
	int result;
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STORE_SQL_N];
	uint8_t node_id[16];
	uint64_t last_time, starts;
	int event_fd;
	bool running, ending;
	pthread_t thread;
	pthread_mutex_t lock; /* of the two lists and `ending` */
	pthread_cond_t work;
	struct list submitted, finished;
};

/* A negative errno for SQLite's result. */
int store_error(int sqlite_result);
/* Logs what SQLite says, and returns store_error. */
int store_fail(sqlite3 *db, const char *what);
void store_digest(const uint8_t *bytes, size_t n, uint8_t digest[32]);
/* Of the state, the lanes and the number; without the latter two, of the state alone. */
void store_snapshot_digest(const struct store_snapshot *row, uint8_t digest[32]);
/* Prepared statements for the thread. */
int store_prepare(struct store *store) WAT_MUST_CHECK;
/* Runs one statement with values; resets it. */
int store_run(struct store *store,
	      enum store_statement statement,
	      const struct store_value *values,
	      size_t n) WAT_MUST_CHECK;

#endif
