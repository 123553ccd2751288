/* txn.c - transactions as lists of statements with their values. Loop thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/private.h"

#define ANSWERS_KEEP_MS (7u * 86400u * UINT64_C(1000))

struct store_txn *store_txn_new(void)
{
	struct store_txn *txn = calloc(1, sizeof *txn);

	if (txn) {
		list_init(&txn->link);
		list_init(&txn->steps);
		list_init(&txn->events);
	}
	return txn;
}

static void step_free(struct store_step *step)
{
	for (size_t i = 0; i < step->n_values; i++)
		free(step->values[i].bytes);
	free(step);
}

struct store_txn *store_txn_free(struct store_txn *txn)
{
	if (!txn)
		return NULL;
	list_for_each_safe (i, &txn->steps) {
		step_free(container_of(i, struct store_step, link));
	}
	list_for_each_safe (i, &txn->events) {
		free(container_of(i, struct store_added, link));
	}
	if (txn->read)
		txn->read->free(txn->read);
	free(txn);
	return NULL;
}

/* A step under construction: the values in the order of its statement. */
struct builder {
	struct store_step *step;
	int error;
};

static struct builder begin(enum store_statement statement)
{
	struct builder b = {.step = calloc(1, sizeof(struct store_step))};

	if (!b.step)
		b.error = -ENOMEM;
	else
		b.step->statement = statement;
	return b;
}

static void number(struct builder *b, uint64_t value)
{
	if (b->error == 0)
		b->step->values[b->step->n_values++] =
			(struct store_value){.type = STORE_INTEGER, .number = value};
}

static void number_or_null(struct builder *b, uint64_t value)
{
	number(b, value);
	if (b->error == 0 && value == 0)
		b->step->values[b->step->n_values - 1].type = STORE_NULL;
}

static void bytes(struct builder *b, const void *from, size_t n, enum store_type type)
{
	uint8_t *copy;

	if (b->error < 0)
		return;
	copy = malloc(n ? n : 1);
	if (!copy) {
		b->error = -ENOMEM;
		return;
	}
	if (n > 0)
		memcpy(copy, from, n);
	b->step->values[b->step->n_values++] =
		(struct store_value){.type = type, .bytes = copy, .n = n};
}

static void blob(struct builder *b, const void *from, size_t n)
{
	bytes(b, from, n, STORE_BLOB);
}

static void blob_if(struct builder *b, bool there, const void *from, size_t n)
{
	blob(b, from, there ? n : 0);
}

static void text(struct builder *b, const char *from)
{
	bytes(b, from, strlen(from), STORE_TEXT);
}

static void digest(struct builder *b, const uint8_t *from, size_t n)
{
	uint8_t hash[32];

	store_digest(from, n, hash);
	blob(b, hash, sizeof hash);
}

static int end(struct store_txn *txn, struct builder *b)
{
	if (b->error < 0) {
		if (b->step)
			step_free(b->step);
		return b->error;
	}
	list_append(&txn->steps, &b->step->link);
	return 0;
}

static int with_blob(struct store_txn *txn, enum store_statement statement, const uint8_t id[16])
{
	struct builder b = begin(statement);

	blob(&b, id, 16);
	return end(txn, &b);
}

int store_txn_put_instance(struct store_txn *txn, const struct store_instance *row)
{
	struct builder b = begin(STORE_SQL_PUT_INSTANCE);

	text(&b, row->name);
	blob(&b, row->id, sizeof row->id);
	text(&b, row->service);
	text(&b, row->plugin);
	number(&b, row->interface_hash);
	number(&b, (uint64_t)row->tier);
	number(&b, (uint64_t)row->state);
	number(&b, row->epoch);
	number(&b, row->generation);
	number(&b, row->deaths);
	number(&b, row->created_ms);
	blob(&b, row->failure, row->failure_len);
	number(&b, (uint64_t)row->durability);
	number(&b, (uint64_t)row->restart);
	text(&b, row->isolated);
	blob(&b, row->plugin_digest, sizeof row->plugin_digest);
	text(&b, row->owner);
	return end(txn, &b);
}

int store_txn_put_grant(struct store_txn *txn, const struct store_grant *row)
{
	struct builder b = begin(STORE_SQL_PUT_GRANT);

	blob(&b, row->id, sizeof row->id);
	blob(&b, row->instance_id, sizeof row->instance_id);
	number(&b, (uint64_t)row->role);
	number(&b, (uint64_t)row->state);
	text(&b, row->user);
	blob(&b, row->th0, sizeof row->th0);
	number(&b, row->method_mask);
	number(&b, row->not_before);
	number(&b, row->not_after);
	number(&b, row->created);
	number(&b, row->session);
	number(&b, row->configured);
	number(&b, row->rate);
	number(&b, row->in_flight);
	blob_if(&b, row->has_holder, row->holder_pk, sizeof row->holder_pk);
	blob_if(&b, row->has_before, row->th0_before, sizeof row->th0_before);
	blob_if(&b, row->has_kid, row->kid, sizeof row->kid);
	number(&b, row->last_used);
	number(&b, row->warned);
	number(&b, (uint64_t)row->process.pid);
	number(&b, row->process.start);
	text(&b, row->process.boot);
	return end(txn, &b);
}

int store_txn_used_grant(struct store_txn *txn, const uint8_t id[16], uint64_t at)
{
	struct builder b = begin(STORE_SQL_USED_GRANT);

	blob(&b, id, 16);
	number(&b, at);
	return end(txn, &b);
}

