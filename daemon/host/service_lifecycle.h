/* service_lifecycle.h - lifecycle handlers as parts of a request. Instance's thread. Where one says
 * bool, false means that the request is failed. */
#ifndef WAT_HOST_SERVICE_LIFECYCLE_H
#define WAT_HOST_SERVICE_LIFECYCLE_H

#include <stdbool.h>

#include "daemon/host/request.h"
#include "proto/dispatch.h"
#include "proto/support/must_check.h"

struct service_loop;

void request_fail(struct request *request, wat_status status, const char *text);

/* With the chain: which handler of which instance said so. */
void request_fail_with(struct service_loop *loop,
		       struct request *request,
		       wat_status status,
		       Wat__Envelope__CauseKind kind,
		       const char *method,
		       const char *text);

/* Runs START or STOP. status_of_failure: instead of the handler's own; WAT_OK: that one. */
bool request_run_lifecycle(struct service_loop *loop,
			   struct request *request,
			   enum dispatch_lifecycle which,
			   wat_status status_of_failure) WAT_MUST_CHECK;
bool request_load_self(struct service_loop *loop, struct request *request) WAT_MUST_CHECK;
/* The answer is the state as it was last committed, whatever became of a live form since. */
bool request_give_committed(struct service_loop *loop, struct request *request) WAT_MUST_CHECK;
/* The answer is the state. */
bool request_give_state(struct service_loop *loop, struct request *request) WAT_MUST_CHECK;

/* If the service has the handler, the answer is the state it left. */
void request_run_provision(struct service_loop *loop,
			   struct request *request,
			   const struct wat_user *user);
/* A failing handler keeps nobody a user: it is logged. */
void request_run_deprovision(struct service_loop *loop,
			     struct request *request,
			     const struct wat_user *user);

#endif
