/* bytes.h - little-endian numbers in byte strings, as every format of ours has them. */
#ifndef WAT_SUPPORT_BYTES_H
#define WAT_SUPPORT_BYTES_H

#include <endian.h>
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

#endif
