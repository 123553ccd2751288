/* tally.c - a service whose journal holds calls: everything that comes from outside is in its
 * state, and in its answers. */
#include <string.h>

#include "tally.service.h"

#define SALT_SIZE 12u

wat_status tally_on_get(struct tally_get_call *call,
			tally_state *state,
			const wat_empty *in,
			tally_state *out)
{
	(void)in;
	out->value = state->value;
	out->calls = state->calls;
	out->last_ns = state->last_ns;
	out->trace = state->trace;
	out->users = state->users;
	out->salt = state->salt;
	out->by = wat_strdup(call, state->by);
	return WAT_OK;
}

static void *draw(struct wat_call *call, size_t n)
{
	void *bytes = call->api->alloc(call, n);

	call->api->random(call, bytes, n);
	return bytes;
}

/* Everything that there is to be asked for, and twice the time. */
static void add(struct wat_call *call, tally_state *state, int64_t n, tally_sum *out)
{
	const struct wat_context *context = call->api->context(call);
	uint64_t began_ns = call->api->now(call);

	state->value += n;
	state->calls++;
	state->salt = (ProtobufCBinaryData){SALT_SIZE, draw(call, SALT_SIZE)};
	state->by = call->api->copy_string(call, context->user->name);
	state->trace = state->trace * 31 + context->invocation * 7 + context->connection +
		       context->start_ns + call->id + context->user->id[0];
	state->last_ns = call->api->now(call);
	out->value = state->value;
	out->now_ns = state->last_ns - began_ns / 2;
	out->salt = state->salt;
	out->by = state->by;
	out->trace = state->trace;
}

wat_status tally_on_add(struct tally_add_call *call,
			tally_state *state,
			const tally_amount *in,
			tally_sum *out)
{
	add(&call->base, state, in->n, out);
	return WAT_OK;
}

wat_status tally_on_add_then_fail(struct tally_add_then_fail_call *call,
				  tally_state *state,
				  const tally_amount *in,
				  tally_sum *out)
{
	add(&call->base, state, in->n, out);
	return wat_fail(call, WAT_ABORTED, "told to");
}

wat_status tally_on_add_then_panic(struct tally_add_then_panic_call *call,
				   tally_state *state,
				   const tally_amount *in,
				   tally_sum *out)
{
	add(&call->base, state, in->n, out);
	wat_panic(call, "told to");
}

wat_status tally_on_draw(struct tally_draw_call *call,
			 tally_state *state,
			 const tally_size *in,
			 tally_sum *out)
{
	uint8_t *bytes = draw(&call->base, in->n);

	state->trace = 0;
	for (uint64_t i = 0; i < in->n; i++)
		state->trace = state->trace * 31 + bytes[i];
	out->trace = state->trace;
	return WAT_OK;
}

wat_status tally_on_pad(struct tally_pad_call *call,
			tally_state *state,
			const tally_size *in,
			tally_sum *out)
{
	state->padding = wat_alloc(call, in->n + 1);
	memset(state->padding, 'x', in->n);
	out->value = state->value;
	return WAT_OK;
}

wat_status tally_on_provision(struct tally_provision_call *call,
			      tally_state *state,
			      const struct wat_user *user)
{
	state->users++;
	state->by = wat_strdup(call, user->name);
	return WAT_OK;
}

wat_status tally_on_disconnect(struct tally_disconnect_call *call,
			       tally_state *state,
			       const struct wat_user *user)
{
	(void)user;
	state->last_ns = wat_now(call);
	return WAT_OK;
}
