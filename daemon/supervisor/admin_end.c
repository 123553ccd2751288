/* admin_end.c - an Admin ends: it has no channels and no handler, so one step is enough. Loop
 * thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/user_end.h"
#include "proto/support/cleanup.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

struct admin_ending {
	struct node *node;
	uint8_t grant_id[16];
};

static void on_stored(void *arg, int r)
{
	_cleanup_(freep) struct admin_ending *ending = arg;
	struct grant *grant = grant_table_find(ending->node->grants, ending->grant_id);

	if (!grant)
		return;
	if (r < 0) {
		log_error("the end of an Admin was not stored; it is tried again", "error",
			  lifecycle_store_error(r));
		grant->row.state = 2;
		return;
	}
	list_remove(&grant->of_instance);
	grant_table_remove(ending->node->grants, grant);
}

static int submit(struct node *node,
		  struct grant *grant,
		  struct admin_ending *ending,
		  const char *why)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	struct store_grant row = grant->row;
	const struct origin own = origin_new(node);
	const struct audit revoked = {
		.kind = AUDIT_REVOKE,
		.origin = &own,
		.instance = grant->instance,
		.grant = &row,
		.detail = why,
	};
	int r;

	if (!txn)
		return -ENOMEM;
	row.state = 4;
	if ((r = store_txn_put_grant(txn, &row)) < 0 || (r = audit_add(txn, &revoked)) < 0)
		return r;
	grant->row.state = 3;
	store_submit(node->store, TAKE(txn), on_stored, ending);
	return 0;
}

void admin_end(struct node *node, struct grant *grant, const char *why)
{
	struct admin_ending *ending = calloc(1, sizeof *ending);

	if (ending) {
		ending->node = node;
		memcpy(ending->grant_id, grant->row.id, sizeof ending->grant_id);
		if (submit(node, grant, ending, why) == 0)
			return;
	}
	free(ending);
	log_error("no memory to end an Admin whose time is over; it can't be used");
}
