/* A handler with another request. expect: conflicting types for 'counter_on_increment' */
#include "counter.service.h"

#ifdef RIGHT
#define REQUEST counter_amount
#else
#define REQUEST counter_value
#endif

wat_status counter_on_increment(struct counter_increment_call *call, counter_state *state, const REQUEST *in, counter_value *out)
{
	(void)call, (void)state, (void)in, (void)out;
	return WAT_OK;
}
