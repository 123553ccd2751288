/* restart.h - when what died is started again. Pure: policy, history, time and randomness come in
 * as arguments. */
#ifndef WAT_SUPERVISOR_RESTART_H
#define WAT_SUPERVISOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#define RESTART_DEATHS_MAX 100u /* that a policy may allow within its time */

/* As they are stored and on the wire; 0 there: nothing was said. */
enum restart_when {
	RESTART_NEVER = 1,
	RESTART_ON_FAILURE = 2, /* after every end but one of its own will, with exit code 0 */
	RESTART_ALWAYS = 3,
};

struct restart_policy {
	enum restart_when when;
	uint32_t max;       /* starts within the time, 1 to RESTART_DEATHS_MAX; one death more is
			       one too many */
	uint64_t within_ms; /* that time */
	uint64_t pause_ms;  /* before the second start in a row; it doubles with each further one */
	uint64_t pause_max_ms;
	uint64_t healthy_ms; /* what was ready for so long begins a new row */
};
#define RESTART_POLICY_INIT                                   \
	{                                                     \
		RESTART_ON_FAILURE, 5, 10000, 50, 2000, 10000 \
	}

struct restart_history {
	uint64_t at_ms[RESTART_DEATHS_MAX]; /* of the deaths within the time, oldest first */
	unsigned n;
	unsigned in_a_row;
};

enum restart_kind {
	RESTART_FAILURE,    /* a signal, or an exit code but 0 */
	RESTART_END,        /* it exited with 0 by itself */
	RESTART_OF_ANOTHER, /* it was in the same process: that does not count against it */
};

struct restart_death {
	enum restart_kind kind;
	uint64_t now_ms;   /* of a clock that never jumps */
	uint64_t ready_ms; /* how long it was ready before; 0: it was not */
};

enum restart_verdict {
	RESTART_AGAIN,
	RESTART_FORBIDDEN, /* its policy does not start it after such a death */
	RESTART_TOO_OFTEN,
};

struct restart_decision {
	enum restart_verdict verdict;
	uint64_t pause_ms; /* before it is started AGAIN; 0: at once */
};

/* The death becomes part of the history. random shortens the pause by up to a quarter, so that what
 * died together does not come back together. */
struct restart_decision restart_decide(const struct restart_policy *policy,
				       struct restart_history *history,
				       const struct restart_death *death,
				       uint32_t random);

/* Counts one more of what may come `max` times within the time: true, and it is not counted, if
 * that is one too many. */
bool restart_count(struct restart_history *history,
		   uint32_t max,
		   uint64_t within_ms,
		   uint64_t now_ms);

/* "never", "on-failure", "always"; 0 for another word. */
enum restart_when restart_when_of(const char *word);
const char *restart_when_name(enum restart_when when);

#endif
