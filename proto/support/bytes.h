/* bytes.h - little-endian numbers in byte strings, as every format of ours has them. */
#ifndef WAT_SUPPORT_BYTES_H
#define WAT_SUPPORT_BYTES_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BYTES_DEFINE(bits)                                                    \
	static inline void bytes_put##bits(uint8_t *at, uint##bits##_t value) \
	{                                                                     \
		value = htole##bits(value);                                   \
		memcpy(at, &value, sizeof value);                             \
	}                                                                     \
	static inline uint##bits##_t bytes_get##bits(const uint8_t *at)       \
	{                                                                     \
		uint##bits##_t value;                                         \
                                                                              \
		memcpy(&value, at, sizeof value);                             \
		return le##bits##toh(value);                                  \
	}                                                                     \
	struct bytes_semicolon_##bits

BYTES_DEFINE(16);
BYTES_DEFINE(32);
BYTES_DEFINE(64);

/* memcpy where most often there are few bytes: up to 16 without a call. The first and the last
 * ones are copied, which may overlap in the middle; all are read before one is written. */
static inline void bytes_copy(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n > 16) {
		memcpy(to, from, n);
	} else if (n >= 8) {
		uint64_t first = bytes_get64(from), last = bytes_get64(from + n - 8);

		bytes_put64(to, first);
		bytes_put64(to + n - 8, last);
	} else if (n >= 4) {
		uint32_t first = bytes_get32(from), last = bytes_get32(from + n - 4);

		bytes_put32(to, first);
		bytes_put32(to + n - 4, last);
	} else if (n > 0) {
		uint8_t first = from[0], middle = from[n / 2], last = from[n - 1];

		to[0] = first;
		to[n / 2] = middle;
		to[n - 1] = last;
	}
}

#endif
