/* private.h - inside of the store, for its own files. */
#ifndef WAT_STORE_PRIVATE_H
#define WAT_STORE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sqlite3.h>

#include "daemon/store/store.h"
#include "proto/support/list.h"

/* In the order of store_snapshot_of_row. */
#define STORE_SNAPSHOT_COLUMNS                                                                  \
	"seq, name, instance_id, service, generation, kind, schema, interface, digest, state, " \
	"at_ms, lanes, last_seq"

/* In the order of store_txn_put_grant. */
#define STORE_GRANT_COLUMNS                                                                      \
	"id, instance_id, role, state, user, th0, method_mask, not_before, not_after, created, " \
	"session, configured, rate, in_flight, holder_pk, th0_before, kid, last_used, warned, "  \
	"pid, pid_start, pid_boot"

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
	  "generation, deaths, created_ms, failure, durability, restart, isolated, "              \
	  "plugin_digest, owner) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                      \
	S(PUT_GRANT, "INSERT OR REPLACE INTO grants(" STORE_GRANT_COLUMNS ") "                    \
		     "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                       \
	S(USED_GRANT, "UPDATE grants SET last_used = ?2 WHERE id = ?1")                           \
	S(KID_GRANTS, "UPDATE grants SET kid = ? WHERE kid = x''")                                \
	S(PUT_ISSUER, "INSERT OR REPLACE INTO issuers(kid, pk, until) VALUES(?,?,?)")             \
	S(DROP_ISSUER, "DELETE FROM issuers WHERE kid = ?")                                       \
	S(PUT_SNAPSHOT, "INSERT INTO snapshots(seq, name, instance_id, service, generation, "     \
			"kind, schema, interface, digest, state, at_ms, lanes, last_seq) "        \
			"VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)")                                      \
	S(ADD_DEATH, "INSERT INTO deaths(instance_id, failure) VALUES(?,?)")                      \
	S(TRIM_DEATHS,                                                                            \
	  "DELETE FROM deaths WHERE instance_id = ?1 AND seq NOT IN "                             \
	  "(SELECT seq FROM deaths WHERE instance_id = ?1 ORDER BY seq DESC LIMIT ?2)")           \
	S(DROP_DEATHS, "DELETE FROM deaths WHERE instance_id = ?")                                \
	S(PUT_HOST, "INSERT OR REPLACE INTO hosts(pid, start, boot) VALUES(?,?,?)")               \
	S(DROP_HOST, "DELETE FROM hosts WHERE pid = ?")                                           \
	S(TRIM_SNAPSHOTS,                                                                         \
	  "DELETE FROM snapshots WHERE name = ?1 AND (kind = 2) = ?2 AND seq NOT IN "             \
	  "(SELECT seq FROM snapshots WHERE name = ?1 AND (kind = 2) = ?2 "                       \
	  "ORDER BY seq DESC LIMIT ?3)")                                                          \
	S(LIST_SNAPSHOTS, "SELECT " STORE_SNAPSHOT_COLUMNS " FROM snapshots WHERE name = ?1 "     \
			  "ORDER BY seq")                                                         \
	S(READ_SNAPSHOT, "SELECT " STORE_SNAPSHOT_COLUMNS " FROM snapshots WHERE name = ?1 AND "  \
			 "seq = ?2")                                                              \
	S(EARLIER_SNAPSHOTS, "SELECT " STORE_SNAPSHOT_COLUMNS " FROM snapshots WHERE name = ?1 "  \
			     "AND seq < ?2 ORDER BY seq DESC")                                    \
	S(END, "INSERT OR IGNORE INTO ended(id) VALUES(?)")                                       \
	S(DROP_GRANTS, "DELETE FROM grants WHERE instance_id = ?")                                \
	S(PUT_ANSWER, "INSERT OR REPLACE INTO answers(request_id, owner, method, reply, digest, " \
		      "at_ms) VALUES(?,?,?,?,?,?)")                                               \
	S(TRIM_ANSWERS, "DELETE FROM answers WHERE at_ms < ?")                                    \
	S(REMOVE_INSTANCE, "DELETE FROM instances WHERE name = ?")                                \
	S(REMOVE_SNAPSHOTS, "DELETE FROM snapshots WHERE name = ?")                               \
	S(ADD_EVENT,                                                                              \
	  "INSERT INTO events(class, at_ms, kind, name, instance_id, generation, invocation, "    \
	  "uid, pid, address, grant_id, user, status, count, detail, nth) "                       \
	  "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15, "                           \
	  "(SELECT coalesce(max(nth), 0) + 1 FROM events WHERE class = ?1))")                     \
	S(TRIM_EVENTS_BY_ROWS, "DELETE FROM events WHERE class = ?1 AND nth <= "                  \
			       "(SELECT max(nth) FROM events WHERE class = ?1) - ?2")             \
	S(TRIM_EVENTS_BY_AGE, "DELETE FROM events WHERE at_ms < ?")                               \
	S(BOUNDS_OF_EVENTS, "SELECT coalesce((SELECT seq FROM sqlite_sequence "                   \
			    "WHERE name = 'events'), 0), coalesce(min(seq), 0) FROM events")      \
	S(NEWEST_EVENTS,                                                                          \
	  "SELECT seq FROM events WHERE seq > ?1 AND at_ms >= ?2 AND (?3 = '' OR name = ?3) "     \
	  "AND (?5 = x'' OR instance_id = ?5) ORDER BY seq DESC LIMIT 1 OFFSET ?4")               \
	S(READ_EVENTS,                                                                            \
	  "SELECT seq, class, at_ms, kind, name, instance_id, generation, invocation, uid, pid, " \
	  "address, grant_id, user, status, count, detail FROM events "                           \
	  "WHERE seq > ?1 AND at_ms >= ?2 AND (?3 = '' OR name = ?3) "                            \
	  "AND (?5 = x'' OR instance_id = ?5) ORDER BY seq LIMIT ?4")                             \
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

