/* counter.c - a number that many users share. Runs on its instance's thread. */
#include "counter.service.h"

wat_status counter_on_get(struct counter_get_call *call,
			  counter_state *state,
			  const wat_empty *in,
			  counter_value *out)
{
	(void)call;
	(void)in;
	out->value = state->value;
	return WAT_OK;
}

wat_status counter_on_increment(struct counter_increment_call *call,
				counter_state *state,
				const counter_amount *in,
				counter_value *out)
{
	int64_t sum;

	if (__builtin_add_overflow(state->value, in->n, &sum))
		return wat_fail(call, WAT_OUT_OF_RANGE, "%" PRId64 " + %" PRId64 " does not fit",
				state->value, in->n);
	out->value = state->value = sum;
	return WAT_OK;
}

wat_status counter_on_reset(struct counter_reset_call *call,
			    counter_state *state,
			    const wat_empty *in,
			    counter_value *out)
{
	(void)call;
	(void)in;
	out->value = state->value = 0;
	return WAT_OK;
}
