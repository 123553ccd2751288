/* schema.h - the tables. application_id "watd"; user_version counts changes of this text. */
#ifndef WAT_STORE_SCHEMA_H
#define WAT_STORE_SCHEMA_H

#define STORE_APPLICATION_ID 0x77617464
#define STORE_VERSION 11

/* What incarnations died of. */
#define STORE_DEATHS                                                                   \
	"CREATE TABLE deaths(seq INTEGER PRIMARY KEY AUTOINCREMENT, instance_id BLOB " \
	"NOT NULL, failure BLOB NOT NULL) STRICT;"                                     \
	"CREATE INDEX deaths_of_instance ON deaths(instance_id, seq);"

/* Keys that tokens were signed with: public halves. until: Unix second from which they are good for
 * nothing; 0: the one that signs now. */
#define STORE_ISSUERS                                                                 \
	"CREATE TABLE issuers(kid BLOB PRIMARY KEY, pk BLOB NOT NULL, until INTEGER " \
	"NOT NULL) STRICT;"

/* nth counts the events of a class, so that each keeps to its own bound. */
#define STORE_EVENT_INDEXES                                   \
	"CREATE INDEX events_by_class ON events(class, nth);" \
	"CREATE INDEX events_by_age ON events(at_ms);"

static const char store_schema[] =
	"CREATE TABLE node(one INTEGER PRIMARY KEY CHECK(one = 1), id "
	"BLOB NOT NULL, last_time INTEGER NOT NULL, starts INTEGER NOT "
	"NULL DEFAULT 0) STRICT;"
	"CREATE TABLE instances(name TEXT PRIMARY KEY, id BLOB NOT NULL "
	"UNIQUE, service TEXT NOT NULL, plugin TEXT NOT NULL,"
	" interface_hash INTEGER NOT NULL, tier INTEGER NOT NULL, state "
	"INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" generation INTEGER NOT NULL, deaths INTEGER NOT NULL, "
	"created_ms INTEGER NOT NULL, failure BLOB, durability "
	"INTEGER NOT NULL DEFAULT 1, restart INTEGER NOT NULL "
	"DEFAULT 2, isolated TEXT NOT NULL DEFAULT '', plugin_digest "
	"BLOB NOT NULL DEFAULT x'', owner TEXT NOT NULL DEFAULT '') "
	"STRICT;" STORE_DEATHS "CREATE TABLE grants(id BLOB PRIMARY KEY, instance_id BLOB NOT "
	"NULL, role INTEGER NOT NULL, state INTEGER NOT NULL,"
	" user TEXT NOT NULL, th0 BLOB NOT NULL, method_mask INTEGER "
	"NOT NULL, not_before INTEGER NOT NULL,"
	" not_after INTEGER NOT NULL, created INTEGER NOT NULL, session "
	"INTEGER NOT NULL DEFAULT 0, configured INTEGER NOT NULL "
	"DEFAULT 0, rate INTEGER NOT NULL DEFAULT 0, in_flight INTEGER NOT NULL DEFAULT 0, "
	"holder_pk BLOB NOT NULL DEFAULT x'', th0_before BLOB NOT NULL DEFAULT x'', kid BLOB NOT "
	"NULL DEFAULT x'', last_used INTEGER NOT NULL DEFAULT 0, warned INTEGER NOT NULL DEFAULT "
	"0, pid INTEGER NOT NULL DEFAULT 0, pid_start INTEGER NOT NULL DEFAULT 0, pid_boot TEXT "
	"NOT NULL DEFAULT '') STRICT;" STORE_ISSUERS
	"CREATE INDEX grants_of_instance ON grants(instance_id);"
	"CREATE TABLE snapshots(seq INTEGER PRIMARY KEY AUTOINCREMENT, "
	"name TEXT NOT NULL, instance_id BLOB NOT NULL,"
	" service TEXT NOT NULL, generation INTEGER NOT NULL, kind "
	"INTEGER NOT NULL, schema BLOB NOT NULL, digest BLOB NOT NULL,"
	" state BLOB NOT NULL, at_ms INTEGER NOT NULL, lanes BLOB NOT "
	"NULL DEFAULT x'', last_seq INTEGER NOT NULL DEFAULT 0, interface "
	"BLOB NOT NULL DEFAULT x'') STRICT;"
	"CREATE TABLE hosts(pid INTEGER PRIMARY KEY, start INTEGER NOT "
	"NULL, boot TEXT NOT NULL) STRICT;"
	"CREATE INDEX snapshots_of_instance ON snapshots(instance_id);"
	"CREATE INDEX snapshots_of_name ON snapshots(name);"
	"CREATE TABLE ended(id BLOB PRIMARY KEY) STRICT;"
	"CREATE TABLE answers(request_id BLOB PRIMARY KEY, owner BLOB "
	"NOT NULL, method INTEGER NOT NULL, reply BLOB NOT NULL,"
	" digest BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX answers_by_age ON answers(at_ms);"
	"CREATE TABLE events(seq INTEGER PRIMARY KEY AUTOINCREMENT, "
	"at_ms INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
	" instance_id BLOB NOT NULL, detail TEXT NOT NULL"
	", generation INTEGER NOT NULL DEFAULT 0"
	", invocation INTEGER NOT NULL DEFAULT 0"
	", uid INTEGER, pid INTEGER, grant_id BLOB"
	", address TEXT NOT NULL DEFAULT ''"
	", user TEXT NOT NULL DEFAULT ''"
	", status INTEGER NOT NULL DEFAULT 0"
	", count INTEGER NOT NULL DEFAULT 1"
	", class INTEGER NOT NULL DEFAULT 1"
	", nth INTEGER NOT NULL DEFAULT 0) STRICT;" STORE_EVENT_INDEXES;

