/* test_host_lane.c - what a lane knows of calls, what it keeps and for how long, within which
 * limits, and how it goes back. Without a host and without a journal. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.service.h"
#include "daemon/base/clock.h"
#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/service_loop.h"
#include "tests/lib/cases.h"

static const struct wat_service service = {.interface = &counter_interface};

struct world {
	struct instance instance;
	struct queue outbox;
	struct grant *grant;
	struct lane *lane;
};

static int set_up(void **state)
{
	static const uint8_t grant_id[WAT_ID_SIZE] = {9}, lane_id[WAT_ID_SIZE] = {1};
	struct world *w = calloc(1, sizeof *w);

	w->instance.service = &service;
	w->instance.outbox = &w->outbox;
	assert_int_equal(queue_init(&w->outbox), 0);
	assert_int_equal(queue_init(&w->instance.inbox), 0);
	assert_int_equal(service_loop_new(&w->instance, &w->instance.loop), 0);
	w->grant = grant_get(w->instance.loop, grant_id, "u");
	w->lane = lane_new(w->instance.loop, w->grant, lane_id);
	assert_non_null(w->lane);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	service_loop_free(w->instance.loop);
	queue_deinit(&w->instance.inbox);
	queue_deinit(&w->outbox);
	free(w);
	return 0;
}

/* The answer of call `id`, with method and hash made of its id. */
static void add_sized(struct lane *lane, uint64_t id, size_t n)
{
	struct record_item item = {
		.kind = RECORD_DONE, .id = id, .hash = id * 3, .method = (uint16_t)id, .n_body = n};
	uint8_t *room;
	size_t at;

	room = lane_add(lane, &item, &at);
	assert_non_null(room);
	memset(room, (int)id, n);
}

static void add(struct lane *lane, uint64_t id)
{
	add_sized(lane, id, 10);
}

static struct lane_taken *take(struct lane *lane, uint64_t id)
{
	struct lane_taken *taken = lane_taken_new();

	assert_non_null(taken);
	lane_take(lane, taken, id, (uint16_t)id, id * 3);
	return taken;
}

static void answer_sized(struct lane *lane, uint64_t id, size_t n)
{
	struct lane_taken *taken = lane_find_taken(lane, id);
	struct record_item item = {.kind = RECORD_ANSWERED, .id = id, .n_body = n};
	uint8_t *room = lane_answer(lane, taken, &item);

	assert_non_null(room);
	memset(room, (int)id, n);
}

static enum lane_seen look_as(struct lane *lane, uint64_t id, uint16_t method, uint64_t hash)
{
	struct lane_taken *taken = NULL;
	struct record_item item;
	enum lane_seen seen = lane_look(lane, id, method, hash, &item, &taken);

	if (seen == LANE_STORED) {
		assert_int_equal(item.id, id);
		for (size_t i = 0; i < item.n_body; i++)
			assert_int_equal(item.body[i], (uint8_t)id);
	}
	if (seen == LANE_OPEN)
		assert_ptr_equal(taken, lane_find_taken(lane, id));
	return seen;
}

static enum lane_seen look(struct lane *lane, uint64_t id)
{
	return look_as(lane, id, (uint16_t)id, id * 3);
}

/* A call is new, stored, another one's, or past; gaps between the ids that were done are past. */
static void test_look(void **state)
{
	struct lane *lane = ((struct world *)*state)->lane;

	assert_int_equal(look(lane, 1), LANE_UNSEEN);
	add(lane, 1);
	add(lane, 3);
	add(lane, 4);
	for (uint64_t id = 1; id <= 5; id++)
		assert_int_equal(look(lane, id), id == 2   ? LANE_PAST
						 : id == 5 ? LANE_UNSEEN
							   : LANE_STORED);
	assert_int_equal(look_as(lane, 3, 2, 9), LANE_OTHER);
	assert_int_equal(look_as(lane, 3, 3, 8), LANE_OTHER);
	assert_int_equal(lane->last_applied, 4);
}

