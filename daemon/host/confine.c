/* confine.c - wat.host.Host.Confine: the sandbox, and then the thread that waits for the end of
 * watd, which has to be inside. Main thread. Until then that end is the end of the control socket,
 * which is all that is read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <wat/host.service.h>

#include "daemon/host/control.h"
#include "daemon/host/control_call.h"
#include "daemon/host/lifeline.h"

static enum landlock_use use_of(Wat__Host__Use use)
{
	return use == WAT__HOST__USE__LOAD   ? LANDLOCK_LOAD
	       : use == WAT__HOST__USE__READ ? LANDLOCK_READ
					     : LANDLOCK_WRITE;
}

static int enter(struct control *control, const Wat__Host__ConfineRequest *in, struct arena *arena)
{
	struct landlock_place *places = arena_alloc(arena, in->n_places * sizeof *places);
	struct sandbox_wants wants = {
		.places = places,
		.n_places = in->n_places,
		.net = in->net,
		.pool = in->pool,
		.trusted = in->trusted,
		.landlock = landlock_abi(),
	};

	if (!places && in->n_places > 0) {
		(void)snprintf(control->unconfined, sizeof control->unconfined,
			       "no memory to confine the host");
		return -ENOMEM;
	}
	for (size_t i = 0; i < in->n_places; i++)
		places[i] = (struct landlock_place){
			.path = in->places[i]->path,
			.use = use_of(in->places[i]->use),
			/* What can't be loaded is said by who loads it. */
			.optional = in->places[i]->use == WAT__HOST__USE__LOAD,
		};
	return sandbox_enter(&control->sandbox, &wants, control->unconfined);
}

static int confine(struct control *control,
		   const Wat__Host__ConfineRequest *in,
		   struct arena *arena)
{
	int r = enter(control, in, arena);

	if (r < 0)
		return r;
	r = lifeline_watch(control->lifeline);
	if (r < 0)
		(void)snprintf(control->unconfined, sizeof control->unconfined,
			       "the host can't watch over its watd: %s", strerror(-r));
	return r;
}

wat_status host_on_confine(struct host_confine_call *c,
			   Wat__Empty *state,
			   const Wat__Host__ConfineRequest *in,
			   Wat__Empty *out)
{
	struct control_call *call = control_call_of(&c->base);
	struct control *control = call->control;

	(void)state;
	(void)out;
	if (control->confined || control->sandbox.stage != SANDBOX_NONE)
		return c->base.api->fail(&c->base, WAT_FAILED_PRECONDITION,
					 "this host is confined already");
	control->pool = in->pool;
	if (confine(control, in, &call->arena) < 0)
		return c->base.api->fail(&c->base, WAT_START_FAILED, "%s", control->unconfined);
	control->confined = true;
	return WAT_OK;
}
