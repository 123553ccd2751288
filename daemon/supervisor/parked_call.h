/* parked_call.h - a call that only waits: it is answered when there is something to say, shortly
 * before its caller gives up, or not at all when its session ends or takes it back. Loop thread.
 * Embedded in what waits, which owns it. */
#ifndef WAT_SUPERVISOR_PARKED_CALL_H
#define WAT_SUPERVISOR_PARKED_CALL_H

#include "daemon/supervisor/control_call.h"
#include "proto/support/list.h"

struct event;

struct parked_call {
	struct list link; /* for the owner's list; empty: it waits no more */
	struct control_call *call;
	struct event *timer;                   /* NULL: the caller has no limit */
	void (*overdue)(struct parked_call *); /* the caller's time is nearly over: answer */
	/* Nobody waits any more; the call was not answered and must not be. The owner ends. */
	void (*gone)(struct parked_call *);
};

/* Takes the call (the handler returns what `take` of it does, WAT_OK). overdue and gone are set
 * before. -ENOMEM: it is still the handler's. */
int parked_call_init(struct parked_call *parked, struct wat_call *call, struct list *where)
	WAT_MUST_CHECK;
/* Each takes the parked call out of its list, answers if it says so, and lets the call go; the
 * owner frees itself then. */
void parked_call_reply(struct parked_call *parked, const ProtobufCMessage *reply);
void parked_call_fail_with(struct parked_call *parked,
			   wat_status status,
			   const Wat__Envelope__Failure *chain,
			   const char *text);
void parked_call_drop(struct parked_call *parked);

#endif
