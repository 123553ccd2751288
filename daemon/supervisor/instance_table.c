/* instance_table.c - instances by name and by id. Loop thread. */
#include "daemon/supervisor/instance_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ended {
	struct list link;
	uint8_t id[16];
};

/* Instance ids are random, so their first bytes are a hash. */
static size_t id_bucket(const uint8_t id[16])
{
	return (size_t)(id[0] | id[1] << 8) % INSTANCE_TABLE_BUCKETS;
}

/* FNV-1a; names come from holders of the node capability only. */
static size_t name_bucket(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash % INSTANCE_TABLE_BUCKETS;
}

void instance_table_init(struct instance_table *table)
{
	for (size_t i = 0; i < INSTANCE_TABLE_BUCKETS; i++) {
		list_init(&table->by_name[i]);
		list_init(&table->by_id[i]);
		list_init(&table->ended[i]);
	}
	list_init(&table->all);
	table->n = 0;
}

void instance_table_deinit(struct instance_table *table)
{
	list_for_each_safe (i, &table->all) {
		instance_free(container_of(i, struct instance, all));
	}
	for (size_t i = 0; i < INSTANCE_TABLE_BUCKETS; i++)
		list_for_each_safe (j, &table->ended[i]) {
			free(container_of(j, struct ended, link));
		}
}

void instance_table_add(struct instance_table *table, struct instance *instance)
{
	list_append(&table->by_name[name_bucket(instance->name)], &instance->by_name);
	list_append(&table->by_id[id_bucket(instance->id)], &instance->by_id);
	list_append(&table->all, &instance->all);
	instance->serial = ++table->last_serial;
	table->n++;
}

void instance_table_remove(struct instance_table *table, struct instance *instance)
{
	list_remove(&instance->by_name);
	list_remove(&instance->by_id);
	list_remove(&instance->all);
	table->n--;
}

void instance_table_hide(struct instance_table *table, struct instance *instance)
{
	(void)table;
	list_remove(&instance->by_name);
}

void instance_table_show(struct instance_table *table, struct instance *instance)
{
	list_append(&table->by_name[name_bucket(instance->name)], &instance->by_name);
}

struct instance *instance_table_by_name(const struct instance_table *table, const char *name)
{
	list_for_each (i, &table->by_name[name_bucket(name)]) {
		struct instance *instance = container_of(i, struct instance, by_name);

		if (strcmp(instance->name, name) == 0)
			return instance;
	}
	return NULL;
}

struct instance *instance_table_by_id(const struct instance_table *table, const uint8_t id[16])
{
	list_for_each (i, &table->by_id[id_bucket(id)]) {
		struct instance *instance = container_of(i, struct instance, by_id);

		if (memcmp(instance->id, id, 16) == 0)
			return instance;
	}
	return NULL;
}

int instance_table_add_ended(struct instance_table *table, const uint8_t id[16])
{
	struct ended *ended = malloc(sizeof *ended);

	if (!ended)
		return -ENOMEM;
	memcpy(ended->id, id, 16);
	list_append(&table->ended[id_bucket(id)], &ended->link);
	return 0;
}

bool instance_table_is_ended(const struct instance_table *table, const uint8_t id[16])
{
	list_for_each (i, &table->ended[id_bucket(id)]) {
		if (memcmp(container_of(i, struct ended, link)->id, id, 16) == 0)
			return true;
	}
	return false;
}
