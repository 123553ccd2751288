/* lease.c - handlers of the service in lease.proto. Requests come one at a time, so there is
 * nothing to lock; a handler that fails leaves the state as it was. The holder is whoever's
 * capability the call came with, and no field of the request. */
#include "lease.service.h"

#define TTL_MAX_MS 86400000u

static lease_taken *find(const lease_state *state, const char *name)
{
	for (size_t i = 0; i < state->n_leases; i++)
		if (strcmp(state->leases[i]->name, name) == 0)
			return state->leases[i];
	return NULL;
}

static bool has(const lease_taken *lease, const char *user, uint64_t now_ms)
{
	return lease && lease->until_ms > now_ms && (!user || strcmp(lease->holder, user) == 0);
}

/* Leases that are over go, so that the state does not grow with every name there ever was. */
static void sweep(lease_state *state, uint64_t now_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < state->n_leases; i++)
		if (has(state->leases[i], NULL, now_ms))
			state->leases[n++] = state->leases[i];
	state->n_leases = n;
}

/* New memory of the state is wat_alloc's, and is never freed here: watd keeps what is reachable. */
static lease_taken *add(struct lease_acquire_call *call,
			lease_state *state,
			const char *name,
			const char *holder)
{
	lease_taken **leases = wat_alloc(call, (state->n_leases + 1) * sizeof *leases);
	lease_taken *lease = wat_alloc(call, sizeof *lease);

	*lease = (lease_taken)LEASE_TAKEN_INIT;
	lease->name = wat_strdup(call, name);
	lease->holder = wat_strdup(call, holder);
	lease->fence = ++state->last_fence;
	if (state->n_leases > 0)
		memcpy(leases, state->leases, state->n_leases * sizeof *leases);
	leases[state->n_leases++] = lease;
	state->leases = leases;
	return lease;
}

wat_status lease_on_acquire(struct lease_acquire_call *call,
			    lease_state *state,
			    const lease_wanted *in,
			    lease_held *out)
{
	const char *user = wat_context(call)->user->name;
	uint64_t now_ms = wat_now(call) / 1000000u;
	lease_taken *lease;

	if (!*in->name || in->ttl_ms == 0 || in->ttl_ms > TTL_MAX_MS)
		return wat_fail(call, WAT_INVALID_ARGUMENT,
				"expected a name, and a ttl_ms of 1 to %u", TTL_MAX_MS);
	sweep(state, now_ms);
	lease = find(state, in->name);
	if (!lease)
		lease = add(call, state, in->name, user);
	out->mine = strcmp(lease->holder, user) == 0;
	if (out->mine)
		lease->until_ms = now_ms + in->ttl_ms;
	out->holder = wat_strdup(call, lease->holder);
	out->fence = lease->fence;
	out->left_ms = (uint32_t)(lease->until_ms - now_ms);
	return WAT_OK;
}

wat_status lease_on_release(struct lease_release_call *call,
			    lease_state *state,
			    const lease_name *in,
			    wat_empty *out)
{
	uint64_t now_ms = wat_now(call) / 1000000u;
	lease_taken *lease = find(state, in->name);

	(void)out;
	if (!has(lease, wat_context(call)->user->name, now_ms))
		return wat_fail(call, WAT_FAILED_PRECONDITION, "\"%s\" is not yours", in->name);
	lease->until_ms = 0;
	sweep(state, now_ms);
	return WAT_OK;
}

wat_status lease_on_show(struct lease_show_call *call,
			 lease_state *state,
			 const lease_name *in,
			 lease_held *out)
{
	uint64_t now_ms = wat_now(call) / 1000000u;
	const lease_taken *lease = find(state, in->name);

	if (!has(lease, NULL, now_ms))
		return wat_fail(call, WAT_NOT_FOUND, "nobody has \"%s\"", in->name);
	out->mine = has(lease, wat_context(call)->user->name, now_ms);
	out->holder = wat_strdup(call, lease->holder);
	out->fence = lease->fence;
	out->left_ms = (uint32_t)(lease->until_ms - now_ms);
	return WAT_OK;
}

/* Whoever may not call any more holds nothing any more. */
wat_status lease_on_deprovision(struct lease_deprovision_call *call,
				lease_state *state,
				const struct wat_user *user)
{
	for (size_t i = 0; i < state->n_leases; i++)
		if (strcmp(state->leases[i]->holder, user->name) == 0)
			state->leases[i]->until_ms = 0;
	sweep(state, wat_now(call) / 1000000u);
	return WAT_OK;
}
