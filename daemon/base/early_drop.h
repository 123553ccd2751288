/* early_drop.h - random early drop, as sshd's MaxStartups: from so many on one goes with a chance
 * that grows to certainty. So nobody can hold all places, and who sends many loses many. Pure;
 * chance is an argument. */
#ifndef WAT_BASE_EARLY_DROP_H
#define WAT_BASE_EARLY_DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct early_drop {
	uint32_t from;    /* below it nothing is dropped */
	uint32_t percent; /* the chance at `from`; 1 to 100 */
	uint32_t full;    /* from here on something is dropped always; at least `from` */
};

/* Is one to be dropped, when n are there and one more comes? chance: uniform over 32 bits. */
static inline bool early_drop(const struct early_drop *rule, size_t n, uint32_t chance)
{
	uint64_t range, share;

	if (n < rule->from)
		return false;
	if (n >= rule->full)
		return true;
	range = (uint64_t)rule->full - rule->from;
	share = rule->percent * range + (100 - (uint64_t)rule->percent) * (n - rule->from);
	/* chance / 2^32 < share / (100 * range); every term has room in 64 bits for numbers up to
	 * 1,000,000. */
	return chance * (100 * range) < share << 32;
}

#endif
