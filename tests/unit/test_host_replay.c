/* test_host_replay.c - a call that is run again gets what it was given, and whatever it does
 * otherwise is noticed and said. The service is Counter with handlers that do what a test says.
 * row 57 */
#include "daemon/host/replay.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/plugin.h>

#include "counter.service.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/plugin_load.h"
#include "daemon/host/service_loop.h"
#include "proto/support/bytes.h"
#include "tests/lib/cases.h"

#define INCREMENT 1u

/* What the handler does. */
static struct script {
	unsigned times, randoms, contexts;
	size_t n_random;
	bool fails;
	/* What it saw. */
	uint64_t now_ns, invocation, connection;
	uint8_t random[32], grant;
	char name[64];
} script;

static void ask(struct wat_call *call)
{
	for (unsigned i = 0; i < script.times; i++)
		script.now_ns = call->api->now(call);
	for (unsigned i = 0; i < script.randoms; i++)
		call->api->random(call, script.random, script.n_random);
	for (unsigned i = 0; i < script.contexts; i++) {
		const struct wat_context *context = call->api->context(call);

		script.invocation = context->invocation;
		script.connection = context->connection;
		script.grant = context->user->id[0];
		(void)snprintf(script.name, sizeof script.name, "%s", context->user->name);
	}
}

static wat_status handler(struct wat_call *call,
			  void *state,
			  const ProtobufCMessage *in,
			  ProtobufCMessage *out)
{
	counter_state *counter = state;

	ask(call);
	if (script.fails)
		return (call->api->fail)(call, WAT_ABORTED, "told to");
	counter->value += ((const counter_amount *)in)->n;
	((counter_value *)out)->value = counter->value;
	return WAT_OK;
}

static wat_handler *const handlers[] = {handler, handler, handler};
static struct wat_interface interface;
static const struct wat_service service = {.size = sizeof service,
					   .interface = &interface,
					   .handlers = handlers};

struct world {
	struct instance instance;
	struct attribution_slot slot;
	struct queue outbox;
	struct replay *replay;
	char text[REPLAY_TEXT_MAX];
	struct bytes items, given;
	uint64_t reply_hash;
};

static const uint8_t grant[16] = {7}, lane[16] = {8};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct check_error error;

	script = (struct script){0};
	interface = counter_interface;
	interface.size = sizeof interface;
	interface.flags = WAT_INTERFACE_DETERMINISTIC;
	w->instance.service = &service;
	w->instance.slot = &w->slot;
	w->instance.outbox = &w->outbox;
	assert_int_equal(queue_init(&w->outbox), 0);
	assert_int_equal(queue_init(&w->instance.inbox), 0);
	assert_int_equal(service_loop_new(&w->instance, &w->instance.loop), 0);
	assert_int_equal(state_init(&w->instance.loop->state, interface.state, 65536, false, NULL,
				    0, &error),
			 0);
	w->replay = replay_new(w->instance.loop, w->text);
	assert_non_null(w->replay);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	assert_null(replay_free(w->replay));
	service_loop_free(w->instance.loop);
	queue_deinit(&w->outbox);
	queue_deinit(&w->instance.inbox);
	bytes_deinit(&w->items);
	bytes_deinit(&w->given);
	free(w);
	return 0;
}

static int64_t value_of(const struct world *w)
{
	return ((const counter_state *)w->instance.loop->state.live)->value;
}

static void give(struct world *w, enum recorded_kind kind, const void *bytes, size_t n)
{
	const struct recorded_given entry = {kind, bytes, n};

	assert_int_equal(recorded_give(&w->given, &entry), 0);
}

static void give_time(struct world *w, uint64_t now_ns)
{
	uint8_t bytes[8];

	bytes_put64(bytes, now_ns);
	give(w, RECORDED_TIME, bytes, sizeof bytes);
}

static void put_lane(struct world *w)
{
	const struct record_item item = {.kind = RECORD_LANE, .grant = grant, .lane = lane};

	assert_int_equal(record_put(&w->items, &item, NULL), 0);
}

static uint64_t hash_of_value(const struct world *w, int64_t value)
{
	counter_value reply = COUNTER_VALUE_INIT;
	uint8_t bytes[16], hash[8];

	reply.value = value;
	(void)crypto_shorthash(hash, bytes, counter__value__pack(&reply, bytes),
			       w->instance.loop->hash_key);
	return bytes_get64(hash);
}

/* An Increment by 5 that was answered with the value. */
static void put_call(struct world *w, uint16_t method, int64_t value)
{
	counter_amount in = COUNTER_AMOUNT_INIT;
	struct record_item item = {
		.kind = RECORD_CALL, .id = 3, .method = method, .hash = hash_of_value(w, value)};
	uint8_t request[16], *room;
	size_t n;

	in.n = 5;
	n = counter__amount__pack(&in, request);
	item.n_body = recorded_size(n, &w->given);
	assert_int_equal(record_put(&w->items, &item, &room), 0);
	recorded_put(room, request, n, &w->given);
	w->given.n = 0;
}

static int run(struct world *w)
{
	return replay_record(w->replay, 9, w->items.data, w->items.n);
}

