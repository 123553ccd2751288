/* call.h - a call of a service: admitted, run, answered. Instance's thread. */
#ifndef WAT_HOST_CALL_H
#define WAT_HOST_CALL_H

#include <stdint.h>

#include "proto/arena.h"
#include "proto/dispatch.h"
#include "proto/flat.h"
#include "proto/frame.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct channel;
struct grant;
struct lane;
struct lane_taken;
struct service_loop;

/* One at hand at a time, embedded in the loop; a call whose method answers later is on the heap
 * with memory of its own, and belongs to the loop from when it was taken. */
struct call {
	struct dispatch_call base;
	struct service_loop *loop;
	struct channel *channel;  /* NULL: gone, the answer goes nowhere */
	struct lane *lane;        /* NULL: gone, the answer is not kept either */
	struct lane_taken *taken; /* how the lane knows a call that may be answered later, */
	struct lane_taken *spare; /* and the memory for that, before */
	uint64_t hash;            /* of the request, where it may change something */
	const uint8_t *request;   /* in the channel's buffer, until its handler has ended */
	size_t n_request;
	bool keeps;     /* its answer is kept in the lane */
	bool ran;       /* its handler was run: the answer goes with the batch */
	bool condemned; /* the calls before it are run again, and it is answered from the lane */
	struct grant *grant;         /* held by a call on the heap */
	struct list link;            /* of a call that was taken: loop->taken or loop->answered */
	struct arena own;            /* memory of a call on the heap */
	const struct wat_user *user; /* who called; NULL: nobody */
	uint64_t connection, invocation;
	const char *lifecycle;      /* name of the handler where there is no method */
	struct wat_context context; /* filled when the handler asks; size 0 until then */
	const uint8_t *packed;      /* the reply, once it was looked at: in flat, or the arena */
	size_t n_packed;
	uint8_t flat[FLAT_PACKED_MAX];
};

/* A CALL frame, from admission to its answer in the channel's buffer. */
void call_run(struct channel *channel, const struct frame *frame, const uint8_t *body);

/* Runs a lifecycle handler, if the service has it; the state is what it made of it, or as it was.
 * user: NULL for Start and Stop. WAT_OK, or a status with *ret_text (valid until the next call) and
 * whether it was a panic. */
wat_status call_run_lifecycle(struct service_loop *loop,
			      enum dispatch_lifecycle which,
			      const struct wat_user *user,
			      const char **ret_text,
			      bool *ret_panicked) WAT_MUST_CHECK;

/* FAIL without a call object. */
void call_refuse(struct channel *channel, uint64_t id, wat_status status, const char *text);

/* The state is as in these bytes; a live form is built from them. False: it can't be. */
bool call_restore(struct service_loop *loop, const uint8_t *state, size_t n) WAT_MUST_CHECK;
/* Calls that were taken in the batch that is withdrawn are answered so, but for those of the
 * channel that is read again (NULL: none is). */
void call_withdraw_taken(struct service_loop *loop,
			 wat_status status,
			 const char *text,
			 const struct channel *again);
/* An open call is answered to nobody. */
void call_forget(struct call *call);
/* Open calls of the lane are answered to nobody. */
void call_forget_lane(struct service_loop *loop, const struct lane *lane);
/* The channel ends: what it took is answered to nobody. */
void call_forget_channel(struct channel *channel);
/* Fails all open calls, or those of one grant, and ends them. */
void call_fail_taken(struct service_loop *loop,
		     const struct grant *grant,
		     wat_status status,
		     const char *text);
/* At the end of the instance. */
void call_drop_taken(struct service_loop *loop);

#endif
