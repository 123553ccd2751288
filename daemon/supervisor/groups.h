/* groups.h - instances whose deaths concern each other: the [group]s of the configuration at work.
 * A death of a member comes here before its own policy is followed; what is to be done then is done
 * one step at a time, from the loop. Loop thread.
 *
 * That a group has failed stands in its members: in the failure of each that was to be stopped,
 * whose nearest cause is GROUP. So a watd that died meanwhile goes on with it. */
#ifndef WAT_SUPERVISOR_GROUPS_H
#define WAT_SUPERVISOR_GROUPS_H

#include <stdbool.h>

#include "daemon/store/store.h"
#include "daemon/supervisor/group_policy.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct event;
struct instance;
struct node;

struct groups {
	struct list all;    /* struct group */
	struct event *step; /* something may be done now */
};

void groups_init(struct groups *groups);
void groups_deinit(struct groups *groups);

/* Takes the groups of the configuration; those that are there keep what they are at. -ENOMEM: a
 * group is as it was, or is not there. */
int groups_take(struct node *node) WAT_MUST_CHECK;
/* Once, when the instances are loaded: a group that was failing goes on with it. */
void groups_resume(struct node *node);
/* A member may stand otherwise. */
void groups_changed(struct node *node);

/* Whether the death of an instance is its group's concern: then the instance is held or given up.
 */
bool groups_take_death(struct instance *instance,
		       const struct restart_death *death,
		       const struct restart_decision *own) WAT_MUST_CHECK;
/* An instance has ended in order, to be started again: whether its group holds it for now. */
bool groups_hold(struct instance *instance) WAT_MUST_CHECK;
/* Transaction with the row of an instance that is given up, and with what that means for its
 * group. NULL: no memory. */
struct store_txn *groups_give_up(struct instance *instance, enum store_instance_state state);
/* An operator starts it, or forgets its deaths: so are those of its group, and that it failed. */
void groups_forget(struct instance *instance);

/* What the instance failed of, or was stopped for, is the failure of its group. */
bool groups_has_failed(const struct instance *instance);

/* What a group that an instance is in is called, and what it is doing: "", "ending", "pausing",
 * "starting", "failing" or "failed". All "" if it is in none. Constants, or the group's own. */
struct group_view {
	const char *name, *strategy, *state;
};
struct group_view groups_view(const struct instance *instance);

#endif
