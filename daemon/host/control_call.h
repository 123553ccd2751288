/* control_call.h - a call of wat.host.Host: from watd to the instance and back. Main thread. A heap
 * object with its own memory; while its request is with an instance, that thread reads the message
 * in it. */
#ifndef WAT_HOST_CONTROL_CALL_H
#define WAT_HOST_CONTROL_CALL_H

#include "daemon/host/request.h"
#include "proto/arena.h"
#include "proto/dispatch.h"
#include "proto/frame.h"

struct control;
struct instance;

struct control_call {
	struct dispatch_call base;
	struct arena arena;
	struct list link; /* control->calls */
	struct control *control;
	struct instance *instance; /* that the request went to */
	struct request request;
};

/* Runs a CALL frame; takes fd. */
void control_call_run(struct control *control,
		      const struct frame *frame,
		      const uint8_t *body,
		      int fd);
/* An instance gives the request back: the answer goes to watd. */
void control_call_served(struct control *control, struct request *request);

static inline struct control_call *control_call_of(struct wat_call *call)
{
	return (struct control_call *)(void *)call;
}

#endif
