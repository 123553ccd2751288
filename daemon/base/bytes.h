/* bytes.h - a growing run of bytes. Embedded in its owner; any one thread. */
#ifndef WAT_BASE_BYTES_H
#define WAT_BASE_BYTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/must_check.h"

/* All zero is an empty one. */
struct bytes {
	uint8_t *data;
	size_t n, size;
};

static inline void bytes_deinit(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

/* May n bytes be held without more memory? Gets it; false when memory is out. */
static inline bool bytes_reserve(struct bytes *bytes, size_t n)
{
	size_t size = bytes->size ? bytes->size : 1024;
	uint8_t *data;

	if (bytes->data && n <= bytes->size)
		return true;
	if (n > SIZE_MAX / 4)
		return false;
	while (size < n)
		size *= 2;
	data = realloc(bytes->data, size);
	if (!data)
		return false;
	bytes->data = data;
	bytes->size = size;
	return true;
}

/* Room for n more, to be filled by the caller; NULL when memory is out: nothing has changed. */
static inline uint8_t *bytes_add(struct bytes *bytes, size_t n)
{
	if ((!bytes->data || n > bytes->size - bytes->n) &&
	    (n > SIZE_MAX / 4 - bytes->n || !bytes_reserve(bytes, bytes->n + n)))
		return NULL;
	bytes->n += n;
	return bytes->data + bytes->n - n;
}

/* -ENOMEM. */
static inline int WAT_MUST_CHECK bytes_put(struct bytes *bytes, const void *from, size_t n)
{
	uint8_t *room = bytes_add(bytes, n);

	if (!room)
		return -ENOMEM;
	if (n > 0)
		memcpy(room, from, n);
	return 0;
}

/* The first n go. */
static inline void bytes_consume(struct bytes *bytes, size_t n)
{
	bytes->n -= n;
	if (bytes->n > 0 && n > 0)
		memmove(bytes->data, bytes->data + n, bytes->n);
}

#endif
