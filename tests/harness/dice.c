/* dice.c - the service of dice.proto. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.service.h"

#define EVENTS_MAX 32
#define WAITING_MAX 8

struct dice_table {
	int64_t rolls;
	uint32_t seats, users;
	size_t n_events, n_waiting;
	char events[EVENTS_MAX][64];
	struct dice_wait_call *waiting[WAITING_MAX];
};

static void note(struct dice_table *self, const char *what, const char *whom)
{
	if (self->n_events < EVENTS_MAX)
		(void)snprintf(self->events[self->n_events++], sizeof *self->events, "%s%s%s", what,
			       *whom ? " " : "", whom);
}

int dice_load(struct dice_load_call *call, const dice_state *state, struct dice_table **ret_self)
{
	struct dice_table *self = calloc(1, sizeof *self);

	(void)call;
	if (!self)
		return -ENOMEM;
	self->rolls = state->rolls;
	self->seats = state->seats;
	for (size_t i = 0; i < state->n_events; i++)
		note(self, state->events[i], "");
	note(self, "load", "");
	*ret_self = self;
	return 0;
}

static void list_events(struct wat_call *call,
			const struct dice_table *self,
			char ***ret,
			size_t *n)
{
	*n = self->n_events;
	*ret = call->api->alloc(call, self->n_events * sizeof(**ret));
	for (size_t i = 0; i < self->n_events; i++)
		(*ret)[i] = call->api->copy_string(call, self->events[i]);
}

int dice_save(struct dice_save_call *call, const struct dice_table *self, dice_state *state)
{
	state->rolls = self->rolls;
	state->seats = self->seats;
	list_events(&call->base, self, &state->events, &state->n_events);
	return 0;
}

void dice_free(struct dice_table *self)
{
	free(self);
}

wat_status dice_on_start(struct dice_start_call *call, struct dice_table *self)
{
	if (self->seats == 0)
		return wat_fail(call, WAT_INVALID_ARGUMENT, "a table needs seats");
	note(self, "start", "");
	return WAT_OK;
}

wat_status dice_on_stop(struct dice_stop_call *call, struct dice_table *self)
{
	(void)call;
	note(self, "stop", "");
	return WAT_OK;
}

wat_status dice_on_provision(struct dice_provision_call *call,
			     struct dice_table *self,
			     const struct wat_user *user)
{
	if (self->users == self->seats)
		return wat_fail(call, WAT_RESOURCE_EXHAUSTED, "no seat for %s", user->name);
	self->users++;
	note(self, "provision", user->name);
	return WAT_OK;
}

wat_status dice_on_deprovision(struct dice_deprovision_call *call,
			       struct dice_table *self,
			       const struct wat_user *user)
{
	(void)call;
	self->users--;
	note(self, "deprovision", user->name);
	return WAT_OK;
}

wat_status dice_on_disconnect(struct dice_disconnect_call *call,
			      struct dice_table *self,
			      const struct wat_user *user)
{
	(void)call;
	note(self, "disconnect", user->name);
	return WAT_OK;
}

wat_status dice_on_roll(struct dice_roll_call *call,
			struct dice_table *self,
			const wat_empty *in,
			dice_number *out)
{
	(void)in;
	self->rolls++;
	wat_random(call, &out->n, sizeof out->n);
	return WAT_OK;
}

wat_status dice_on_now(struct dice_now_call *call,
		       struct dice_table *self,
		       const wat_empty *in,
		       dice_number *out)
{
	(void)self;
	(void)in;
	out->n = wat_now(call);
	return WAT_OK;
}

wat_status dice_on_who(struct dice_who_call *call,
		       struct dice_table *self,
		       const wat_empty *in,
		       dice_text *out)
{
	(void)self;
	(void)in;
	out->text = wat_strdup(call, wat_context(call)->user->name);
	return WAT_OK;
}

wat_status dice_on_seen(struct dice_seen_call *call,
			struct dice_table *self,
			const wat_empty *in,
			dice_events *out)
{
	(void)in;
	list_events(&call->base, self, &out->events, &out->n_events);
	return WAT_OK;
}

wat_status dice_on_echo(struct dice_echo_call *call,
			struct dice_table *self,
			const dice_text *in,
			dice_text *out)
{
	(void)self;
	out->text = wat_strdup(call, in->text);
	return WAT_OK;
}

wat_status dice_on_wait(struct dice_wait_call *call, struct dice_table *self, const wat_empty *in)
{
	(void)in;
	if (self->n_waiting == WAITING_MAX)
		return wat_fail(call, WAT_RESOURCE_EXHAUSTED, "too many wait");
	self->waiting[self->n_waiting++] = call;
	return dice_wait_take(call);
}

wat_status dice_on_tick(struct dice_tick_call *call,
			struct dice_table *self,
			const dice_number *in,
			dice_number *out)
{
	(void)call;
	out->n = self->n_waiting;
	for (size_t i = 0; i < self->n_waiting; i++)
		(void)dice_wait_reply(self->waiting[i], in);
	self->n_waiting = 0;
	return WAT_OK;
}

wat_status dice_on_panic(struct dice_panic_call *call,
			 struct dice_table *self,
			 const wat_empty *in,
			 wat_empty *out)
{
	(void)in;
	(void)out;
	self->rolls = -1;
	wat_panic(call, "the table fell over");
}