int store_txn_kid_grants(struct store_txn *txn, const uint8_t kid[8])
{
	struct builder b = begin(STORE_SQL_KID_GRANTS);

	blob(&b, kid, 8);
	return end(txn, &b);
}

int store_txn_put_issuer(struct store_txn *txn, const struct store_issuer *row)
{
	struct builder b = begin(STORE_SQL_PUT_ISSUER);

	blob(&b, row->kid, sizeof row->kid);
	blob(&b, row->pk, sizeof row->pk);
	number(&b, row->until);
	return end(txn, &b);
}

int store_txn_drop_issuer(struct store_txn *txn, const uint8_t kid[8])
{
	struct builder b = begin(STORE_SQL_DROP_ISSUER);

	blob(&b, kid, 8);
	return end(txn, &b);
}

static int add_snapshot(struct store_txn *txn, const struct store_snapshot *row)
{
	struct builder b = begin(STORE_SQL_PUT_SNAPSHOT);
	uint8_t hash[32];

	number_or_null(&b, row->seq);
	text(&b, row->name);
	blob(&b, row->instance_id, sizeof row->instance_id);
	text(&b, row->service);
	number(&b, row->generation);
	number(&b, (uint64_t)row->kind);
	blob(&b, row->schema, sizeof row->schema);
	blob(&b, row->interface, row->has_interface ? sizeof row->interface : 0);
	store_snapshot_digest(row, hash);
	blob(&b, hash, sizeof hash);
	blob(&b, row->state, row->state_len);
	number(&b, row->at_ms);
	blob(&b, row->lanes, row->lanes_len);
	number(&b, row->last_seq);
	return end(txn, &b);
}

int store_txn_put_host(struct store_txn *txn, const struct store_host *row)
{
	struct builder b = begin(STORE_SQL_PUT_HOST);

	number(&b, (uint64_t)row->pid);
	number(&b, row->start);
	text(&b, row->boot);
	return end(txn, &b);
}

int store_txn_drop_host(struct store_txn *txn, int pid)
{
	struct builder b = begin(STORE_SQL_DROP_HOST);

	number(&b, (uint64_t)pid);
	return end(txn, &b);
}

int store_txn_put_snapshot(struct store_txn *txn,
			   const struct store_snapshot *row,
			   const struct store_keep *keep)
{
	bool checkpoint = row->kind == STORE_SNAPSHOT_CHECKPOINT;
	struct builder trim;
	int r = add_snapshot(txn, row);

	if (r < 0)
		return r;
	trim = begin(STORE_SQL_TRIM_SNAPSHOTS);
	text(&trim, row->name);
	number(&trim, checkpoint);
	number(&trim, checkpoint ? keep->checkpoints : keep->others);
	return end(txn, &trim);
}

int store_txn_add_death(struct store_txn *txn,
			const uint8_t instance_id[16],
			const uint8_t *failure,
			size_t n)
{
	struct builder b = begin(STORE_SQL_ADD_DEATH), trim;
	int r;

	blob(&b, instance_id, 16);
	blob(&b, failure, n);
	r = end(txn, &b);
	if (r < 0)
		return r;
	trim = begin(STORE_SQL_TRIM_DEATHS);
	blob(&trim, instance_id, 16);
	number(&trim, STORE_DEATHS_MAX);
	return end(txn, &trim);
}

/* What is kept of an incarnation beside its row. */
static int drop_belongings(struct store_txn *txn, const uint8_t id[16])
{
	int r = with_blob(txn, STORE_SQL_DROP_GRANTS, id);

	return r < 0 ? r : with_blob(txn, STORE_SQL_DROP_DEATHS, id);
}

int store_txn_end_incarnation(struct store_txn *txn, const uint8_t id[16])
{
	int r = with_blob(txn, STORE_SQL_END, id);

	return r < 0 ? r : drop_belongings(txn, id);
}

static int with_text(struct store_txn *txn, enum store_statement statement, const char *value)
{
	struct builder b = begin(statement);

	text(&b, value);
	return end(txn, &b);
}

int store_txn_remove_instance(struct store_txn *txn, const char *name, const uint8_t id[16])
{
	int r = with_text(txn, STORE_SQL_REMOVE_INSTANCE, name);

	if (r == 0)
		r = with_text(txn, STORE_SQL_REMOVE_SNAPSHOTS, name);
	return r < 0 ? r : drop_belongings(txn, id);
}

int store_txn_put_answer(struct store_txn *txn, const struct store_answer *row)
{
	struct builder b = begin(STORE_SQL_PUT_ANSWER), trim;
	int r;

	blob(&b, row->request_id, sizeof row->request_id);
	blob(&b, row->owner, sizeof row->owner);
	number(&b, (uint64_t)row->method);
	blob(&b, row->reply, row->reply_len);
	digest(&b, row->reply, row->reply_len);
	number(&b, row->at_ms);
	r = end(txn, &b);
	if (r < 0 || row->at_ms < ANSWERS_KEEP_MS)
		return r;
	trim = begin(STORE_SQL_TRIM_ANSWERS);
	number(&trim, row->at_ms - ANSWERS_KEEP_MS);
	return end(txn, &trim);
}

int store_txn_add_event(struct store_txn *txn, const struct store_event *event)
{
	struct store_added *added = malloc(sizeof *added);

	if (!added)
		return -ENOMEM;
	added->event = *event;
	added->event.seq = 0;
	list_append(&txn->events, &added->link);
	return 0;
}
