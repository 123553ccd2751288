/* load.c - reading everything back at start. Main thread, before the store's own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/private.h"

struct loading {
	struct store *store;
	const struct store_visitor *visitor;
	void *arg;
};

static int load_instance(struct store_row *row, const struct loading *l)
{
	struct store_instance instance = {0};
	const uint8_t *digest;
	size_t n;

	store_read_text(row, instance.name, sizeof instance.name);
	store_read_blob(row, instance.id, sizeof instance.id);
	store_read_text(row, instance.service, sizeof instance.service);
	store_read_text(row, instance.plugin, sizeof instance.plugin);
	instance.interface_hash = store_read_number(row);
	instance.tier = (int)store_read_number(row);
	instance.state = (enum store_instance_state)store_read_number(row);
	instance.epoch = (uint32_t)store_read_number(row);
	instance.generation = store_read_number(row);
	instance.deaths = (uint32_t)store_read_number(row);
	instance.created_ms = store_read_number(row);
	instance.failure = store_read_bytes(row, &instance.failure_len);
	instance.durability = (int)store_read_number(row);
	instance.restart = (int)store_read_number(row);
	store_read_text(row, instance.isolated, sizeof instance.isolated);
	digest = store_read_bytes(row, &n);
	if (n == sizeof instance.plugin_digest)
		memcpy(instance.plugin_digest, digest, n);
	store_read_text(row, instance.owner, sizeof instance.owner);
	return row->error < 0 ? row->error : l->visitor->instance(l->arg, &instance);
}

static int load_grant(struct store_row *row, const struct loading *l)
{
	struct store_grant grant = {0};

	store_read_blob(row, grant.id, sizeof grant.id);
	store_read_blob(row, grant.instance_id, sizeof grant.instance_id);
	grant.role = (int)store_read_number(row);
	grant.state = (int)store_read_number(row);
	store_read_text(row, grant.user, sizeof grant.user);
	store_read_blob(row, grant.th0, sizeof grant.th0);
	grant.method_mask = store_read_number(row);
	grant.not_before = store_read_number(row);
	grant.not_after = store_read_number(row);
	grant.created = store_read_number(row);
	grant.session = store_read_number(row) != 0;
	grant.configured = (enum store_configured)store_read_number(row);
	grant.rate = (uint32_t)store_read_number(row);
	grant.in_flight = (uint32_t)store_read_number(row);
	grant.has_holder = store_read_blob_if(row, grant.holder_pk, sizeof grant.holder_pk);
	grant.has_before = store_read_blob_if(row, grant.th0_before, sizeof grant.th0_before);
	grant.has_kid = store_read_blob_if(row, grant.kid, sizeof grant.kid);
	grant.last_used = store_read_number(row);
	grant.warned = store_read_number(row) != 0;
	grant.process.pid = (int)store_read_number(row);
	grant.process.start = store_read_number(row);
	store_read_text(row, grant.process.boot, sizeof grant.process.boot);
	return row->error < 0 ? row->error : l->visitor->grant(l->arg, &grant);
}

static int load_snapshot(struct store_row *row, const struct loading *l)
{
	struct store_snapshot snapshot;
	uint64_t earlier = 0;
	bool intact;
	int r = store_snapshot_of_row(row, &snapshot, &intact);

	if (r < 0)
		return r;
	if (intact)
		return l->visitor->snapshot(l->arg, &snapshot);
	r = store_earlier_snapshot(l->store, snapshot.name, snapshot.seq, &earlier);
	return r < 0 ? r : l->visitor->bad_snapshot(l->arg, &snapshot, earlier);
}

static int load_host(struct store_row *row, const struct loading *l)
{
	struct store_host host = {0};

	host.pid = (int)store_read_number(row);
	host.start = store_read_number(row);
	store_read_text(row, host.boot, sizeof host.boot);
	return row->error < 0 ? row->error : l->visitor->host(l->arg, &host);
}

static int load_issuer(struct store_row *row, const struct loading *l)
{
	struct store_issuer issuer = {0};

	store_read_blob(row, issuer.kid, sizeof issuer.kid);
	store_read_blob(row, issuer.pk, sizeof issuer.pk);
	issuer.until = store_read_number(row);
	return row->error < 0 ? row->error : l->visitor->issuer(l->arg, &issuer);
}

static int load_death(struct store_row *row, const struct loading *l)
{
	uint8_t id[16];
	const uint8_t *failure;
	size_t n;

	store_read_blob(row, id, sizeof id);
	failure = store_read_bytes(row, &n);
	return row->error < 0 ? row->error : l->visitor->death(l->arg, id, failure, n);
}

static int load_ended(struct store_row *row, const struct loading *l)
{
	uint8_t id[16];

	store_read_blob(row, id, sizeof id);
	return row->error < 0 ? row->error : l->visitor->ended(l->arg, id);
}

static int load_answer(struct store_row *row, const struct loading *l)
{
	struct store_answer answer = {0};
	uint8_t digest[32], actual[32];

	store_read_blob(row, answer.request_id, sizeof answer.request_id);
	store_read_blob(row, answer.owner, sizeof answer.owner);
	answer.method = (int)store_read_number(row);
	answer.reply = store_read_bytes(row, &answer.reply_len);
	store_read_blob(row, digest, sizeof digest);
	answer.at_ms = store_read_number(row);
	if (row->error < 0)
		return row->error;
	store_digest(answer.reply, answer.reply_len, actual);
	/* A damaged answer is none: the call is then done again, or refused by what it did. */
	return memcmp(digest, actual, sizeof digest) != 0 ? 0 : l->visitor->answer(l->arg, &answer);
}

static int load_rows(struct store *store,
		     const char *sql,
		     int (*load)(struct store_row *, const struct loading *),
		     const struct loading *l)
{
	struct store_row row = {0};
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
	const struct loading l = {store, visitor, arg};
	int r;

	if ((r = load_rows(
		     store,
		     "SELECT name, id, service, plugin, interface_hash, tier, state, epoch, "
		     "generation, deaths, created_ms, "
		     "failure, durability, restart, isolated, plugin_digest, owner FROM instances "
		     "ORDER BY created_ms, name",
		     load_instance, &l)) < 0 ||
	    (r = load_rows(store, "SELECT " STORE_GRANT_COLUMNS " FROM grants ORDER BY rowid",
			   load_grant, &l)) < 0 ||
	    (r = load_rows(store,
			   "SELECT " STORE_SNAPSHOT_COLUMNS " FROM snapshots WHERE seq IN "
			   "(SELECT max(seq) FROM snapshots GROUP BY instance_id) ORDER BY seq",
			   load_snapshot, &l)) < 0 ||
	    (r = load_rows(store, "SELECT pid, start, boot FROM hosts", load_host, &l)) < 0 ||
	    (r = load_rows(store, "SELECT kid, pk, until FROM issuers", load_issuer, &l)) < 0 ||
	    (r = load_rows(store, "SELECT instance_id, failure FROM deaths ORDER BY seq",
			   load_death, &l)) < 0 ||
	    (r = load_rows(store, "SELECT id FROM ended", load_ended, &l)) < 0)
		return r;
	return load_rows(store,
			 "SELECT request_id, owner, method, reply, digest, at_ms FROM answers "
			 "ORDER BY at_ms",
			 load_answer, &l);
}
