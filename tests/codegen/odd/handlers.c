/* handlers.c - what odd.proto asks for. */
#include "odd.service.h"

wat_status
odd_on_find(struct odd_find_call *call, odd_state *state, const nowhere_lost *in, nowhere_lost *out)
{
	state->value++;
	out->where = wat_strdup(call, in->where);
	return WAT_OK;
}

wat_status odd_on_start(struct odd_start_call *call, odd_state *state)
{
	(void)call;
	state->value = 1;
	return WAT_OK;
}

wat_status odd_on_stop(struct odd_stop_call *call, odd_state *state)
{
	(void)call;
	state->value = 0;
	return WAT_OK;
}