/* What the client confirms is forgotten and never new again, however often it is confirmed, also
 * where it was not run; what is above stays. */
static void test_confirm(void **state)
{
	struct lane *lane = ((struct world *)*state)->lane;

	for (uint64_t id = 1; id <= 100; id++) {
		add(lane, id);
		lane_confirm(lane, id > 10 ? id - 10 : 1);
	}
	assert_int_equal(lane->n_replies, 11);
	for (uint64_t id = 1; id <= 100; id++)
		assert_int_equal(look(lane, id), id < 90 ? LANE_PAST : LANE_STORED);
	lane_confirm(lane, 50);
	assert_int_equal(lane->n_replies, 11);
	lane_confirm(lane, 200);
	assert_int_equal(lane->n_replies, 0);
	assert_int_equal(look(lane, 100), LANE_PAST);
	assert_int_equal(look(lane, 199), LANE_PASSED);
	assert_int_equal(look(lane, 200), LANE_UNSEEN);
	/* Forgotten answers take no memory. */
	assert_true(lane->replies.n < 11 * 64);
	add_sized(lane, 200, 500000);
	lane_confirm(lane, 201);
	assert_true(lane->replies.size <= 64 * 1024);
	add(lane, 201);
	assert_int_equal(look(lane, 201), LANE_STORED);
}

/* Calls that answer later: open, then stored until they are dropped, whatever is confirmed. */
static void test_taken(void **state)
{
	struct lane *lane = ((struct world *)*state)->lane;
	struct lane_taken *taken = take(lane, 2);
	struct call call = {.taken = taken};

	taken->call = &call;
	assert_int_equal(look(lane, 1), LANE_PAST);
	assert_int_equal(look(lane, 2), LANE_OPEN);
	assert_int_equal(look_as(lane, 2, 3, 6), LANE_OTHER);
	add(lane, 3);
	lane_confirm(lane, 3);
	assert_int_equal(look(lane, 2), LANE_OPEN);
	answer_sized(lane, 2, 10);
	assert_int_equal(look(lane, 2), LANE_STORED);
	lane_confirm(lane, 4);
	assert_int_equal(look(lane, 2), LANE_STORED);
	assert_true(lane_knows(lane, 2));
	lane_drop_taken(lane, taken);
	assert_null(call.taken);
	assert_int_equal(look(lane, 2), LANE_PAST);
	assert_false(lane_knows(lane, 2));
	/* One whose answer found no memory. */
	taken = take(lane, 5);
	assert_int_equal(look(lane, 5), LANE_PAST);
}

/* A verdict is known by the id alone, makes nothing before it old, and goes when it is confirmed.
 */
static void test_verdict(void **state)
{
	struct lane *lane = ((struct world *)*state)->lane;
	struct lane_taken *taken = lane_taken_new();
	struct record_item item = {.kind = RECORD_ANSWERED, .id = 7};

	add(lane, 4);
	lane_take(lane, taken, 7, RECORD_ANY_METHOD, 0);
	assert_non_null(lane_answer(lane, taken, &item));
	assert_int_equal(look(lane, 5), LANE_UNSEEN);
	assert_int_equal(look(lane, 6), LANE_UNSEEN);
	assert_int_equal(look(lane, 7), LANE_STORED);
	lane_confirm(lane, 7);
	assert_int_equal(look(lane, 7), LANE_STORED);
	lane_confirm(lane, 8);
	assert_int_equal(look(lane, 7), LANE_PASSED);
	assert_int_equal(lane->n_taken, 0);
}

/* 256 answers, 1 MiB of them (those of calls that answer later count), and no more until some are
 * confirmed. */
