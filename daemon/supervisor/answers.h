/* answers.h - answers of mutating Node and Admin calls by their request id: sent again, a call gets
 * the same answer. Kept in the store with the row they belong to; this is their copy in the loop
 * thread's memory. */
#ifndef WAT_SUPERVISOR_ANSWERS_H
#define WAT_SUPERVISOR_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/store/store.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

#define ANSWERS_BUCKETS 1024u
#define ANSWERS_MAX 16384u /* the oldest goes */

struct answer {
	struct list by_id, by_age;
	uint8_t request_id[16], owner[16];
	int method;
	size_t n;
	uint8_t reply[];
};

struct answers {
	struct list buckets[ANSWERS_BUCKETS];
	struct list oldest_first;
	size_t n;
};

void answers_init(struct answers *answers);
void answers_deinit(struct answers *answers);
int answers_add(struct answers *answers, const struct store_answer *row) WAT_MUST_CHECK;
const struct answer *answers_find(const struct answers *answers, const uint8_t request_id[16]);

#endif