#define STORE_VALUES_MAX 22

/* An event of a transaction. */
struct store_added {
	struct list link;
	struct store_event event;
};

/* What is asked for, and not written. Embedded in what the question is; owned by its
 * transaction. */
struct store_read {
	/* Store's thread: the answer, or a negative errno. STORE_AGAIN: there is more to do, others
	 * go first. */
	int (*fill)(struct store *store, struct store_read *read);
	/* Loop thread. */
	void (*tell)(struct store_read *read, void *arg, int r);
	void (*free)(struct store_read *read);
};
#define STORE_AGAIN 1

struct store_step {
	struct list link;
	enum store_statement statement;
	size_t n_values;
	struct store_value values[STORE_VALUES_MAX];
};

struct store_txn {
	struct list link;
	struct list steps;
	struct list events;      /* struct store_added; after the steps */
	struct store_read *read; /* owned; NULL: it writes */
	store_done *done;
	void *arg;
	int result;
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STORE_SQL_N];
	uint8_t node_id[16];
	uint64_t last_time, starts;
	uint64_t last_snapshot; /* number of the newest one that was ever made */
	struct store_event_bounds bounds;
	store_event_observer *observer;
	void *observer_arg;
	void (*full)(void *arg);
	void *full_arg;
	char ballast_path[4096];
	bool ballast;   /* it is there; under the lock */
	bool said_full; /* for the loop's thread to tell; under the lock */
	/* So often in a row the log could not be folded into the database, and why the last time;
	 * under the lock. */
	unsigned n_unfolded;
	int fold_error;
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
/* open.c. Says what is refused. */
int store_execute(sqlite3 *db, const char *sql) WAT_MUST_CHECK;
int store_read_int(sqlite3 *db, const char *sql, int64_t *ret) WAT_MUST_CHECK;
/* Modes, check, migration or making of the tables: -EBADMSG, -EPROTO as store_open has them. */
int store_set_up(sqlite3 *db) WAT_MUST_CHECK;
/* Renames a database with its log to PATH.WHY-<Unix time>. */
int store_set_aside(const char *path, const char *why, char *ret_aside, size_t size) WAT_MUST_CHECK;
/* Prepared statements for the thread. */
int store_prepare(struct store *store) WAT_MUST_CHECK;
/* Binds values to a statement: SQLITE_OK, or its error. They stay the caller's. */
int store_bind(sqlite3_stmt *statement, const struct store_value *values, size_t n);
/* Runs one statement with values; resets it. */
int store_run(struct store *store,
	      enum store_statement statement,
	      const struct store_value *values,
	      size_t n) WAT_MUST_CHECK;

/* events.c; store thread. Inserts, trims its class and what is too old; sets event->seq. */
int store_insert_event(struct store *store, struct store_event *event) WAT_MUST_CHECK;

/* Submits a question, which is taken. -ENOMEM: nothing will be told. */
int store_ask(struct store *store, struct store_read *read, void *arg) WAT_MUST_CHECK;
/* thread.c's full() is due. */
void store_note_full(struct store *store);
/* snapshots.c: the newest intact one of the name before a number; 0: there is none. */
int store_earlier_snapshot(struct store *store, const char *name, uint64_t seq, uint64_t *ret)
	WAT_MUST_CHECK;
/* A statement whose rows are wanted: binds, calls take for each until one is not 0, resets. */
int store_select(struct store *store,
		 enum store_statement which,
		 const struct store_value *values,
		 size_t n,
		 int (*take)(void *arg, sqlite3_stmt *row),
		 void *arg) WAT_MUST_CHECK;

/* Columns as values; the bytes stay whose they are. */
static inline struct store_value store_number(uint64_t value)
{
	return (struct store_value){.type = STORE_INTEGER, .number = value};
}
static inline struct store_value store_blob(const void *value, size_t n)
{
	return (struct store_value){
		.type = STORE_BLOB, .bytes = (uint8_t *)(uintptr_t)value, .n = n};
}
static inline struct store_value store_text(const char *value)
{
	return (struct store_value){
		.type = STORE_TEXT, .bytes = (uint8_t *)(uintptr_t)value, .n = strlen(value)};
}

/* rows.c: a row's columns, copied with their bounds; the first that does not fit spoils it. */
struct store_row {
	sqlite3_stmt *statement;
	int column;
	int error;
};
void store_read_blob(struct store_row *row, uint8_t *to, size_t n);
/* False: it is empty, since rows of before have none. */
bool store_read_blob_if(struct store_row *row, uint8_t *to, size_t n);
void store_read_text(struct store_row *row, char *to, size_t size);
uint64_t store_read_number(struct store_row *row);
/* Valid until the statement goes on. */
const uint8_t *store_read_bytes(struct store_row *row, size_t *ret_n);
/* Of STORE_SNAPSHOT_COLUMNS, from the row's column on; state and lanes stay the statement's. */
int store_snapshot_of_row(struct store_row *row, struct store_snapshot *ret, bool *ret_intact)
	WAT_MUST_CHECK;

#endif
