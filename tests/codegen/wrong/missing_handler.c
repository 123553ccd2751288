/* Reset has no handler: must not link. expect: undefined reference to `counter_on_reset' */
#include "counter.service.h"

wat_status counter_on_get(struct counter_get_call *call, counter_state *state, const wat_empty *in, counter_value *out)
{
	(void)call, (void)in;
	out->value = state->value;
	return WAT_OK;
}

wat_status counter_on_increment(struct counter_increment_call *call, counter_state *state, const counter_amount *in, counter_value *out)
{
	(void)call;
	out->value = state->value += in->n;
	return WAT_OK;
}