static void test_limits(void **state)
{
	struct lane *lane = ((struct world *)*state)->lane;
	uint64_t id = 0;

	while (lane_has_room(lane))
		add(lane, ++id);
	assert_int_equal(id, WAT_LANE_REPLIES_MAX);
	lane_confirm(lane, 2);
	assert_true(lane_has_room(lane));
	lane_confirm(lane, id + 1);
	take(lane, ++id);
	answer_sized(lane, id, 600000);
	assert_true(lane_has_room(lane));
	add_sized(lane, ++id, 500000);
	assert_false(lane_has_room(lane));
	lane_drop_taken(lane, lane_find_taken(lane, id - 1));
	assert_true(lane_has_room(lane));
	assert_int_equal(lane->taken_bytes, 0);
}

static struct lane *another(struct world *w, uint8_t number)
{
	uint8_t id[WAT_ID_SIZE] = {number};

	return lane_new(w->instance.loop, w->grant, id);
}

/* 16 lanes of a grant: one more drops the oldest without a channel, and none that has one. */
static void test_lanes(void **state)
{
	struct world *w = *state;
	struct lane *lanes[17] = {NULL, w->lane};
	uint8_t id[WAT_ID_SIZE] = {0};

	for (uint8_t i = 2; i <= 16; i++)
		lanes[i] = another(w, i);
	for (uint8_t i = 1; i <= 16; i++)
		lanes[i]->channel = (struct channel *)(void *)w;
	assert_null(another(w, 17));
	lanes[5]->channel = lanes[6]->channel = NULL;
	lanes[5]->detached_ms = clock_unix_ms() - 10;
	lanes[6]->detached_ms = clock_unix_ms() - 20;
	assert_non_null(another(w, 17));
	id[0] = 6;
	assert_null(lane_find(w->grant, id));
	id[0] = 5;
	assert_ptr_equal(lane_find(w->grant, id), lanes[5]);
	assert_int_equal(w->grant->n_lanes, 16);
	list_for_each (i, &w->grant->lanes)
		container_of(i, struct lane, link)->channel = NULL;
}

/* 4 MiB of a grant: a lane over its share drops the oldest others without a channel, one within its
 * share need not care. */
static void test_bytes_of_a_grant(void **state)
{
	struct world *w = *state;
	uint8_t id[WAT_ID_SIZE] = {2};

	for (uint8_t i = 2; i <= 5; i++) {
		struct lane *lane = another(w, i);

		add_sized(lane, 1, 1048000);
		lane->detached_ms = clock_unix_ms() - 100 + i;
		if (i == 5)
			lane->channel = (struct channel *)(void *)w;
	}
	add_sized(w->lane, 1, 250000);
	assert_true(lane_has_room(w->lane));
	assert_int_equal(w->grant->n_lanes, 5);
	add_sized(w->lane, 2, 250000);
	assert_true(lane_has_room(w->lane));
	assert_int_equal(w->grant->n_lanes, 4);
	assert_null(lane_find(w->grant, id));
	list_for_each (i, &w->grant->lanes) {
		struct lane *lane = container_of(i, struct lane, link);

		lane->channel = (struct channel *)(void *)w;
	}
	for (uint64_t i = 3; i <= 4; i++)
		add_sized(w->lane, i, 250000);
	id[0] = 5;
	answer_sized(lane_find(w->grant, id), take(lane_find(w->grant, id), 3)->id, 1000000);
	assert_false(lane_has_room(w->lane));
	list_for_each (i, &w->grant->lanes)
		container_of(i, struct lane, link)->channel = NULL;
}

/* A day without a channel, and it is gone; its grant with it, if that has nothing else. */
static void test_expire(void **state)
{
	struct world *w = *state;
	uint64_t now = clock_unix_ms();

	grants_expire_lanes(w->instance.loop, now + LANE_DETACHED_MS);
	assert_int_equal(w->grant->n_lanes, 1);
	w->lane->channel = (struct channel *)(void *)w;
	grants_expire_lanes(w->instance.loop, now + 2ull * LANE_DETACHED_MS);
	assert_int_equal(w->grant->n_lanes, 1);
	w->lane->channel = NULL;
	/* A clock that went back is no reason. */
	grants_expire_lanes(w->instance.loop, 0);
	assert_int_equal(w->grant->n_lanes, 1);
	grants_expire_lanes(w->instance.loop, now + 2ull * LANE_DETACHED_MS);
	assert_true(list_empty(&w->instance.loop->grants));
}

