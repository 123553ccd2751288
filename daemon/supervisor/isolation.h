/* isolation.h - who is kept out of the pool, since the pool died of it or may have: it runs in a
 * process of its own until an operator releases it. Not to be confused with QUARANTINED, the state
 * of an instance that is not run at all. Loop thread. */
#ifndef WAT_SUPERVISOR_ISOLATION_H
#define WAT_SUPERVISOR_ISOLATION_H

#include <stdbool.h>
#include <wat/interface.h>
#include <wat/status.h>

#include "proto/support/must_check.h"

struct host;
struct host_death;
struct instance;
struct operation;

/* Does it run in the pool? */
bool isolation_is_pooled(const struct instance *instance);
/* A pool has died, and its instances, which are still in it, know what of: those whose thread it
 * was are isolated, and, if a pool died shortly before, those that ran something both times. */
void isolation_judge(struct host *host, const struct host_death *death);
/* The same of an instance that a pool of the watd before died of; it has no host now. */
void isolation_adopt(struct instance *instance, const char *method);
/* Fails the call that asks for what is not isolated. */
wat_status isolation_check_release(struct wat_call *call, const struct instance *instance)
	WAT_MUST_CHECK;
/* operation->instance goes back to the pool: at once, by a restart in order, if it is up; else when
 * it is started. */
void isolation_release(struct operation *operation);

#endif
