/* ballot.c - counts who called how often. A state that is not whole shows. */
#include "ballot.service.h"

#include <string.h>

#define CLIENTS 4u
#define PATTERN 5000u

static void fill(ballot_state *state)
{
	for (size_t i = 0; i < state->pattern.len; i++)
		state->pattern.data[i] = (uint8_t)(state->place * 31 + i / 512 * 7);
}

static wat_status begin(struct wat_call *call, ballot_state *state)
{
	state->last = call->api->alloc(call, CLIENTS * sizeof *state->last);
	state->n_last = CLIENTS;
	memset(state->last, 0, CLIENTS * sizeof *state->last);
	state->pattern.data = call->api->alloc(call, PATTERN);
	state->pattern.len = PATTERN;
	return WAT_OK;
}

wat_status ballot_on_put(struct ballot_put_call *call,
			 ballot_state *state,
			 const ballot_entry *in,
			 ballot_receipt *out)
{
	if (in->client >= CLIENTS)
		return wat_fail(call, WAT_OUT_OF_RANGE, "client %u", in->client);
	if (state->n_last == 0)
		(void)begin(&call->base, state);
	state->n_disordered += in->number != state->last[in->client] + 1;
	state->last[in->client]++;
	state->place++;
	fill(state);
	out->place = state->place;
	if (in->reply > 0) {
		out->padding.data = wat_alloc(call, in->reply);
		out->padding.len = in->reply;
		memset(out->padding.data, 'x', in->reply);
	}
	return WAT_OK;
}

wat_status ballot_on_read(struct ballot_read_call *call,
			  ballot_state *state,
			  const wat_empty *in,
			  ballot_state *out)
{
	(void)in;
	out->place = state->place;
	out->n_disordered = state->n_disordered;
	out->n_last = state->n_last;
	out->last = wat_alloc(call, (state->n_last + 1) * sizeof *out->last);
	if (state->n_last > 0)
		memcpy(out->last, state->last, state->n_last * sizeof *out->last);
	out->pattern.len = state->pattern.len;
	out->pattern.data = wat_alloc(call, state->pattern.len + 1);
	if (state->pattern.len > 0)
		memcpy(out->pattern.data, state->pattern.data, state->pattern.len);
	return WAT_OK;
}
