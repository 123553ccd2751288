/* parked_call.c - calls that only wait. Loop thread. */
#include "daemon/supervisor/parked_call.h"

#include <errno.h>
#include <event2/event.h>

#include "daemon/supervisor/node.h"
#include "proto/failure.h"

#define MARGIN_MAX_MS 1000u

static void on_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct parked_call *parked = arg;

	(void)fd;
	(void)what;
	parked->overdue(parked);
}

/* The answer should be there before the caller gives up. */
static struct timeval time_to_wait(uint32_t budget_ms)
{
	uint32_t margin = budget_ms / 10 < MARGIN_MAX_MS ? budget_ms / 10 : MARGIN_MAX_MS;
	uint32_t ms = budget_ms - margin;

	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000};
}

int parked_call_init(struct parked_call *parked, struct wat_call *base, struct list *where)
{
	struct control_call *call = control_call_of(base);
	struct timeval timeout = time_to_wait(call->budget_ms);

	parked->timer = NULL;
	if (call->budget_ms > 0) {
		parked->timer = evtimer_new(call->node->base, on_overdue, parked);
		if (!parked->timer || evtimer_add(parked->timer, &timeout) < 0) {
			if (parked->timer)
				event_free(parked->timer);
			return -ENOMEM;
		}
	}
	parked->call = call;
	call->parked = parked;
	list_append(where, &parked->link);
	(void)base->api->take(base);
	return 0;
}

static struct control_call *let_go(struct parked_call *parked)
{
	struct control_call *call = parked->call;

	list_remove(&parked->link);
	if (parked->timer)
		event_free(parked->timer);
	parked->timer = NULL;
	parked->call = NULL;
	call->parked = NULL;
	return call;
}

void parked_call_reply(struct parked_call *parked, const ProtobufCMessage *reply)
{
	struct wat_call *call = &let_go(parked)->base.base;

	(void)call->api->reply(call, reply);
}

void parked_call_fail_with(struct parked_call *parked,
			   wat_status status,
			   const Wat__Envelope__Failure *chain,
			   const char *text)
{
	struct control_call *call = let_go(parked);

	call->failure = chain ? failure_copy(chain) : NULL;
	(void)call->base.base.api->fail(&call->base.base, status, "%s", text);
}

void parked_call_drop(struct parked_call *parked)
{
	control_call_free(let_go(parked));
}
