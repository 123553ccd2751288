/* wat_fail on something that is no call. expect: member named 'api' */
#include "counter.service.h"

wat_status counter_on_reset(struct counter_reset_call *call, counter_state *state, const wat_empty *in, counter_value *out)
{
	(void)call, (void)state, (void)in, (void)out;
#ifndef RIGHT
	return wat_fail(state, WAT_INTERNAL, "no");
#endif
	return wat_fail(call, WAT_INTERNAL, "no");
}
