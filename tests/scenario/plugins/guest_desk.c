/* guest_desk.c - a service whose lifecycle handlers note what they saw, and behave as the state
 * says. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.service.h"
#include "guest_shapes.h"

static char *text(struct wat_call *call, const char *first, const char *second)
{
	size_t n = strlen(first) + strlen(second) + 2;
	char *out = call->api->alloc(call, n);

	(void)snprintf(out, n, "%s %s", first, second);
	return out;
}

static void note(struct wat_call *call, guest_desk_state *state, const char *what, const char *whom)
{
	char **events = call->api->alloc(call, (state->n_events + 1) * sizeof *events);

	if (state->n_events > 0)
		memcpy(events, state->events, state->n_events * sizeof *events);
	events[state->n_events++] = text(call, what, whom);
	state->events = events;
}

static wat_status behave(struct wat_call *call, Guest__Behaviour how)
{
	switch (how) {
	case GUEST__BEHAVIOUR__REFUSE:
		return call->api->fail(call, WAT_FAILED_PRECONDITION, "told to refuse");
	case GUEST__BEHAVIOUR__PANIC:
		call->api->panic(call, "guest_desk.c", 1, "told to panic");
	case GUEST__BEHAVIOUR__CRASH:
		fputs("these are my last words\n", stderr);
		abort();
	case GUEST__BEHAVIOUR__HANG:
		for (;;)
			pause();
	case GUEST__BEHAVIOUR__BARE:
		return WAT_UNAVAILABLE;
	default:
		return WAT_OK;
	}
}

wat_status guest_desk_on_start(struct guest_desk_start_call *call, guest_desk_state *state)
{
	note(&call->base, state, "start", "");
	state->started++;
	state->value++;
	return behave(&call->base, state->start);
}

wat_status guest_desk_on_stop(struct guest_desk_stop_call *call, guest_desk_state *state)
{
	note(&call->base, state, "stop", "");
	state->value *= 2;
	return behave(&call->base, state->stop);
}

static void add_present(struct guest_desk_provision_call *call,
			guest_desk_state *state,
			const struct wat_user *user)
{
	guest_person **present = wat_alloc(call, (state->n_present + 1) * sizeof *present);
	guest_person *person = wat_alloc(call, sizeof *person);

	if (state->n_present > 0)
		memcpy(present, state->present, state->n_present * sizeof *present);
	guest__person__init(person);
	person->name = wat_strdup(call, user->name);
	person->id.data = wat_alloc(call, 16);
	person->id.len = 16;
	memcpy(person->id.data, user->id, 16);
	present[state->n_present++] = person;
	state->present = present;
}

wat_status guest_desk_on_provision(struct guest_desk_provision_call *call,
				   guest_desk_state *state,
				   const struct wat_user *user)
{
	note(&call->base, state, "provision", user->name);
	if (state->capacity > 0 && state->n_present >= state->capacity)
		return wat_fail(call, WAT_RESOURCE_EXHAUSTED, "the desk is full: %zu of %u",
				state->n_present, state->capacity);
	add_present(call, state, user);
	return behave(&call->base, state->provision);
}

wat_status guest_desk_on_deprovision(struct guest_desk_deprovision_call *call,
				     guest_desk_state *state,
				     const struct wat_user *user)
{
	size_t kept = 0;

	note(&call->base, state, "deprovision", user->name);
	for (size_t i = 0; i < state->n_present; i++)
		if (memcmp(state->present[i]->id.data, user->id, 16) != 0)
			state->present[kept++] = state->present[i];
	state->n_present = kept;
	if (state->deprovision == GUEST__BEHAVIOUR__CRASH_ONCE && state->started == 1) {
		fputs("crash in the first try\n", stderr);
		abort();
	}
	return behave(&call->base, state->deprovision);
}

wat_status guest_desk_on_disconnect(struct guest_desk_disconnect_call *call,
				    guest_desk_state *state,
				    const struct wat_user *user)
{
	note(&call->base, state, "disconnect", user->name);
	return behave(&call->base, state->disconnect);
}

wat_status guest_desk_on_seen(struct guest_desk_seen_call *call,
			      guest_desk_state *state,
			      const wat_empty *in,
			      guest_events *out)
{
	(void)call;
	(void)in;
	out->events = state->events;
	out->n_events = state->n_events;
	return WAT_OK;
}

wat_status guest_desk_on_shape(struct guest_desk_shape_call *call,
			       guest_desk_state *state,
			       const wat_empty *in,
			       guest_shapes *out)
{
	(void)call;
	(void)in;
	if (state->shapes)
		*out = *state->shapes;
	return WAT_OK;
}

wat_status guest_desk_on_reshape(struct guest_desk_reshape_call *call,
				 guest_desk_state *state,
				 const guest_change *in,
				 guest_shapes *out)
{
	if (!state->shapes) {
		state->shapes = wat_alloc(call, sizeof *state->shapes);
		guest__shapes__init(state->shapes);
	}
	if (in->shapes)
		guest_copy_shapes(&call->base, state->shapes, in->shapes);
	*out = *state->shapes;
	return behave(&call->base, in->then);
}

wat_status guest_desk_on_who(struct guest_desk_who_call *call,
			     guest_desk_state *state,
			     const wat_empty *in,
			     guest_context *out)
{
	const struct wat_context *context = wat_context(call);

	(void)state;
	(void)in;
	out->service = wat_strdup(call, context->service);
	out->instance = wat_strdup(call, context->instance);
	out->method = wat_strdup(call, context->method);
	out->invocation = context->invocation;
	out->start_ns = context->start_ns;
	out->connection = context->connection;
	out->user = wat_strdup(call, context->user->name);
	out->user_id.data = wat_alloc(call, 16);
	out->user_id.len = 16;
	memcpy(out->user_id.data, context->user->id, 16);
	return WAT_OK;
}

wat_status guest_desk_on_add(struct guest_desk_add_call *call,
			     guest_desk_state *state,
			     const guest_number *in,
			     guest_number *out)
{
	(void)call;
	state->value += in->n;
	out->n = state->value;
	return WAT_OK;
}

wat_status guest_desk_on_prepare(struct guest_desk_prepare_call *call,
				 guest_desk_state *state,
				 const guest_change *in,
				 wat_empty *out)
{
	(void)call;
	(void)out;
	state->deprovision = in->then;
	return WAT_OK;
}

wat_status guest_desk_on_hidden(struct guest_desk_hidden_call *call,
				guest_desk_state *state,
				const guest_number *in,
				guest_number *out)
{
	(void)call;
	(void)state;
	out->n = in->n;
	return WAT_OK;
}
