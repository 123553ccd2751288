/* call_parts.h - what the files of struct call share; for them only. Instance's thread. */
#ifndef WAT_HOST_CALL_PARTS_H
#define WAT_HOST_CALL_PARTS_H

#include "daemon/host/call.h"

/* call.c */
/* For a handler that is about to run: nothing of an earlier one is left. channel and user may be
 * NULL. */
void call_prepare(struct call *call,
		  struct arena *arena,
		  uint64_t id,
		  struct channel *channel,
		  const struct wat_user *user);
/* What handlers get is there; else the call is failed. */
bool call_has_state(struct call *call) WAT_MUST_CHECK;
/* Around a handler: what runs stands in the attribution page. */
void call_mark(struct call *call, uint32_t method_plus_1);
void call_unmark(struct call *call);
/* The handler has ended: what it did is the state, or everything is as before. */
bool call_settle(struct call *call, enum dispatch_outcome outcome);
/* It was left by a panic. */
bool call_panicked(const struct call *call);

/* call_self.c: a service with a live form. */
bool call_has_self(struct call *call) WAT_MUST_CHECK;
/* A handler succeeded. */
void call_self_changed(struct call *call);
/* A handler failed: it promised to have changed nothing, unless it was left in the middle. */
void call_self_failed(struct call *call);

#endif
