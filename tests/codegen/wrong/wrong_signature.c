/* A handler with another request. expect: conflicting types for 'counter_on_increment' */
#include "counter.service.h"

wat_status counter_on_increment(struct counter_increment_call *call, counter_state *state, const counter_value *in, counter_value *out)
{
	(void)call, (void)state, (void)in, (void)out;
	return WAT_OK;
}
