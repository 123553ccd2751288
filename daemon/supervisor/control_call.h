/* control_call.h - a call of the session, node or admin service on a control connection. Loop
 * thread. Heap objects, each with its own memory: they outlive the frame, and the session too when
 * an operation holds them. */
#ifndef WAT_SUPERVISOR_CONTROL_CALL_H
#define WAT_SUPERVISOR_CONTROL_CALL_H

#include "daemon/supervisor/session.h"
#include "proto/dispatch.h"
#include "proto/support/list.h"

struct instance;

struct control_call {
	struct dispatch_call base;
	struct arena arena;
	struct list of_session;
	struct list of_operation; /* where the call waits for an operation */
	struct node *node;
	struct session *session; /* NULL: gone, the answer goes nowhere */
	uint64_t id;
	uint32_t handle;
	struct binding binding;
	Wat__Envelope__Failure *failure; /* chain for a FAIL; owned */
};

/* Runs a CALL frame of the session. */
void control_call_run(struct session *session, const struct frame *frame, const uint8_t *body);
/* The session ends: its open calls go on without it. */
void control_calls_orphan(struct session *session);

static inline struct control_call *control_call_of(struct wat_call *call)
{
	return (struct control_call *)(void *)call;
}

/* The instance whose Admin the call was made with; NULL, with the call's failure set, if it or the
 * grant is gone. */
struct instance *control_call_instance(struct control_call *call, wat_status *ret_status);

#endif
