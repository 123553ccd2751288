/* story.h - what a test did and what it was told while a recording was made: marks in it. */
#ifndef WAT_TESTS_POWER_STORY_H
#define WAT_TESTS_POWER_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/power/power_log.h"

#define STORY_INSTANCES 5u
#define STORY_CLIENTS 2u /* of an instance that call it all the time */
#define STORY_READER 2u  /* another, that reads */
#define STORY_GUEST 3u   /* those from here on come and go */
#define STORY_GRANTS 8u
#define STORY_CALLS 20000u /* of one client, at most */

/* Who: instance * 16 + client. */
enum story_mark {
	STORY_READY = 1, /* watd said so: all that was answered is in its snapshots */
	STORY_SPAWNED,   /* who: the instance */
	STORY_GRANTED,   /* a client has its token */
	STORY_REVOKING,  /* it is about to be taken back */
	STORY_REVOKED,   /* it was */
	STORY_SENT,      /* number: of the call */
	STORY_ANSWERED,  /* number << 32 | place */
	STORY_BACK,      /* number: all after that call is gone, its durability is none */
	STORY_STOPPING,  /* who: the instance */
	STORY_STOPPED,   /* the same; number: the place of its final state */
};

struct story_client {
	bool granted, revoking, revoked;
	uint64_t sent, answered;      /* numbers of calls: all up to that one */
	uint64_t floor;               /* up to that one a snapshot has them */
	uint64_t sent_ever;           /* the highest that was */
	uint32_t places[STORY_CALLS]; /* by number; of those that were answered */
};

struct story_instance {
	bool spawned, stopping, stopped;
	uint64_t final_place;
	struct story_client clients[STORY_GRANTS];
};

struct story {
	bool ready;
	struct story_instance instances[STORY_INSTANCES];
};

/* What was so at that entry. The places are those of the whole recording. */
void story_read(struct story *story, const struct power_log *log, uint64_t end);

#endif
