/* probe_gauge.c - a service whose state is scalars only, and that breaks off after changing it.
 * Runs on its instance's thread. */
#include "probe.service.h"

static void put(probe_gauge_state *state, const probe_gauge_value *in)
{
	state->value = in->value;
	state->set = in->set;
}

static void show(const probe_gauge_state *state, probe_gauge_value *out)
{
	out->value = state->value;
	out->set = state->set;
}

wat_status probe_gauge_on_get(struct probe_gauge_get_call *call,
			      probe_gauge_state *state,
			      const wat_empty *in,
			      probe_gauge_value *out)
{
	(void)call;
	(void)in;
	show(state, out);
	return WAT_OK;
}

wat_status probe_gauge_on_set(struct probe_gauge_set_call *call,
			      probe_gauge_state *state,
			      const probe_gauge_value *in,
			      probe_gauge_value *out)
{
	(void)call;
	put(state, in);
	show(state, out);
	return WAT_OK;
}

wat_status probe_gauge_on_set_then_fail(struct probe_gauge_set_then_fail_call *call,
					probe_gauge_state *state,
					const probe_gauge_value *in,
					probe_gauge_value *out)
{
	(void)out;
	put(state, in);
	return wat_fail(call, WAT_FAILED_PRECONDITION, "set, then failed");
}

wat_status probe_gauge_on_set_then_panic(struct probe_gauge_set_then_panic_call *call,
					 probe_gauge_state *state,
					 const probe_gauge_value *in,
					 probe_gauge_value *out)
{
	(void)out;
	put(state, in);
	wat_check(call, state->value == in->value + 1);
	return WAT_OK;
}

wat_status probe_gauge_on_sneak(struct probe_gauge_sneak_call *call,
				probe_gauge_state *state,
				const probe_gauge_value *in,
				probe_gauge_value *out)
{
	(void)call;
	put(state, in);
	show(state, out);
	return WAT_OK;
}
