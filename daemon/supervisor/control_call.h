/* control_call.h - a call of the session, node or admin service on a control connection. Loop
 * thread. Heap objects, each with its own memory: they outlive the frame, and the session too when
 * an operation holds them. */
#ifndef WAT_SUPERVISOR_CONTROL_CALL_H
#define WAT_SUPERVISOR_CONTROL_CALL_H

#include "daemon/supervisor/audit.h"
#include "daemon/supervisor/session.h"
#include "proto/dispatch.h"
#include "proto/support/list.h"

struct instance;
struct parked_call;

struct control_call {
	struct dispatch_call base;
	struct arena arena;
	struct list of_session;
	struct list of_operation; /* where the call waits for an operation */
	struct node *node;
	struct session *session; /* NULL: gone, the answer goes nowhere */
	uint64_t id;
	uint32_t handle;
	uint32_t budget_ms; /* that the caller waits; 0: no limit */
	struct origin origin;
	struct parked_call
		*parked; /* what it waits for; NULL: nothing that ends with its session */
	struct binding binding;
	Wat__Envelope__Failure *failure; /* chain for a FAIL; owned */
};

/* Runs a CALL frame of the session. */
void control_call_run(struct session *session, const struct frame *frame, const uint8_t *body);
/* The session ends: its open calls go on without it, but for those that only wait. */
void control_calls_orphan(struct session *session);
/* CANCEL: ends the call, without an answer, if it only waits. */
void control_call_cancel(struct session *session, uint64_t id);
/* Without an answer. Returns NULL. */
struct control_call *control_call_free(struct control_call *call);

static inline struct control_call *control_call_of(struct wat_call *call)
{
	return (struct control_call *)(void *)call;
}

/* The instance whose Admin the call was made with; NULL, with the call's failure set, if it or the
 * grant is gone. */
struct instance *control_call_instance(struct control_call *call, wat_status *ret_status);

#endif
