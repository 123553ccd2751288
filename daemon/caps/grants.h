/* grants.h - grants in the loop thread's memory, by id. */
#ifndef WAT_CAPS_GRANTS_H
#define WAT_CAPS_GRANTS_H

#include "daemon/store/store.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct grant_process;

struct grant {
	struct list by_id;
	struct list of_instance; /* for whoever owns the instance */
	void *instance;
	struct store_grant row;
	uint64_t serial;               /* those that were added later have a higher one */
	uint32_t channels;             /* that its host has open */
	struct grant_process *process; /* that it ends with; freed by `leaving`; NULL: none */
	bool finishing;                /* its end is on its way into the store */
	bool taken_with_all;  /* revoked with all others, and that is on its way into the store */
	uint64_t used_stored; /* when it was, or begun, as far as the store knows */
	bool used_unstored;   /* it was used since */
	bool let_in;          /* pending, and its Provision handler has run: the journal says so */
};

struct grant_table;

/* leaving: is told of each grant before it is freed; NULL: nobody is. */
struct grant_table *grant_table_new(void (*leaving)(struct grant *));
/* Frees the grants too. */
struct grant_table *grant_table_free(struct grant_table *table);
/* Copies the row. */
int grant_table_add(struct grant_table *table, const struct store_grant *row, struct grant **ret)
	WAT_MUST_CHECK;
/* NULL: none. */
struct grant *grant_table_find(const struct grant_table *table, const uint8_t id[16]);
/* Frees the grant. */
void grant_table_remove(struct grant_table *table, struct grant *grant);

#endif
