/* refusals.c - what the gate refuses, on its way to watd. */
#include "daemon/gate/refusals.h"

#include <errno.h>
#include <event2/event.h>

#include "daemon/gate/gate.h"

static const struct timeval window = {.tv_sec = 1};

static void tell(struct refusals *refusals, unsigned limit)
{
	Wat__Gate__Refused message = WAT__GATE__REFUSED__INIT;
	const struct refused *last = &refusals->limits[limit].last;

	message.limit = limit;
	message.count = refusals->limits[limit].n;
	message.address = (char *)(uintptr_t)last->address;
	message.uid = last->uid;
	message.pid = (uint32_t)last->pid;
	/* Without memory it is told in the next second. */
	if (gate_tell_refused(refusals->gate, &message) == 0)
		refusals->limits[limit].n = 0;
}

static void on_over(int fd, short what, void *arg)
{
	struct refusals *refusals = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < OVERLOADS_END; i++)
		if (refusals->limits[i].n > 0)
			tell(refusals, i);
}

int refusals_init(struct refusals *refusals, struct gate *gate)
{
	refusals->gate = gate;
	refusals->over = evtimer_new(gate->patient.base, on_over, refusals);
	return refusals->over ? 0 : -ENOMEM;
}

void refusals_deinit(struct refusals *refusals)
{
	if (refusals->over)
		event_free(refusals->over);
	refusals->over = NULL;
}

void refusals_add(struct refusals *refusals, enum overload limit, const struct refused *who)
{
	if (refusals->limits[limit].n < UINT32_MAX)
		refusals->limits[limit].n++;
	refusals->limits[limit].last = *who;
	if (!evtimer_pending(refusals->over, NULL))
		(void)evtimer_add(refusals->over, &window);
}
