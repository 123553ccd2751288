/* kept.h - a watd that is started again whenever it dies, by a thread of its own, and that dies
 * once at the crash point of that name. */
#ifndef WAT_TESTS_KEPT_H
#define WAT_TESTS_KEPT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tests/scenario/desk.h"

struct kept {
	struct desk desk;
	pthread_t keeper;
	_Atomic bool over;
	_Atomic pid_t watd;
};

/* Starts it, and connects with patience. `point` as in WAT_CRASH_AT; not armed, nobody dies there
 * before kept_arm. */
void kept_begin(struct kept *kept, const char *point, bool armed);
void kept_arm(const struct kept *kept);
void kept_end(struct kept *kept);
/* Has somebody died at the point? */
bool kept_came(const struct kept *kept);

#endif
