/* stream.h - frames over a non-blocking stream socket, with descriptors. Used by both ends of every
 * connection. Not thread safe; owns its descriptor, its buffers and the descriptors in them. */
#ifndef WAT_PROTO_STREAM_H
#define WAT_PROTO_STREAM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"
#include "proto/support/must_check.h"

#define STREAM_FDS_MAX 16
#define STREAM_FD_LOST (-2) /* in place of a descriptor: this process had no room for it */

struct stream_buffer {
	uint8_t *data;
	size_t start, end, size;
};

struct stream_out_fd {
	uint64_t at; /* position in the stream of the first byte of the frame it belongs to */
	int fd;
};

struct stream_secure; /* stream_secure.h */

/* Buffers that nobody uses, for streams of the same thread that have one only while there is
 * something in it. */
struct stream_spare {
	struct stream_buffer in, out;
};

struct stream {
	int fd;
	uint32_t body_max;
	bool may_lose_fds; /* see stream_read; set by the owner */
	struct stream_buffer in, out;
	int in_fds[STREAM_FDS_MAX];
	size_t n_in_fds;
	struct stream_out_fd *out_fds; /* in order */
	size_t n_out_fds, out_fds_size;
	uint64_t out_position;        /* bytes of frames that were given to the kernel */
	struct stream_secure *secure; /* NULL: the bytes go over the socket as they are */
	struct frame failed;          /* the frame that stream_next refused */
};

/* Takes the descriptor, which must be non-blocking and close-on-exec. */
void stream_init(struct stream *stream, int fd, uint32_t body_max);
/* Closes everything. */
void stream_deinit(struct stream *stream);

/* Reads once, up to 64 KiB (more when a large frame is under way). Returns the number of bytes, 0
 * at the end of the stream, -EAGAIN when there is nothing now, or a negative errno; -EPROTO when
 * more descriptors came than the rules allow, -EMFILE when this process could not have the one that
 * came. With may_lose_fds, for peers that are programs of ours and send one with a frame, the
 * latter is not an error: the frame comes with STREAM_FD_LOST. */
int stream_read(struct stream *stream) WAT_MUST_CHECK;

/* A whole frame of what was read. Returns 1 and the frame, its body (valid until the next
 * stream_read) and its descriptor (the caller's from then on; -1 if it has none); 0 when more must
 * be read; -EPROTO, -EMSGSIZE (body over body_max), -EBADMSG (unknown type; or a flagged descriptor
 * is missing): stream->failed then has the header. Skippable unknown frames are skipped here. */
int stream_next(struct stream *stream,
		struct frame *ret_frame,
		const uint8_t **ret_body,
		int *ret_fd) WAT_MUST_CHECK;

/* True if an undecoded part of a frame, or an unclaimed descriptor, is waiting. */
bool stream_has_partial(const struct stream *stream);

/* Appends a frame. frame->body_len is set here. fd >= 0 goes with it and is consumed in every case.
 * -ENOMEM. */
int stream_queue(struct stream *stream,
		 const struct frame *frame,
		 const void *body,
		 size_t body_len,
		 int fd) WAT_MUST_CHECK;

/* Room for n more bytes to write. -ENOMEM. */
int stream_make_room(struct stream *stream, size_t n) WAT_MUST_CHECK;

/* Room for a frame whose body the caller writes in place: ret_body has body_len bytes. -ENOMEM, or
 * -EMSGSIZE for a body that no header can announce. Inline: most often the room is there. */
static inline WAT_MUST_CHECK int stream_reserve(struct stream *stream,
						const struct frame *frame,
						size_t body_len,
						uint8_t **ret_body)
{
	struct stream_buffer *out = &stream->out;
	uint8_t *header;
	int r = 0;

	if (body_len > UINT32_MAX)
		return -EMSGSIZE;
	if (out->size - out->end < FRAME_HEADER_SIZE + body_len)
		r = stream_make_room(stream, FRAME_HEADER_SIZE + body_len);
	if (r < 0)
		return r;
	header = out->data + out->end;
	frame_encode(frame, header);
	frame_set_body_len(header, (uint32_t)body_len);
	*ret_body = header + FRAME_HEADER_SIZE;
	out->end += FRAME_HEADER_SIZE + body_len;
	return 0;
}

/* Appends bytes that are no frame. -ENOMEM. */
int stream_queue_bytes(struct stream *stream, const void *bytes, size_t n) WAT_MUST_CHECK;

/* Writes what is queued: 0 when all is written, -EAGAIN when some is left, or a negative errno
 * (-EPIPE, -ECONNRESET: the peer has gone; what it sent before can still be read). Never raises
 * SIGPIPE. */
int stream_write(struct stream *stream) WAT_MUST_CHECK;
/* The same up to a position of the stream, which is that of the end of a frame: 0 when all before
 * it is written. Not of a secured stream. */
int stream_write_until(struct stream *stream, uint64_t position) WAT_MUST_CHECK;
/* A buffer that the stream does not have is taken from there; one that is empty goes there. */
void stream_borrow(struct stream *stream, struct stream_spare *spare);
void stream_give_back(struct stream *stream, struct stream_spare *spare);
void stream_spare_deinit(struct stream_spare *spare);
/* Gives empty buffers back. */
void stream_trim(struct stream *stream);
/* Bytes of its buffers. */
size_t stream_memory(const struct stream *stream);

/* Of a secured stream: bytes of frames that are sealed and not yet all given to the kernel. Until
 * the last of them is, the peer can read none. */
size_t stream_secure_under_way(const struct stream_secure *secure);

/* Bytes of frames that are queued and not yet written. */
static inline size_t stream_pending(const struct stream *stream)
{
	return stream->out.end - stream->out.start +
	       (stream->secure ? stream_secure_under_way(stream->secure) : 0);
}

/* Where the next frame will begin: it is written, in part at least, once out_position is above. */
static inline uint64_t stream_position(const struct stream *stream)
{
	return stream->out_position + stream_pending(stream);
}

/* Takes back what was queued from the position on, which is that of the beginning of a frame;
 * nothing of it was written, and no descriptor is with it. */
void stream_take_back(struct stream *stream, uint64_t position);

/* Would stream_write write now, if the socket takes it? Not so during a handshake, when what is
 * queued waits for the peer. */
bool stream_wants_write(const struct stream *stream);

#endif
