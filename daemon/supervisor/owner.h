/* owner.h - instances that are attached: each ends, as if it were stopped, with the connection that
 * spawned it. Over a restart of watd, which no connection survives, the process of that connection
 * stands for it, until it binds an Admin of the instance again. Loop thread. */
#ifndef WAT_SUPERVISOR_OWNER_H
#define WAT_SUPERVISOR_OWNER_H

#include "proto/support/must_check.h"

struct instance;
struct node;
struct session;

/* For the row: which process the session's peer is. -ESRCH: it is not known here. */
int owner_describe(const struct session *session, char *ret, unsigned long size) WAT_MUST_CHECK;
/* A connection ends, and not because watd does. */
void owner_session_gone(struct session *session);
/* The instance is up: if its owner went before, it ends now. */
void owner_ready(struct instance *instance);
/* An Admin of the instance was bound: by its owner, for whom a process stood until now? */
void owner_bound(struct session *session, struct instance *instance);
/* watd has started: of whom the owner has gone meanwhile ends, of others the process is watched. */
void owner_resume(struct node *node);
/* Nobody is watched for it any more. */
void owner_forget(struct instance *instance);

#endif
