/* dispatch.h - the way of a request through a service: decode (checked) -> handler -> reply. Serves
 * plugins in the host, and the node, admin and session services in watd. Pure: no descriptor, clock
 * or log; what needs one comes in as an operation. */
#ifndef WAT_PROTO_DISPATCH_H
#define WAT_PROTO_DISPATCH_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/arena.h"
#include "proto/flat.h"
#include "proto/interface.h"
#include "proto/limits.h"
#include "proto/support/must_check.h"

struct dispatch_call;

struct dispatch_ops {
	/* A call that was taken is answered now: call->status, and call->reply or call->text.
	 * Called once, outside the handler that took it or inside another one; the call belongs to
	 * the server again. */
	void (*answer_taken)(struct dispatch_call *);
	/* Leaves the running handler by longjmp, after call->status and call->text were set: a
	 * panic (SERVER_DIED) or an allocation over the limit (RESOURCE_EXHAUSTED). Must not
	 * return. NULL where no handler does that. */
	void (*leave)(struct dispatch_call *) __attribute__((noreturn));
	void (*log)(struct dispatch_call *, int level, const char *format, va_list);
	uint64_t (*now)(struct dispatch_call *);
	void (*random)(struct dispatch_call *, void *, size_t);
	const struct wat_context *(*context)(struct dispatch_call *);
};

/* Embedded first in the server's own call object; handlers see it as their typed call handle. */
struct dispatch_call {
	struct wat_call base;
	const struct dispatch_ops *ops;
	struct arena *arena; /* memory of the call; of its own where the method answers later */
	struct flat_known *flat_requests; /* of the interface's methods; NULL: each is looked at */
	const ProtobufCMessage *in;
	const ProtobufCMessage *reply; /* in the arena; set where status is OK */
	wat_status status;
	bool running, taken, answered;
	bool neglected;                  /* its `later` handler neither answered nor took it */
	char text[WAT_FAILURE_TEXT_MAX]; /* of a failure */
};

/* The arena must be empty or hold only what may go with the call. */
void dispatch_call_init(struct dispatch_call *call,
			const struct dispatch_ops *ops,
			struct arena *arena,
			uint64_t id);

/* Steps before the handler: is there such a method (UNIMPLEMENTED), is it in the mask
 * (ACCESS_DENIED), do the bytes decode (INVALID_ARGUMENT with path, expected, got). On a status but
 * OK call->text says why and the call is answered. */
wat_status dispatch_decode(struct dispatch_call *call,
			   const struct wat_interface *interface,
			   uint64_t method_mask,
			   uint16_t method,
			   const uint8_t *body,
			   size_t n) WAT_MUST_CHECK;

enum dispatch_outcome {
	DISPATCH_REPLY,  /* call->reply is the answer */
	DISPATCH_FAILED, /* call->status and call->text */
	DISPATCH_TAKEN, /* the call will be answered through ops->answer_taken; the server must keep
			   it and its arena */
};

/* Runs the handler of call->base.method. A `later` handler that neither answered nor took the call
 * is INTERNAL; answers given by one that then fails are withdrawn. */
enum dispatch_outcome dispatch_invoke(struct dispatch_call *call,
				      const struct wat_service *service,
				      void *state) WAT_MUST_CHECK;

enum dispatch_lifecycle {
	DISPATCH_START,
	DISPATCH_STOP,
	DISPATCH_PROVISION,
	DISPATCH_DEPROVISION,
	DISPATCH_DISCONNECT,
};

/* "Start", "Provision", ... */
const char *dispatch_lifecycle_name(enum dispatch_lifecycle which);
bool dispatch_has_lifecycle(const struct wat_service *service, enum dispatch_lifecycle which);

/* Runs a lifecycle handler that the service has; user is NULL for Start and Stop. WAT_OK, or the
 * status with call->text. */
wat_status dispatch_lifecycle(struct dispatch_call *call,
			      const struct wat_service *service,
			      enum dispatch_lifecycle which,
			      void *state,
			      const struct wat_user *user) WAT_MUST_CHECK;

/* The live form from the message and back, for a service that has one: WAT_OK, or the status with
 * call->text. */
wat_status dispatch_load(struct dispatch_call *call,
			 const struct wat_service *service,
			 const ProtobufCMessage *state,
			 void **ret_self) WAT_MUST_CHECK;
wat_status dispatch_save(struct dispatch_call *call,
			 const struct wat_service *service,
			 const void *self,
			 ProtobufCMessage *state) WAT_MUST_CHECK;

/* Fails the call from outside a handler (a panic, a stop). */
void dispatch_set_failure(struct dispatch_call *call, wat_status status, const char *format, ...)
	WAT_PRINTF(3, 4);

#endif
