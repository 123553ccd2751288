/* drift.c - what a deterministic service must not do. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "drift.service.h"

static uint64_t look(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

wat_status drift_on_get(struct drift_get_call *call,
			drift_state *state,
			const wat_empty *in,
			drift_state *out)
{
	(void)call;
	(void)in;
	out->value = state->value;
	return WAT_OK;
}

wat_status drift_on_add(struct drift_add_call *call,
			drift_state *state,
			const drift_amount *in,
			drift_time *out)
{
	out->value = state->value += in->n;
	out->ns = wat_now(call);
	return WAT_OK;
}

wat_status drift_on_add_and_look(struct drift_add_and_look_call *call,
				 drift_state *state,
				 const drift_amount *in,
				 drift_time *out)
{
	(void)call;
	out->value = state->value += in->n;
	out->ns = look();
	return WAT_OK;
}

/* The caller says which process runs it first. */
static bool is_other(const drift_amount *in)
{
#ifdef DRIFT_MENDED
	(void)in;
	return false;
#else
	return in->n != getpid();
#endif
}

wat_status drift_on_add_once(struct drift_add_once_call *call,
			     drift_state *state,
			     const drift_amount *in,
			     drift_time *out)
{
	out->value = ++state->value;
	wat_check(call, !is_other(in));
	return WAT_OK;
}

wat_status drift_on_add_and_die(struct drift_add_and_die_call *call,
				drift_state *state,
				const drift_amount *in,
				drift_time *out)
{
	(void)call;
	if (is_other(in))
		abort();
	out->value = ++state->value;
	return WAT_OK;
}

wat_status drift_on_add_after_exit(struct drift_add_after_exit_call *call,
				   drift_state *state,
				   const drift_amount *in,
				   drift_time *out)
{
	(void)call;
	if (in->n == getpid())
		_exit(74);
	out->value = ++state->value;
	return WAT_OK;
}

wat_status drift_on_add_and_spin(struct drift_add_and_spin_call *call,
				 drift_state *state,
				 const drift_amount *in,
				 drift_time *out)
{
	volatile bool spinning = is_other(in);

	(void)call;
	while (spinning)
		;
	out->value = ++state->value;
	return WAT_OK;
}