static void mark(struct world *w)
{
	lane_mark(w->lane);
	list_append(&w->instance.loop->batch.lanes, &w->lane->of_batch);
}

/* A lane that is undone is as it was marked, but for what was confirmed since; calls that were
 * taken meanwhile are gone, and those that were answered meanwhile have another answer. */
static void test_undo(void **state)
{
	static const uint8_t failure[] = {5, 5, 5};
	struct world *w = *state;
	struct lane *lane = w->lane;
	struct record_item item;
	struct lane_taken *taken;

	for (uint64_t id = 1; id <= 5; id++)
		add(lane, id);
	take(lane, 6);
	mark(w);
	for (uint64_t id = 7; id <= 9; id++)
		add(lane, id);
	take(lane, 10)->of_batch = true;
	answer_sized(lane, 6, 100000);
	lane_find_taken(lane, 6)->answered_in_batch = true;
	lane_confirm(lane, 4);
	lane_undo(lane, WAT_RESOURCE_EXHAUSTED, failure, sizeof failure);
	assert_int_equal(lane->n_replies, 2);
	assert_int_equal(lane->last_applied, 6);
	for (uint64_t id = 1; id <= 11; id++)
		if (id != 6)
			assert_int_equal(look(lane, id), id < 4   ? LANE_PAST
							 : id < 6 ? LANE_STORED
								  : LANE_UNSEEN);
	assert_int_equal(lane_look(lane, 6, 6, 18, &item, &taken), LANE_STORED);
	assert_int_equal(item.status, WAT_RESOURCE_EXHAUSTED);
	assert_int_equal(item.n_body, sizeof failure);
	assert_memory_equal(item.body, failure, sizeof failure);
	assert_true(lane->taken_bytes < 100);
	assert_true(list_empty(&lane->of_batch));
}

/* The same when everything that it had was confirmed meanwhile, and some of the batch, too. */
static void test_undo_after_confirm(void **state)
{
	struct world *w = *state;

	for (uint64_t id = 1; id <= 3; id++)
		add(w->lane, id);
	mark(w);
	for (uint64_t id = 4; id <= 6; id++)
		add(w->lane, id);
	lane_confirm(w->lane, 6);
	lane_undo(w->lane, WAT_RESOURCE_EXHAUSTED, NULL, 0);
	assert_int_equal(w->lane->n_replies, 0);
	assert_int_equal(w->lane->last_applied, 3);
	assert_int_equal(look(w->lane, 3), LANE_PAST);
	assert_int_equal(look(w->lane, 5), LANE_PASSED);
	assert_int_equal(look(w->lane, 6), LANE_UNSEEN);
	/* It can be used as before. */
	add(w->lane, 6);
	assert_int_equal(look(w->lane, 6), LANE_STORED);
	assert_int_equal(w->lane->n_replies, 1);
}

/* A lane that is settled forgets nothing. */
static void test_settle(void **state)
{
	struct world *w = *state;

	add(w->lane, 1);
	mark(w);
	add(w->lane, 2);
	take(w->lane, 3)->of_batch = true;
	lane_confirm(w->lane, 2);
	lane_settle(w->lane);
	assert_int_equal(look(w->lane, 1), LANE_PAST);
	assert_int_equal(look(w->lane, 2), LANE_STORED);
	assert_false(lane_find_taken(w->lane, 3)->of_batch);
	assert_int_equal(w->lane->last_applied, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_look),
		TEST(test_confirm),
		TEST(test_taken),
		TEST(test_verdict),
		TEST(test_limits),
		TEST(test_lanes),
		TEST(test_bytes_of_a_grant),
		TEST(test_expire),
		TEST(test_undo),
		TEST(test_undo_after_confirm),
		TEST(test_settle),
	};

	return test_run_cases(tests, NULL, NULL);
}