static void expect_differs(struct world *w, const char *part)
{
	assert_int_equal(run(w), REPLAY_E_DIFFERS);
	if (!strstr(w->text, part) || !strstr(w->text, "call 3 (Increment) of record 9"))
		fail_msg("\"%s\" and the place are not in \"%s\"", part, w->text);
	assert_string_equal(w->replay->method, "Increment");
	assert_false(w->instance.loop->given.replay);
}

/* What it asks for is what it was given, in the order in which it was. */
static void test_given(void **state)
{
	struct world *w = *state;
	uint8_t context[RECORDED_CONTEXT_SIZE + 3];

	script.times = script.contexts = script.randoms = 1;
	script.n_random = 4;
	bytes_put64(context, 77);
	bytes_put64(context + 8, 88);
	memcpy(context + RECORDED_CONTEXT_SIZE, "ann", 3);
	put_lane(w);
	give_time(w, 1234);
	give(w, RECORDED_RANDOM, "abcd", 4);
	give(w, RECORDED_CONTEXT, context, sizeof context);
	give_time(w, 5);
	put_call(w, INCREMENT, 5);
	w->instance.loop->invocations = 1000;
	assert_int_equal(run(w), REPLAY_OK);
	assert_int_equal(value_of(w), 5);
	assert_int_equal(script.now_ns, 1234);
	assert_memory_equal(script.random, "abcd", 4);
	assert_int_equal(script.invocation, 77);
	assert_int_equal(script.connection, 88);
	assert_int_equal(script.grant, 7);
	assert_string_equal(script.name, "ann");
	assert_int_equal(w->instance.loop->invocations, 1000);
	assert_int_equal(w->slot.method_plus_1, 0);
}

/* Several calls of a record, one on what the other left; one that has a state needs none of them.
 */
static void test_order(void **state)
{
	struct world *w = *state;
	const struct record_item item = {.kind = RECORD_STATE};

	put_lane(w);
	put_call(w, INCREMENT, 5);
	put_call(w, INCREMENT, 10);
	put_call(w, INCREMENT, 15);
	assert_true(replay_is_of_calls(w->items.data, w->items.n));
	assert_int_equal(run(w), REPLAY_OK);
	assert_int_equal(value_of(w), 15);
	assert_int_equal(record_put(&w->items, &item, NULL), 0);
	assert_false(replay_is_of_calls(w->items.data, w->items.n));
}

static void test_another_answer(void **state)
{
	struct world *w = *state;

	put_lane(w);
	put_call(w, INCREMENT, 6);
	expect_differs(w, "its answer is not the one that was given");
}

static void test_fails_now(void **state)
{
	struct world *w = *state;

	script.fails = true;
	put_lane(w);
	put_call(w, INCREMENT, 5);
	expect_differs(w, "it fails now: told to");
	assert_int_equal(value_of(w), 0);
}

/* More than it had, less, something else, and other amounts. */
static void test_asks_more(void **state)
{
	struct world *w = *state;

	script.times = 2;
	put_lane(w);
	give_time(w, 1);
	put_call(w, INCREMENT, 5);
	expect_differs(w, "it asked for the time, and had not asked for that");
}

static void test_asks_less(void **state)
{
	struct world *w = *state;

	script.times = 1;
	put_lane(w);
	give_time(w, 1);
	give_time(w, 2);
	put_call(w, INCREMENT, 5);
	expect_differs(w, "it asks for less time or randomness than it did");
}

static void test_asks_otherwise(void **state)
{
	struct world *w = *state;

	script.randoms = 1;
	script.n_random = 8;
	put_lane(w);
	give_time(w, 1);
	put_call(w, INCREMENT, 5);
	expect_differs(w, "it asked for random bytes, and had asked for the time there");
}

static void test_asks_another_amount(void **state)
{
	struct world *w = *state;

	script.randoms = 1;
	script.n_random = 8;
	put_lane(w);
	give(w, RECORDED_RANDOM, "abcd", 4);
	put_call(w, INCREMENT, 5);
	expect_differs(w, "it asked for 8 random bytes, and had asked for 4 there");
}

/* A method that the service does not have any more. */
static void test_no_method(void **state)
{
	struct world *w = *state;

	put_lane(w);
	put_call(w, 40, 5);
	assert_int_equal(run(w), REPLAY_E_DIFFERS);
	assert_non_null(strstr(w->text, "it is refused now"));
}

/* Bytes that make no sense are no difference, and nothing is run. */
static void test_no_sense(void **state)
{
	struct world *w = *state;

	put_call(w, INCREMENT, 5);
	assert_int_equal(run(w), -EBADMSG);
	w->items.n = 0;
	put_lane(w);
	put_call(w, INCREMENT, 5);
	w->items.data[w->items.n - 1 - 2 - 7] = 99;
	assert_int_equal(run(w), -EBADMSG);
	assert_int_equal(value_of(w), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_given),          CASE(test_order),
		CASE(test_another_answer), CASE(test_fails_now),
		CASE(test_asks_more),      CASE(test_asks_less),
		CASE(test_asks_otherwise), CASE(test_asks_another_amount),
		CASE(test_no_method),      CASE(test_no_sense),
	};

	return sodium_init() < 0 ? 1 : test_run_cases(tests, NULL, NULL);
}
