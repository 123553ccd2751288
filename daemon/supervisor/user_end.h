/* user_end.h - how a User ends: revoking -> its channels and its Deprovision handler -> revoked.
 * Loop thread. Nobody binds it from the first step on; the answer is given when no call of it can
 * run any more; a step that a death or a restart of watd interrupted is taken again. */
#ifndef WAT_SUPERVISOR_USER_END_H
#define WAT_SUPERVISOR_USER_END_H

#include <wat/host.pb-c.h>

struct grant;
struct instance;
struct node;
struct operation;

/* The grant is active. operation (may be NULL) is concluded or failed. why: for the audit. */
void user_end(struct node *node, struct grant *grant, struct operation *operation, const char *why);
/* The same of an active Admin: no call of it is taken from here on. */
void admin_end(struct node *node, struct grant *grant, const char *why);
/* Of an instance, by name: an active one, else one that is about to begin or to end; NULL: none. */
struct grant *admin_find_user(const struct instance *instance, const char *user);
/* Those that were taken with all, and whose ends are in the store. */
void user_end_all(struct instance *instance, struct operation *operation);
/* The instance became ready: finishes those whose handler has not run. */
void user_end_go_on(struct instance *instance);

/* What the instance's journal says of users, before the instance is ready. */
void user_end_take_lives(struct instance *instance, const Wat__Host__StartReply *reply);

#endif
