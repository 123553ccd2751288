/* recording.h - a watd under the layer, with instances of every durability and both tiers, that is
 * called, killed and started again. What it did is in the log, and what was answered, too. */
#ifndef WAT_TESTS_POWER_RECORDING_H
#define WAT_TESTS_POWER_RECORDING_H

#include "tests/lib/daemon.h"
#include "tests/power/power_log.h"
#include "tests/power/story.h"
#include "tests/power/teller.h"

struct recording {
	struct power_log *log;
	uint64_t root; /* inode number of the state directory */
	struct test_daemon daemon;
	struct teller tellers[STORY_INSTANCES][STORY_GRANTS]; /* token NULL: there is none */

	wat *admin_side;
	wat_node *node;
	ballot_admin *admins[STORY_INSTANCES];
	bool stopped[STORY_INSTANCES];
};

/* What each of them is. */
struct recording_instance {
	const char *name;
	uint32_t tier, durability;
};
extern const struct recording_instance recording_instances[STORY_INSTANCES];

/* A watd that is ready, under the layer, with its instances and their users. */
void recording_begin(struct recording *recording);
/* Each client of each instance makes n calls. `meanwhile` comes between the calls and their
 * answers; NULL: nothing. */
void recording_call(struct recording *recording,
		    unsigned n,
		    void (*meanwhile)(struct recording *, unsigned),
		    unsigned argument);
/* Kills the process of the instance of that number. */
void recording_kill_host(struct recording *recording, unsigned instance);
/* Kills watd. */
void recording_end_watd(struct recording *recording);
void recording_start(struct recording *recording);
/* Both. */
void recording_kill_watd(struct recording *recording, unsigned unused);
void recording_restart(struct recording *recording);
/* A user of instance 0 that ends again; guest: STORY_GUEST and up. */
void recording_grant(struct recording *recording, unsigned instance, unsigned client);
void recording_revoke(struct recording *recording, unsigned instance, unsigned client);
void recording_stop(struct recording *recording, unsigned instance);
/* Ends watd. Log and tokens stay. */
void recording_end(struct recording *recording);
void recording_free(struct recording *recording);

#endif
