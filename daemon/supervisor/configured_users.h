/* configured_users.h - the Users of an instance that the configuration made. Loop thread. */
#ifndef WAT_SUPERVISOR_CONFIGURED_USERS_H
#define WAT_SUPERVISOR_CONFIGURED_USERS_H

#include <stdbool.h>
#include <stdint.h>

struct grant;
struct instance;
struct node;

/* It is one, and active. */
bool configured_user(const struct grant *grant);
/* The newest of this name; NULL: none. *ret_foreign: somebody else made one of this name. */
struct grant *configured_user_find(const struct instance *instance,
				   const char *user,
				   bool *ret_foreign);
/* Of this name only `keep` goes on: those that it took the place of end, and those whose token is
 * in no file. What it was made beside of serves until its time is over. */
void configured_users_keep(struct node *node,
			   const struct instance *instance,
			   const struct grant *keep);
/* Those whose time is over. */
void configured_users_end_expired(struct node *node);
/* Seconds until something is to be done for one of them, at least 1; `next` if that is sooner. */
uint64_t configured_users_next(const struct node *node, uint64_t now, uint64_t next);

#endif
