/* chance.h - numbers that look random and are the same in each run, and bytes made worse with them.
 * Pure. */
#ifndef WAT_TESTS_CHANCE_H
#define WAT_TESTS_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state; /* any seed */
};

uint64_t chance_next(struct chance *chance);
/* 0 to n - 1; n is at least 1. */
size_t chance_below(struct chance *chance, size_t n);
void chance_fill(struct chance *chance, uint8_t *bytes, size_t n);
/* Changes the n bytes a few times: bits, bytes, stretches taken out, put in and repeated. Returns
 * how many they are then, at most size. */
size_t chance_mutate(struct chance *chance, uint8_t *bytes, size_t n, size_t size);

#endif
