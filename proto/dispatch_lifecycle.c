/* dispatch_lifecycle.c - handlers that no request is for: lifecycle, load and save. Runs on the
 * thread of whoever serves the service. */
#include <errno.h>
#include <string.h>

#include "proto/dispatch.h"

const char *dispatch_lifecycle_name(enum dispatch_lifecycle which)
{
	static const char *const names[] = {
		[DISPATCH_START] = "Start",           [DISPATCH_STOP] = "Stop",
		[DISPATCH_PROVISION] = "Provision",   [DISPATCH_DEPROVISION] = "Deprovision",
		[DISPATCH_DISCONNECT] = "Disconnect",
	};

	return names[which];
}

static wat_lifecycle_handler *plain_handler(const struct wat_service *service,
					    enum dispatch_lifecycle which)
{
	if (which == DISPATCH_START)
		return service->on_start;
	return which == DISPATCH_STOP ? service->on_stop : NULL;
}

static wat_user_handler *user_handler(const struct wat_service *service,
				      enum dispatch_lifecycle which)
{
	if (which == DISPATCH_PROVISION)
		return service->on_provision;
	if (which == DISPATCH_DEPROVISION)
		return service->on_deprovision;
	return which == DISPATCH_DISCONNECT ? service->on_disconnect : NULL;
}

bool dispatch_has_lifecycle(const struct wat_service *service, enum dispatch_lifecycle which)
{
	return plain_handler(service, which) || user_handler(service, which);
}

/* A handler may return a bare status. */
static wat_status conclude(struct dispatch_call *call, wat_status status)
{
	call->running = false;
	if (status != WAT_OK && call->status != status)
		dispatch_set_failure(call, status, "%s", wat_status_text((int)status));
	return status;
}

wat_status dispatch_lifecycle(struct dispatch_call *call,
			      const struct wat_service *service,
			      enum dispatch_lifecycle which,
			      void *state,
			      const struct wat_user *user)
{
	wat_lifecycle_handler *plain = plain_handler(service, which);

	call->base.method = NULL;
	call->running = true;
	return conclude(call, plain ? plain(&call->base, state)
				    : user_handler(service, which)(&call->base, state, user));
}

/* load and save say 0, a status or a negative errno. */
static wat_status conclude_number(struct dispatch_call *call, const char *what, int r)
{
	call->running = false;
	if (r == 0)
		return WAT_OK;
	if (r < 0)
		dispatch_set_failure(call, WAT_INTERNAL, "%s: %s", what, strerror(-r));
	else if (call->status != (wat_status)r)
		dispatch_set_failure(call, (wat_status)r, "%s: %s", what, wat_status_text(r));
	return call->status;
}

wat_status dispatch_load(struct dispatch_call *call,
			 const struct wat_service *service,
			 const ProtobufCMessage *state,
			 void **ret_self)
{
	void *self = NULL;
	int r;

	call->base.method = NULL;
	call->running = true;
	r = service->self->load(&call->base, state, &self);
	if (r == 0 && !self)
		r = -ENODATA;
	if (conclude_number(call, "load", r) != WAT_OK)
		return call->status;
	*ret_self = self;
	return WAT_OK;
}

wat_status dispatch_save(struct dispatch_call *call,
			 const struct wat_service *service,
			 const void *self,
			 ProtobufCMessage *state)
{
	call->base.method = NULL;
	call->running = true;
	return conclude_number(call, "save", service->self->save(&call->base, self, state));
}
