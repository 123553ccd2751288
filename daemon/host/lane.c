/* lane.c - a client's calls to this instance, and their answers. Instance's thread. */
#include "daemon/host/lane.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/host/call.h"
#include "daemon/host/grant.h"
#include "daemon/host/service_loop.h"

#define KEEP_SIZE (64u * 1024u) /* an empty buffer larger than this is given back */

static size_t bytes_of(const struct lane *lane)
{
	return lane->replies.n - lane->start + lane->taken_bytes;
}

static size_t bytes_of_grant(const struct grant *grant)
{
	size_t n = 0;

	list_for_each (i, &grant->lanes)
		n += bytes_of(container_of(i, struct lane, link));
	return n;
}

struct lane *lane_find(const struct grant *grant, const uint8_t id[static WAT_ID_SIZE])
{
	list_for_each (i, &grant->lanes) {
		struct lane *lane = container_of(i, struct lane, link);

		if (memcmp(lane->id, id, WAT_ID_SIZE) == 0)
			return lane;
	}
	return NULL;
}

static struct lane *oldest_detached(const struct grant *grant, const struct lane *but)
{
	struct lane *oldest = NULL;

	list_for_each (i, &grant->lanes) {
		struct lane *lane = container_of(i, struct lane, link);

		if (!lane->channel && lane != but && list_empty(&lane->of_batch) &&
		    (!oldest || lane->detached_ms < oldest->detached_ms))
			oldest = lane;
	}
	return oldest;
}

struct lane *lane_new(struct service_loop *loop,
		      struct grant *grant,
		      const uint8_t id[static WAT_ID_SIZE])
{
	struct lane *lane;

	lanes_expire(grant, clock_unix_ms());
	while (grant->n_lanes >= LANES_PER_GRANT) {
		lane = oldest_detached(grant, NULL);
		if (!lane)
			return NULL;
		service_loop_end_lane(loop, lane);
	}
	lane = calloc(1, sizeof *lane);
	if (!lane)
		return NULL;
	memcpy(lane->id, id, WAT_ID_SIZE);
	lane->grant = grant;
	lane->confirmed = 1;
	lane->detached_ms = clock_unix_ms();
	list_init(&lane->of_batch);
	list_init(&lane->taken);
	list_append(&grant->lanes, &lane->link);
	grant->n_lanes++;
	return lane;
}

struct lane *lane_free(struct lane *lane)
{
	struct list *first;

	if (!lane)
		return NULL;
	assert(!lane->channel);
	while ((first = list_first(&lane->taken)))
		(void)lane_drop_taken(lane, container_of(first, struct lane_taken, link));
	list_remove(&lane->link);
	list_remove(&lane->of_batch);
	lane->grant->n_lanes--;
	bytes_deinit(&lane->replies);
	free(lane);
	return NULL;
}

void lanes_expire(struct grant *grant, uint64_t now_ms)
{
	list_for_each_safe (i, &grant->lanes) {
		struct lane *lane = container_of(i, struct lane, link);

		if (!lane->channel && list_empty(&lane->of_batch) && now_ms > lane->detached_ms &&
		    now_ms - lane->detached_ms > LANE_DETACHED_MS)
			service_loop_end_lane(grant->loop, lane);
	}
}

/* What was consumed goes when it is most of the buffer, unless a mark counts from its beginning. */
static void compact(struct lane *lane)
{
	if (lane->start < lane->replies.n / 2 || !list_empty(&lane->of_batch))
		return;
	if (lane->start == lane->replies.n && lane->replies.size > KEEP_SIZE)
		bytes_deinit(&lane->replies);
	else
		bytes_consume(&lane->replies, lane->start);
	lane->start = 0;
}

/* Nobody drops their answers: the client did not know that they would be kept apart. */
static void drop_verdicts(struct lane *lane)
{
	list_for_each_safe (i, &lane->taken) {
		struct lane_taken *taken = container_of(i, struct lane_taken, link);

		if (taken->method == RECORD_ANY_METHOD && taken->id < lane->confirmed)
			(void)lane_drop_taken(lane, taken);
	}
}

