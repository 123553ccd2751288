/* recover_parts.h - what the files of recovery share; for them only. Instance's thread. */
#ifndef WAT_HOST_RECOVER_PARTS_H
#define WAT_HOST_RECOVER_PARTS_H

#include "daemon/base/bytes.h"
#include "daemon/host/record.h"
#include "daemon/host/recover.h"
#include "daemon/host/replay.h"

struct lane;

struct recovery {
	struct service_loop *loop;
	struct request *request;
	struct lane *lane;  /* whose items are read */
	struct bytes state; /* of the newest record that has one */
	bool has_state;
	uint64_t seq;          /* of the newest record */
	uint64_t up_to;        /* the last one that is asked for */
	struct replay *replay; /* of a journal that has calls; NULL: none came yet */
	struct recover_failure *failure;
};

/* recover_items.c */
/* All items of a record, or of a snapshot. -EBADMSG: one makes no sense; -ENOMEM. */
int recover_items(struct recovery *recovery, const uint8_t *bytes, size_t n) WAT_MUST_CHECK;
/* One of the lane that was taken; and its answer. -ENOMEM. */
int recover_taken(struct lane *lane, const struct record_item *item) WAT_MUST_CHECK;
int recover_answer(struct lane *lane, const struct record_item *item) WAT_MUST_CHECK;

#endif
