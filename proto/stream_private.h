/* stream_private.h - what stream.c and stream_secure.c share: buffers, and the ways between the
 * socket and them. */
#ifndef WAT_PROTO_STREAM_PRIVATE_H
#define WAT_PROTO_STREAM_PRIVATE_H

#include "proto/stream.h"
#include "proto/support/must_check.h"

#define STREAM_READ_SIZE (64u * 1024u)

void stream_buffer_deinit(struct stream_buffer *buffer);
/* Room for n more bytes at the end. -ENOMEM. */
int stream_buffer_make_room(struct stream_buffer *buffer, size_t n) WAT_MUST_CHECK;
void stream_buffer_consume(struct stream_buffer *buffer, size_t n);

/* As stream_read and stream_write. */
int stream_secure_read(struct stream *stream) WAT_MUST_CHECK;
int stream_secure_write(struct stream *stream) WAT_MUST_CHECK;
struct stream_secure *stream_secure_free(struct stream_secure *secure);
void stream_secure_trim(struct stream_secure *secure);
size_t stream_secure_memory(const struct stream_secure *secure);

#endif