static void drop_replies(struct lane *lane)
{
	struct record_item item;
	size_t at = lane->start;

	/* A client that has taken all it asked for, the usual one: no need to look at each. */
	if (lane->confirmed > lane->last_applied) {
		lane->start = lane->replies.n;
		lane->n_replies = 0;
	}
	while (lane->n_replies > 0 &&
	       record_next(lane->replies.data, lane->replies.n, &at, &item) > 0 &&
	       item.id < lane->confirmed) {
		lane->start = at;
		lane->n_replies--;
	}
	if (lane->start > 0)
		compact(lane);
}

void lane_confirm(struct lane *lane, uint64_t id)
{
	if (id <= lane->confirmed)
		return;
	lane->confirmed = id;
	if (lane->n_taken > 0)
		drop_verdicts(lane);
	drop_replies(lane);
}

bool lane_has_room(struct lane *lane)
{
	struct grant *grant = lane->grant;

	if (lane->n_replies >= WAT_LANE_REPLIES_MAX || bytes_of(lane) >= LANE_BYTES_MAX)
		return false;
	/* A lane within its share is not the one to suffer. */
	while (bytes_of(lane) >= LANE_GRANT_BYTES_MAX / LANES_PER_GRANT &&
	       bytes_of_grant(grant) >= LANE_GRANT_BYTES_MAX) {
		struct lane *oldest = oldest_detached(grant, lane);

		if (!oldest)
			return false;
		service_loop_end_lane(grant->loop, oldest);
	}
	return true;
}

struct lane_taken *lane_find_taken(const struct lane *lane, uint64_t id)
{
	list_for_each (i, &lane->taken) {
		struct lane_taken *taken = container_of(i, struct lane_taken, link);

		if (taken->id == id)
			return taken;
	}
	return NULL;
}

static enum lane_seen look_taken(struct lane_taken *taken,
				 uint16_t method,
				 uint64_t hash,
				 struct record_item *ret_item,
				 struct lane_taken **ret_taken)
{
	size_t at = 0;

	if (taken->method != RECORD_ANY_METHOD && (taken->method != method || taken->hash != hash))
		return LANE_OTHER;
	*ret_taken = taken;
	/* Without memory for its answer a call ends without one. */
	if (taken->answer.n == 0)
		return taken->call ? LANE_OPEN : LANE_PAST;
	return record_next(taken->answer.data, taken->answer.n, &at, ret_item) > 0 ? LANE_STORED
										   : LANE_PAST;
}

static bool find_reply(const struct lane *lane, uint64_t id, struct record_item *ret_item)
{
	size_t at = lane->start;

	while (record_next(lane->replies.data, lane->replies.n, &at, ret_item) > 0)
		if (ret_item->id == id)
			return true;
	return false;
}

bool lane_knows(const struct lane *lane, uint64_t id)
{
	struct record_item item;

	return lane_find_taken(lane, id) || find_reply(lane, id, &item);
}

enum lane_seen lane_look(const struct lane *lane,
			 uint64_t id,
			 uint16_t method,
			 uint64_t hash,
			 struct record_item *ret_item,
			 struct lane_taken **ret_taken)
{
	struct lane_taken *taken = lane_find_taken(lane, id);

	if (taken)
		return look_taken(taken, method, hash, ret_item, ret_taken);
	if (id > lane->last_applied)
		return id < lane->confirmed ? LANE_PASSED : LANE_UNSEEN;
	if (!find_reply(lane, id, ret_item))
		return LANE_PAST;
	return ret_item->method == method && ret_item->hash == hash ? LANE_STORED : LANE_OTHER;
}

uint8_t *lane_add(struct lane *lane, const struct record_item *item, size_t *ret_at)
{
	uint8_t *body;

	*ret_at = lane->replies.n;
	if (record_put(&lane->replies, item, &body) < 0)
		return NULL;
	lane->n_replies++;
	if (item->id > lane->last_applied)
		lane->last_applied = item->id;
	return body;
}

struct lane_taken *lane_taken_new(void)
{
	return calloc(1, sizeof(struct lane_taken));
}

void lane_take(struct lane *lane,
	       struct lane_taken *taken,
	       uint64_t id,
	       uint16_t method,
	       uint64_t hash)
{
	taken->id = id;
	taken->method = method;
	taken->hash = hash;
	list_append(&lane->taken, &taken->link);
	lane->n_taken++;
	/* Those before the one that killed the host may have to be run yet. */
	if (id > lane->last_applied && method != RECORD_ANY_METHOD)
		lane->last_applied = id;
}

