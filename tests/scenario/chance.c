/* chance.c - numbers that look random, and bytes made worse with them. */
#include "tests/scenario/chance.h"

#include <string.h>

#define STRETCH_MAX 16u

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014). */
uint64_t chance_next(struct chance *chance)
{
	uint64_t z = chance->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t chance_below(struct chance *chance, size_t n)
{
	return (size_t)(chance_next(chance) % n);
}

void chance_fill(struct chance *chance, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)chance_next(chance);
}

static size_t take_out(struct chance *chance, uint8_t *bytes, size_t n)
{
	size_t at = chance_below(chance, n), length = 1 + chance_below(chance, STRETCH_MAX);

	if (length > n - at)
		length = n - at;
	memmove(bytes + at, bytes + at + length, n - at - length);
	return n - length;
}

/* New bytes, or some of those that are there. */
static size_t put_in(struct chance *chance, uint8_t *bytes, size_t n, size_t size)
{
	size_t at = chance_below(chance, n + 1), length = 1 + chance_below(chance, STRETCH_MAX);
	uint8_t stretch[STRETCH_MAX];

	if (length > size - n)
		return n;
	chance_fill(chance, stretch, length);
	if (n >= length && chance_below(chance, 2))
		memcpy(stretch, bytes + chance_below(chance, n - length + 1), length);
	memmove(bytes + at + length, bytes + at, n - at);
	memcpy(bytes + at, stretch, length);
	return n + length;
}

size_t chance_mutate(struct chance *chance, uint8_t *bytes, size_t n, size_t size)
{
	static const uint8_t ends[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

	for (size_t left = 1 + chance_below(chance, 4); left > 0; left--) {
		switch (n == 0 ? 3 : chance_below(chance, 5)) {
		case 0:
			bytes[chance_below(chance, n)] ^= (uint8_t)(1u << chance_below(chance, 8));
			break;
		case 1:
			bytes[chance_below(chance, n)] = ends[chance_below(chance, sizeof ends)];
			break;
		case 2:
			n = take_out(chance, bytes, n);
			break;
		case 3:
			n = put_in(chance, bytes, n, size);
			break;
		default:
			n = chance_below(chance, n + 1);
		}
	}
	return n;
}
