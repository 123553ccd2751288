/* stream_buffer.c - bytes on their way. Runs on their owner's thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/stream_private.h"

#define KEEP_SIZE (256u * 1024u) /* an empty buffer larger than this is given back */

void stream_buffer_deinit(struct stream_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct stream_buffer){0};
}

int stream_buffer_make_room(struct stream_buffer *buffer, size_t n)
{
	size_t held = buffer->end - buffer->start, size;
	uint8_t *data;

	if (buffer->size - buffer->end >= n)
		return 0;
	if (buffer->start > 0 && buffer->size - held >= n && held <= buffer->start) {
		memmove(buffer->data, buffer->data + buffer->start, held);
		buffer->start = 0;
		buffer->end = held;
		return 0;
	}
	if (n > SIZE_MAX / 4 - held)
		return -ENOMEM;
	size = buffer->size ? buffer->size : 4096;
	while (size < held + n)
		size *= 2;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	if (held > 0)
		memcpy(data, buffer->data + buffer->start, held);
	free(buffer->data);
	*buffer = (struct stream_buffer){.data = data, .end = held, .size = size};
	return 0;
}

void stream_buffer_consume(struct stream_buffer *buffer, size_t n)
{
	buffer->start += n;
	if (buffer->start < buffer->end)
		return;
	buffer->start = buffer->end = 0;
	if (buffer->size > KEEP_SIZE)
		stream_buffer_deinit(buffer);
}

static void borrow(struct stream_buffer *buffer, struct stream_buffer *spare)
{
	if (buffer->data)
		return;
	*buffer = *spare;
	*spare = (struct stream_buffer){0};
}

static void give_back(struct stream_buffer *buffer, struct stream_buffer *spare)
{
	if (!buffer->data || buffer->start < buffer->end)
		return;
	if (spare->data)
		free(buffer->data);
	else
		*spare = (struct stream_buffer){.data = buffer->data, .size = buffer->size};
	*buffer = (struct stream_buffer){0};
}

void stream_borrow(struct stream *stream, struct stream_spare *spare)
{
	borrow(&stream->in, &spare->in);
	borrow(&stream->out, &spare->out);
}

void stream_give_back(struct stream *stream, struct stream_spare *spare)
{
	give_back(&stream->in, &spare->in);
	give_back(&stream->out, &spare->out);
}

void stream_spare_deinit(struct stream_spare *spare)
{
	stream_buffer_deinit(&spare->in);
	stream_buffer_deinit(&spare->out);
}
