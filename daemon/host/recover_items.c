/* recover_items.c - what each item of a record does, and of a snapshot's lanes. Instance's thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/grant.h"
#include "daemon/host/lane.h"
#include "daemon/host/recover_parts.h"
#include "daemon/host/service_loop.h"

static int apply_lane(struct recovery *recovery, const struct record_item *item)
{
	struct grant *grant = grant_get(recovery->loop, item->grant, "");

	if (!grant)
		return -ENOMEM;
	recovery->lane = lane_find(grant, item->lane);
	if (!recovery->lane)
		recovery->lane = lane_new(recovery->loop, grant, item->lane);
	if (!recovery->lane) {
		grant_release(grant);
		return -ENOMEM;
	}
	lane_confirm(recovery->lane, item->id);
	if (item->other_id > recovery->lane->last_applied)
		recovery->lane->last_applied = item->other_id;
	return 0;
}

static int apply_done(struct lane *lane, const struct record_item *item)
{
	size_t at;
	uint8_t *room;

	if (item->id < lane->confirmed) {
		if (lane->last_applied < item->id)
			lane->last_applied = item->id;
		return 0;
	}
	room = lane_add(lane, item, &at);
	if (!room)
		return -ENOMEM;
	if (item->n_body > 0)
		memcpy(room, item->body, item->n_body);
	return 0;
}

int recover_taken(struct lane *lane, const struct record_item *item)
{
	struct lane_taken *taken = lane_taken_new();

	if (!taken)
		return -ENOMEM;
	lane_take(lane, taken, item->id, item->method, item->hash);
	return 0;
}

int recover_answer(struct lane *lane, const struct record_item *item)
{
	struct lane_taken *taken = lane_find_taken(lane, item->id);
	uint8_t *room;

	if (!taken || taken->answer.n > 0)
		return 0;
	room = lane_answer(lane, taken, item);
	if (!room)
		return -ENOMEM;
	if (item->n_body > 0)
		memcpy(room, item->body, item->n_body);
	return 0;
}

static int apply_dropped(struct lane *lane, const struct record_item *item)
{
	struct lane_taken *taken = lane_find_taken(lane, item->id);

	if (taken)
		(void)lane_drop_taken(lane, taken);
	return 0;
}

static int apply_call(struct recovery *recovery, const struct record_item *item)
{
	struct lane *lane = recovery->lane;

	if (!lane)
		return -EBADMSG;
	switch (item->kind) {
	case RECORD_DONE:
		return apply_done(lane, item);
	case RECORD_TAKEN:
		return recover_taken(lane, item);
	case RECORD_ANSWERED:
		return recover_answer(lane, item);
	default:
		return apply_dropped(lane, item);
	}
}

static int apply_end(struct recovery *recovery, const struct record_item *item)
{
	struct grant *grant = grant_find(recovery->loop, item->grant);
	struct lane *lane = grant && item->lane ? lane_find(grant, item->lane) : NULL;

	recovery->lane = NULL;
	if (lane)
		(void)service_loop_free_lane(recovery->loop, lane);
	else if (grant && !item->lane)
		grant_end_lanes(recovery->loop, grant);
	return 0;
}

static int apply_life(struct recovery *recovery, const struct record_item *item)
{
	struct recovered_life *life = malloc(sizeof *life + item->n_body + 1);

	if (!life)
		return -ENOMEM;
	memcpy(life->grant_id, item->grant, sizeof life->grant_id);
	life->lifecycle = item->method;
	memcpy(life->user, item->body, item->n_body);
	life->user[item->n_body] = '\0';
	list_append(&recovery->request->lives, &life->link);
	return 0;
}

static int apply_state(struct recovery *recovery, const struct record_item *item)
{
	recovery->state.n = 0;
	recovery->has_state = true;
	return bytes_put(&recovery->state, item->body, item->n_body);
}

static int apply(struct recovery *recovery, const struct record_item *item)
{
	switch (item->kind) {
	case RECORD_STATE:
		return apply_state(recovery, item);
	case RECORD_LANE:
		return apply_lane(recovery, item);
	case RECORD_LANE_END:
	case RECORD_GRANT_END:
		return apply_end(recovery, item);
	case RECORD_LIFE:
		return apply_life(recovery, item);
	case RECORD_CALL:
		/* replay_record runs it when the lanes have what the record says. */
		return recovery->lane ? 0 : -EBADMSG;
	case RECORD_DONE:
	case RECORD_TAKEN:
	case RECORD_ANSWERED:
	case RECORD_DROPPED:
	default:
		return apply_call(recovery, item);
	}
}

int recover_items(struct recovery *recovery, const uint8_t *bytes, size_t n)
{
	struct record_item item;
	size_t at = 0;
	int r;

	recovery->lane = NULL;
	while ((r = record_next(bytes, n, &at, &item)) > 0) {
		r = apply(recovery, &item);
		if (r < 0)
			break;
	}
	return r;
}
