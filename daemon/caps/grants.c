/* grants.c - grants by id. Loop thread. */
#include "daemon/caps/grants.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096u

struct grant_table {
	uint64_t last_serial;
	struct list buckets[BUCKETS];
	void (*leaving)(struct grant *);
};

/* Ids are random, so their first bytes are a hash. */
static size_t bucket_of(const uint8_t id[16])
{
	return (size_t)(id[0] | id[1] << 8) % BUCKETS;
}

struct grant_table *grant_table_new(void (*leaving)(struct grant *))
{
	struct grant_table *table = calloc(1, sizeof *table);

	for (size_t i = 0; table && i < BUCKETS; i++)
		list_init(&table->buckets[i]);
	if (table)
		table->leaving = leaving;
	return table;
}

void grant_table_remove(struct grant_table *table, struct grant *grant)
{
	if (table->leaving)
		table->leaving(grant);
	list_remove(&grant->by_id);
	list_remove(&grant->of_instance);
	free(grant);
}

struct grant_table *grant_table_free(struct grant_table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		list_for_each_safe (j, &table->buckets[i]) {
			grant_table_remove(table, container_of(j, struct grant, by_id));
		}
	free(table);
	return NULL;
}

int grant_table_add(struct grant_table *table, const struct store_grant *row, struct grant **ret)
{
	struct grant *grant = calloc(1, sizeof *grant);

	if (!grant)
		return -ENOMEM;
	grant->row = *row;
	grant->used_stored = row->last_used ? row->last_used : row->created;
	grant->serial = ++table->last_serial;
	list_init(&grant->of_instance);
	list_append(&table->buckets[bucket_of(row->id)], &grant->by_id);
	*ret = grant;
	return 0;
}

struct grant *grant_table_find(const struct grant_table *table, const uint8_t id[16])
{
	list_for_each (i, &table->buckets[bucket_of(id)]) {
		struct grant *grant = container_of(i, struct grant, by_id);

		if (memcmp(grant->row.id, id, 16) == 0)
			return grant;
	}
	return NULL;
}