uint8_t *lane_answer(struct lane *lane, struct lane_taken *taken, const struct record_item *item)
{
	uint8_t *room;

	if (record_put(&taken->answer, item, &room) < 0)
		return NULL;
	lane->taken_bytes += taken->answer.n;
	return room;
}

struct lane_taken *lane_drop_taken(struct lane *lane, struct lane_taken *taken)
{
	if (taken->call)
		taken->call->taken = NULL;
	list_remove(&taken->link);
	lane->n_taken--;
	lane->taken_bytes -= taken->answer.n;
	bytes_deinit(&taken->answer);
	free(taken);
	return NULL;
}

void lane_mark(struct lane *lane)
{
	lane->before = (struct lane_mark){
		.n = lane->replies.n,
		.n_replies = lane->n_replies,
		.last_applied = lane->last_applied,
	};
}

void lane_settle(struct lane *lane)
{
	list_for_each (i, &lane->taken) {
		struct lane_taken *taken = container_of(i, struct lane_taken, link);

		taken->of_batch = taken->answered_in_batch = false;
	}
	list_remove(&lane->of_batch);
	compact(lane);
}

/* Its answer becomes the failure: there is memory for that, for it had another one. */
static void answer_otherwise(struct lane *lane,
			     struct lane_taken *taken,
			     wat_status status,
			     const uint8_t *failure,
			     size_t n)
{
	struct record_item item = {.kind = RECORD_ANSWERED,
				   .id = taken->id,
				   .hash = taken->hash,
				   .method = taken->method,
				   .status = (uint32_t)status,
				   .n_body = n};
	uint8_t *room;

	lane->taken_bytes -= taken->answer.n;
	taken->answer.n = 0;
	taken->answered_in_batch = false;
	room = lane_answer(lane, taken, &item);
	if (room && n > 0)
		memcpy(room, failure, n);
}

static void undo_taken(struct lane *lane, wat_status status, const uint8_t *failure, size_t n)
{
	list_for_each_safe (i, &lane->taken) {
		struct lane_taken *taken = container_of(i, struct lane_taken, link);

		if (taken->of_batch)
			(void)lane_drop_taken(lane, taken);
		else if (taken->answered_in_batch)
			answer_otherwise(lane, taken, status, failure, n);
	}
}

/* What was confirmed meanwhile stays so. */
void lane_undo(struct lane *lane, wat_status status, const uint8_t *failure, size_t n)
{
	uint32_t n_after = 0;
	struct record_item item;
	size_t at = lane->before.n > lane->start ? lane->before.n : lane->start;

	while (record_next(lane->replies.data, lane->replies.n, &at, &item) > 0)
		n_after++;
	lane->n_replies -= n_after;
	if (lane->before.n > lane->start)
		lane->replies.n = lane->before.n;
	else
		lane->replies.n = lane->start;
	lane->last_applied = lane->before.last_applied;
	undo_taken(lane, status, failure, n);
	list_remove(&lane->of_batch);
}

static int save_taken(const struct lane *lane, struct bytes *bytes)
{
	int r = 0;

	list_for_each (i, &lane->taken) {
		const struct lane_taken *taken = container_of(i, struct lane_taken, link);
		struct record_item item = {.kind = RECORD_TAKEN,
					   .id = taken->id,
					   .hash = taken->hash,
					   .method = taken->method};

		r = record_put(bytes, &item, NULL);
		if (r == 0)
			r = bytes_put(bytes, taken->answer.data, taken->answer.n);
		if (r < 0)
			break;
	}
	return r;
}

int lane_save(const struct lane *lane, struct bytes *bytes)
{
	struct record_item item = {.kind = RECORD_LANE,
				   .grant = lane->grant->id,
				   .lane = lane->id,
				   .id = lane->confirmed,
				   .other_id = lane->last_applied};
	int r = record_put(bytes, &item, NULL);

	if (r == 0 && lane->replies.n > lane->start)
		r = bytes_put(bytes, lane->replies.data + lane->start,
			      lane->replies.n - lane->start);
	return r < 0 ? r : save_taken(lane, bytes);
}
