/* configured_users.c - the Users of an instance that the configuration made. Loop thread. */
#include "daemon/supervisor/configured_users.h"

#include <string.h>

#include "daemon/supervisor/grant_judge.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/user_end.h"
#include "proto/token.h"

bool configured_user(const struct grant *grant)
{
	return grant->row.role == TOKEN_USER && grant->row.configured && grant->row.state == 2;
}

struct grant *configured_user_find(const struct instance *instance,
				   const char *user,
				   bool *ret_foreign)
{
	struct grant *newest = NULL;

	*ret_foreign = false;
	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (grant->row.role != TOKEN_USER || strcmp(grant->row.user, user) != 0 ||
		    grant->row.state == 4)
			continue;
		if (!grant->row.configured)
			*ret_foreign = true;
		else if (grant->row.state == 2 &&
			 (!newest || grant->row.not_before >= newest->row.not_before))
			newest = grant;
	}
	return newest;
}

void configured_users_keep(struct node *node,
			   const struct instance *instance,
			   const struct grant *keep)
{
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);
		bool replaced = keep->row.configured == STORE_CONFIGURED ||
				grant->row.not_before >= keep->row.not_before;

		if (grant != keep && configured_user(grant) && replaced &&
		    strcmp(grant->row.user, keep->row.user) == 0)
			user_end(node, grant, NULL, "it was replaced by a newer one");
	}
}

/* The newest has a successor by then, unless that was in trouble. */
void configured_users_end_expired(struct node *node)
{
	uint64_t now = node_time(node);

	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		list_for_each_safe (j, &instance->grants) {
			struct grant *grant = container_of(j, struct grant, of_instance);

			if (configured_user(grant) && grant->row.not_after <= now &&
			    instance->state == INSTANCE_READY)
				user_end(node, grant, NULL, "its time is over");
		}
	}
}

/* Seconds until something of the instance's Users is to be done. */
static uint64_t next_of(const struct instance *instance, uint64_t now, uint64_t next)
{
	list_for_each (i, &instance->grants) {
		const struct grant *grant = container_of(i, struct grant, of_instance);
		bool foreign;
		uint64_t at;

		if (!configured_user(grant))
			continue;
		at = configured_user_find(instance, grant->row.user, &foreign) == grant
			     ? grant_due_at(&grant->row)
			     : grant->row.not_after;
		if (at <= now)
			return 1;
		if (at - now < next)
			next = at - now;
	}
	return next;
}

uint64_t configured_users_next(const struct node *node, uint64_t now, uint64_t next)
{
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (instance->state == INSTANCE_READY)
			next = next_of(instance, now, next);
	}
	return next;
}
