/* instance_table.h - instances by name and by id, and the ids of earlier incarnations. Loop thread.
 */
#ifndef WAT_SUPERVISOR_INSTANCE_TABLE_H
#define WAT_SUPERVISOR_INSTANCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/supervisor/instance.h"

#define INSTANCE_TABLE_BUCKETS 1024u

struct instance_table {
	struct list by_name[INSTANCE_TABLE_BUCKETS];
	struct list by_id[INSTANCE_TABLE_BUCKETS];
	struct list ended[INSTANCE_TABLE_BUCKETS];
	struct list all;
	size_t n;
	uint64_t last_serial;
};

void instance_table_init(struct instance_table *table);
/* Frees what is left. */
void instance_table_deinit(struct instance_table *table);
void instance_table_add(struct instance_table *table, struct instance *instance);
/* The instance is the caller's again. */
void instance_table_remove(struct instance_table *table, struct instance *instance);
/* While a name's next incarnation starts, the one before is found by its id only; shown again if
 * that comes to nothing. */
void instance_table_hide(struct instance_table *table, struct instance *instance);
void instance_table_show(struct instance_table *table, struct instance *instance);
static inline bool instance_is_hidden(const struct instance *instance)
{
	return list_empty(&instance->by_name);
}

struct instance *instance_table_by_name(const struct instance_table *table, const char *name);
struct instance *instance_table_by_id(const struct instance_table *table, const uint8_t id[16]);

/* Remembers an incarnation that has a successor: its tokens are STALE. */
int instance_table_add_ended(struct instance_table *table, const uint8_t id[16]) WAT_MUST_CHECK;
bool instance_table_is_ended(const struct instance_table *table, const uint8_t id[16]);

#endif
