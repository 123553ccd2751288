/* group_policy.h - what the death of one instance means for those that are in a group with it. The
 * members of a group stand in the order of their starts. Pure: policy, history, time and how the
 * members stand come in as arguments. */
#ifndef WAT_SUPERVISOR_GROUP_POLICY_H
#define WAT_SUPERVISOR_GROUP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/supervisor/restart.h"

enum group_strategy {
	GROUP_ONE_FOR_ONE = 1, /* each by itself; only the deaths are counted together */
	GROUP_ONE_FOR_ALL,     /* all end and start again */
	GROUP_REST_FOR_ONE,    /* those after it do */
};

struct group_policy {
	enum group_strategy strategy;
	uint32_t max;       /* deaths of its members within the time, 1 to RESTART_DEATHS_MAX; with
			       one more the group has failed */
	uint64_t within_ms; /* that time */
};
#define GROUP_POLICY_INIT                   \
	{                                   \
		GROUP_ONE_FOR_ONE, 5, 10000 \
	}

struct group_death {
	enum restart_kind kind;
	enum restart_verdict own; /* what the member's own policy says */
	size_t member;
	uint64_t now_ms; /* of a clock that never jumps */
};

enum group_verdict {
	GROUP_LEAVES,      /* it concerns the member alone: what its own policy says is done */
	GROUP_RESTARTS,    /* the members from `from` on end in order, the last one first, and start
			      again, the first one first */
	GROUP_FAILS_OFTEN, /* one death too many: its members are stopped, the last one first */
	GROUP_FAILS_LINKED, /* the same, since a member is given up that the others go with */
};

struct group_decision {
	enum group_verdict verdict;
	size_t from;
};

/* The death becomes part of the history. What its policy does not start is not counted, and neither
 * is the death of another one in the same process. */
struct group_decision group_decide(const struct group_policy *policy,
				   struct restart_history *history,
				   const struct group_death *death);

/* Its members go together: one that is given up takes the others with it. */
bool group_is_linked(enum group_strategy strategy);

enum group_phase {
	GROUP_IDLE,
	GROUP_ENDING,  /* members from `from` on end in order */
	GROUP_PAUSING, /* they wait as long as the one that died has to */
	GROUP_STARTING,
	GROUP_FAILING, /* all members are stopped */
};

enum group_member {
	MEMBER_UP,     /* ready */
	MEMBER_HELD,   /* it has ended and waits for its turn */
	MEMBER_MOVING, /* on its way to another of these */
	MEMBER_OUT,    /* stopped, given up or never begun: it is left as it is */
};

enum group_step {
	GROUP_WAIT,  /* until a member stands otherwise */
	GROUP_END,   /* the member, in order; then it is HELD */
	GROUP_START, /* the member that is HELD */
	GROUP_STOP,  /* the member, by its Stop handler */
	GROUP_DONE,  /* with the phase */
};

struct group_next {
	enum group_step step;
	size_t member; /* GROUP_WAIT: that it waits for, if it does for one */
};

/* One step at a time: a member moves only when the one before it has arrived. Of a group that fails
 * those that are held are started first, all of them, since a Stop handler runs in what is up. */
struct group_next group_next(enum group_phase phase,
			     const enum group_member *members,
			     size_t n,
			     size_t from);

/* "one_for_one", ...; 0 for another word. */
enum group_strategy group_strategy_of(const char *word);
const char *group_strategy_name(enum group_strategy strategy);

#endif
