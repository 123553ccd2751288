/* host_counter.c - what the tests with counter.so share. Runs in the test's process. */
#include "tests/unit/host_counter.h"

#include <stdlib.h>

int counter_set_up(void **state)
{
	struct rig *rig = malloc(sizeof *rig);

	rig_init(rig);
	*state = rig;
	return 0;
}

int counter_tear_down(void **state)
{
	rig_deinit(*state);
	free(*state);
	return 0;
}

wat_status counter_begin(struct rig *rig, uint8_t instance, int64_t value, bool pool)
{
	counter_state state = COUNTER_STATE_INIT;

	state.value = value;
	return rig_start(rig, &(struct rig_start){.plugin = COUNTER_PLUGIN,
						  .service = "counter.Counter",
						  .hash = counter_interface.hash,
						  .state = &state.base,
						  .pool = pool,
						  .run_start = true,
						  .instance = instance});
}

int64_t counter_value_of(const uint8_t *bytes, size_t n)
{
	counter_state *state = counter__state__unpack(NULL, n, bytes);
	int64_t value;

	assert_non_null(state);
	value = state->value;
	counter_state_free(state);
	return value;
}

int64_t counter_reply_of(const struct peer *peer)
{
	counter_value *message = counter__value__unpack(NULL, peer->frame.body_len, peer->body);
	int64_t value;

	assert_non_null(message);
	value = message->value;
	counter_value_free(message);
	return value;
}

wat_status counter_add(struct peer *peer, int64_t n)
{
	counter_amount in = COUNTER_AMOUNT_INIT;

	in.n = n;
	return peer_call(peer, COUNTER_INCREMENT, &in.base);
}

int64_t counter_read(struct peer *peer)
{
	assert_int_equal(peer_call(peer, COUNTER_GET, NULL), WAT_OK);
	return counter_reply_of(peer);
}

void counter_queue(struct peer *peer, size_t n)
{
	counter_amount in = COUNTER_AMOUNT_INIT;

	in.n = 1;
	while (n-- > 0)
		(void)peer_queue(peer, COUNTER_INCREMENT, 30000, &in.base);
}
