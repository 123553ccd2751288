/* group_parts.h - what the files of the groups share; for them only. Loop thread. */
#ifndef WAT_SUPERVISOR_GROUP_PARTS_H
#define WAT_SUPERVISOR_GROUP_PARTS_H

#include <event2/util.h>

#include "daemon/supervisor/groups.h"
#include "daemon/supervisor/node.h"
#include "proto/limits.h"

struct group {
	struct list link; /* node->groups */
	struct node *node;
	char name[WAT_NAME_MAX + 1];
	struct group_policy policy;
	struct restart_history history;
	char (*members)[WAT_NAME_MAX + 1]; /* in the order of their starts */
	enum group_member *stand;          /* room for group_next; as many */
	size_t n_members;
	enum group_phase phase;
	size_t from;
	uint64_t pause_ms;              /* before they start again */
	bool news;                      /* what it is doing was not told yet */
	bool too_often;                 /* it fails because of its deaths */
	char culprit[WAT_NAME_MAX + 1]; /* whose death began what it is doing */
	struct origin origin;           /* of that */
	struct event *pause;
};

/* groups.c */
/* NULL: it is in none. */
struct group *group_of(const struct instance *instance, size_t *ret_member);
/* NULL: there is none of the name. */
struct instance *group_instance(const struct group *group, size_t member);
/* Starts what waits for a group that it is not in any more, or that does nothing. */
void groups_let_go(struct node *node);

/* group_deaths.c */
/* One that goes on is not to be stopped any more. */
void group_unmark(struct instance *member);

/* group_steps.c */
void groups_on_step(evutil_socket_t fd, short what, void *arg); /* arg: the node */
void group_on_pause(evutil_socket_t fd, short what, void *arg); /* arg: the group */

#endif
