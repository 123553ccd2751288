/* grant_judge.h - is a configured User as its [grant] says, and does its file prove it? Loop
 * thread. */
#ifndef WAT_SUPERVISOR_GRANT_JUDGE_H
#define WAT_SUPERVISOR_GRANT_JUDGE_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/caps/grants.h"

struct instance;

/* What its section says. */
struct grant_wanted {
	const char *path;
	gid_t gid;
	uint64_t mask, life_s;
};

enum grant_verdict { GRANT_LEAVE, GRANT_MAKE_BESIDE, GRANT_REPLACE };

/* When a new one is made beside it: a quarter of its life is left. Unix seconds. */
uint64_t grant_due_at(const struct store_grant *row);

/* *ret: the User whose token the file holds; NULL with GRANT_REPLACE. A file whose owner, group or
 * mode alone differ is written anew. */
enum grant_verdict grant_judge(const struct instance *instance,
			       const char *user,
			       const struct grant_wanted *wanted,
			       uint64_t now,
			       struct grant **ret);

#endif
