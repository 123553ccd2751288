/* restart.h - when a dead instance is started again. Pure: time and randomness come in as
 * arguments. */
#ifndef WAT_SUPERVISOR_RESTART_H
#define WAT_SUPERVISOR_RESTART_H

#include <stdint.h>

/* At most this many starts within the window; one more death is a failure. */
#define RESTART_MAX 5u
#define RESTART_WINDOW_MS 10000u
/* Pause before the second start within the window; it doubles with each further one. */
#define RESTART_PAUSE_MS 50u
#define RESTART_PAUSE_MAX_MS 2000u

struct restart {
	uint64_t at_ms[RESTART_MAX]; /* of the starts within the window, oldest first */
	unsigned n;
};

enum restart_verdict { RESTART_NOW, RESTART_LATER, RESTART_GIVE_UP };

/* A death at now_ms (of a clock that never jumps). random spreads the pause by up to a quarter. For
 * NOW and LATER the start is counted; *ret_pause_ms is set for LATER. */
enum restart_verdict restart_decide(struct restart *restart,
				    uint64_t now_ms,
				    uint32_t random,
				    uint64_t *ret_pause_ms);

#endif
