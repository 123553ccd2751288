/* json_buffer.c - bytes that grow. The caller frees the data; who looks at the result looks at
 * `failed` first. */
#include "proto/json_private.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(struct json_buffer *buffer, size_t n)
{
	size_t size = buffer->size ? buffer->size : 256;
	void *data;

	if (buffer->failed || n > SIZE_MAX / 4 - buffer->n) {
		buffer->failed = true;
		return false;
	}
	if (n <= buffer->size - buffer->n)
		return true;
	while (size < buffer->n + n)
		size *= 2;
	data = realloc(buffer->data, size);
	if (!data) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->size = size;
	return true;
}

void json_buffer_put(struct json_buffer *buffer, const void *bytes, size_t n)
{
	if (n == 0 || !reserve(buffer, n))
		return;
	memcpy(buffer->data + buffer->n, bytes, n);
	buffer->n += n;
}

static size_t pack_varint(uint8_t bytes[WIRE_VARINT_MAX], uint64_t value)
{
	size_t n = 0;

	for (; value > 0x7f; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	return n;
}

void json_buffer_varint(struct json_buffer *buffer, uint64_t value)
{
	uint8_t bytes[WIRE_VARINT_MAX];

	json_buffer_put(buffer, bytes, pack_varint(bytes, value));
}

void json_buffer_prefix(struct json_buffer *buffer, size_t start)
{
	uint8_t prefix[WIRE_VARINT_MAX];
	size_t length, n;

	if (buffer->failed)
		return;
	length = buffer->n - start;
	n = pack_varint(prefix, length);
	if (!reserve(buffer, n))
		return;
	memmove(buffer->data + start + n, buffer->data + start, length);
	memcpy(buffer->data + start, prefix, n);
	buffer->n += n;
}