/* From the version that is the index + 1 to the next. */
static const char *const store_migrations[] = {
	"ALTER TABLE grants ADD COLUMN session INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE node ADD COLUMN starts INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE instances ADD COLUMN durability INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE snapshots ADD COLUMN lanes BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE snapshots ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE hosts(pid INTEGER PRIMARY KEY, start INTEGER NOT NULL, boot TEXT NOT NULL) "
	"STRICT;",
	"ALTER TABLE grants ADD COLUMN configured INTEGER NOT NULL DEFAULT 0;",
	"ALTER TABLE events ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE events ADD COLUMN invocation INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE events ADD COLUMN uid INTEGER;"
	"ALTER TABLE events ADD COLUMN pid INTEGER;"
	"ALTER TABLE events ADD COLUMN address TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE events ADD COLUMN grant_id BLOB;"
	"ALTER TABLE events ADD COLUMN user TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE events ADD COLUMN status INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE events ADD COLUMN count INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE events ADD COLUMN class INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE events ADD COLUMN nth INTEGER NOT NULL DEFAULT 0;"
	"UPDATE events SET nth = seq, kind = CASE kind WHEN 'provision' THEN 'grant'"
	" WHEN 'deprovision' THEN 'revoke' WHEN 'session-over' THEN 'revoke' ELSE kind "
	"END;" STORE_EVENT_INDEXES,
	"ALTER TABLE snapshots ADD COLUMN interface BLOB NOT NULL DEFAULT x'';",
	"ALTER TABLE instances ADD COLUMN restart INTEGER NOT NULL DEFAULT 2;" STORE_DEATHS,
	"ALTER TABLE instances ADD COLUMN isolated TEXT NOT NULL DEFAULT '';",
	"ALTER TABLE instances ADD COLUMN plugin_digest BLOB NOT NULL DEFAULT x'';",
	"ALTER TABLE grants ADD COLUMN rate INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE grants ADD COLUMN in_flight INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE grants ADD COLUMN holder_pk BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE grants ADD COLUMN th0_before BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE grants ADD COLUMN kid BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE grants ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE grants ADD COLUMN warned INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE grants ADD COLUMN pid INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE grants ADD COLUMN pid_start INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE grants ADD COLUMN pid_boot TEXT NOT NULL DEFAULT '';" STORE_ISSUERS,
	"ALTER TABLE instances ADD COLUMN owner TEXT NOT NULL DEFAULT '';",
};

#endif
