/* Handlers of both files' services. */
#include "left.service.h"
#include "right.service.h"

wat_status left_on_swap(struct left_swap_call *call,
			left_state *state,
			const shared_thing *in,
			shared_thing *out)
{
	(void)call, (void)state;
	out->kind = in->kind;
	return WAT_OK;
}

wat_status left_other_on_keep(struct left_other_keep_call *call,
			shared_thing *state,
			const shared_thing *in,
			left_state *out)
{
	(void)call, (void)out;
	state->kind = in->kind;
	return WAT_OK;
}

wat_status right_on_swap(struct right_swap_call *call,
			right_state *state,
			const shared_thing *in,
			shared_thing *out)
{
	(void)call, (void)state;
	out->kind = in->kind;
	return WAT_OK;
}

wat_status right_other_on_keep(struct right_other_keep_call *call,
			shared_thing *state,
			const shared_thing *in,
			right_state *out)
{
	(void)call, (void)out;
	state->kind = in->kind;
	return WAT_OK;
}
