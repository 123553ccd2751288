/* lane.h - a client's numbered sequence of calls to this instance, and the answers that it may
 * still ask for: a call that is sent again is not run again. Instance's thread. A lane belongs to
 * its grant; it outlives its channels.
 *
 * Answers of calls that were served in order are kept as the journal's items, one after the other;
 * those of methods that may answer later stay apart until the client drops each. */
#ifndef WAT_HOST_LANE_H
#define WAT_HOST_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/bytes.h"
#include "daemon/host/record.h"
#include "proto/limits.h"
#include "proto/status.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct call;
struct channel;
struct grant;
struct service_loop;

#define LANE_BYTES_MAX (1024u * 1024u) /* of answers not confirmed; the last may go over it */
#define LANE_TAKEN_MAX 16u             /* taken calls, open or not dropped */
#define LANES_PER_GRANT 16u            /* with a channel, and all together */
#define LANE_GRANT_BYTES_MAX (4u * 1024u * 1024u)
#define LANE_DETACHED_MS (24u * 3600u * 1000u) /* that a lane without a channel is kept */

/* A call of a method that may answer later. */
struct lane_taken {
	struct list link;
	uint64_t id, hash;
	uint16_t method;
	struct call *call;      /* open; NULL: answered, or from before a death */
	struct bytes answer;    /* one item; empty: open */
	bool of_batch;          /* taken in the batch that is not committed, */
	bool answered_in_batch; /* or answered in it */
};

struct lane {
	struct list link;     /* grant->lanes, oldest first */
	struct list of_batch; /* loop->batch.lanes, while the batch has changed it */
	struct grant *grant;
	uint8_t id[WAT_ID_SIZE];
	struct channel *channel; /* NULL: detached */
	uint64_t detached_ms;    /* Unix time, without a channel */
	uint64_t confirmed;      /* every lower id was taken by the client */
	uint64_t last_applied;   /* highest id of a call that may have changed something */
	struct bytes replies;    /* from `start` on: items, by id */
	size_t start;
	uint32_t n_replies;
	struct list taken;
	uint32_t n_taken;
	size_t taken_bytes; /* of their answers */
	struct lane_mark {  /* as before the batch */
		size_t n;
		uint32_t n_replies;
		uint64_t last_applied;
	} before;
};

/* NULL: the grant has none with this id. */
struct lane *lane_find(const struct grant *grant, const uint8_t id[static WAT_ID_SIZE]);
/* Makes room by dropping the grant's oldest detached lanes. NULL: all are live, or memory is out.
 */
struct lane *lane_new(struct service_loop *loop,
		      struct grant *grant,
		      const uint8_t id[static WAT_ID_SIZE]);
/* Open calls of it are answered to nobody from here on. Returns NULL. */
struct lane *lane_free(struct lane *lane);
/* Those of the grant that have been without a channel for too long go. */
void lanes_expire(struct grant *grant, uint64_t now_ms);

/* The client has all answers below the id. */
void lane_confirm(struct lane *lane, uint64_t id);
/* May one more call run? Drops detached lanes of the grant if that helps. */
bool lane_has_room(struct lane *lane);

enum lane_seen {
	LANE_UNSEEN, /* run it */
	LANE_STORED, /* *ret_item is its answer */
	LANE_OPEN,   /* *ret_taken waits for its answer */
	LANE_OTHER,  /* another call had this id */
	LANE_PAST,   /* it may have run, and its answer is not here */
	LANE_PASSED, /* it was not run, but the client has said that it has its answer */
};
/* What is known of a call with this id, method and hash. */
enum lane_seen lane_look(const struct lane *lane,
			 uint64_t id,
			 uint16_t method,
			 uint64_t hash,
			 struct record_item *ret_item,
			 struct lane_taken **ret_taken);

/* Has a call with this id an answer here, or is it open? */
bool lane_knows(const struct lane *lane, uint64_t id);

/* Keeps an answer (RECORD_DONE); its body's room. The items from *ret_at of lane->replies on are
 * it. NULL: no memory. */
uint8_t *lane_add(struct lane *lane, const struct record_item *item, size_t *ret_at);
/* What lane_take wants; free() if it was not given to that. NULL: no memory. */
struct lane_taken *lane_taken_new(void);
void lane_take(struct lane *lane,
	       struct lane_taken *taken,
	       uint64_t id,
	       uint16_t method,
	       uint64_t hash);
struct lane_taken *lane_find_taken(const struct lane *lane, uint64_t id);
/* Keeps its answer (RECORD_ANSWERED); its body's room. NULL: no memory. */
uint8_t *lane_answer(struct lane *lane, struct lane_taken *taken, const struct record_item *item);
struct lane_taken *lane_drop_taken(struct lane *lane, struct lane_taken *taken);

/* Undoing: the first change in a batch marks the lane; then either of the two. A call that was
 * taken before the batch and answered in it is answered with this failure instead: its callers in
 * the service are gone. */
void lane_mark(struct lane *lane);
void lane_settle(struct lane *lane);
void lane_undo(struct lane *lane, wat_status status, const uint8_t *failure, size_t n);

/* Appends the lane as items. -ENOMEM. */
int lane_save(const struct lane *lane, struct bytes *bytes) WAT_MUST_CHECK;

#endif
