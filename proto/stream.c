/* stream.c - frames over a non-blocking stream socket, with descriptors. Runs on its owner's
 * thread. */
#include "proto/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/stream_private.h"
#include "proto/support/cleanup.h"

void stream_init(struct stream *stream, int fd, uint32_t body_max)
{
	*stream = (struct stream){.fd = fd, .body_max = body_max};
}

void stream_deinit(struct stream *stream)
{
	for (size_t i = 0; i < stream->n_in_fds; i++)
		fd_close(stream->in_fds[i]);
	for (size_t i = 0; i < stream->n_out_fds; i++)
		fd_close(stream->out_fds[i].fd);
	free(stream->out_fds);
	stream_secure_free(stream->secure);
	stream_buffer_deinit(&stream->in);
	stream_buffer_deinit(&stream->out);
	fd_close(stream->fd);
	*stream = (struct stream){.fd = -1};
}

/* Bytes that are still missing of the frame at the front. */
static size_t missing(const struct stream *stream)
{
	size_t held = stream->in.end - stream->in.start;
	struct frame frame;

	if (held < FRAME_HEADER_SIZE || frame_decode(stream->in.data + stream->in.start,
						     stream->body_max, &frame) == FRAME_E_TOO_LARGE)
		return 0;
	held -= FRAME_HEADER_SIZE;
	return frame.body_len > held ? frame.body_len - held : 0;
}

/* The kernel cut the list short. If nothing of it is left, that is no mistake of the peer: this
 * process can't have another. */
static int claim_lost(struct stream *stream, const struct msghdr *message)
{
	bool none = message->msg_controllen == 0;

	if (!(message->msg_flags & MSG_CTRUNC))
		return 0;
	if (!none || stream->n_in_fds == STREAM_FDS_MAX)
		return -EPROTO;
	if (!stream->may_lose_fds)
		return -EMFILE;
	stream->in_fds[stream->n_in_fds++] = STREAM_FD_LOST;
	return 0;
}

/* Keeps the descriptors that came with a message. Too many of them are the peer's mistake. */
static int claim_fds(struct stream *stream, struct msghdr *message)
{
	int lost = claim_lost(stream, message), r = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
			if (stream->n_in_fds < STREAM_FDS_MAX) {
				stream->in_fds[stream->n_in_fds++] = fd;
			} else {
				fd_close(fd);
				r = -EPROTO;
			}
		}
	}
	return r < 0 ? r : lost;
}

static int read_plain(struct stream *stream)
{
	union {
		char bytes[CMSG_SPACE(STREAM_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec vector;
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes};
	size_t want;
	ssize_t n;
	int r;

	stream_buffer_consume(&stream->in, 0);
	want = missing(stream);
	if (want < STREAM_READ_SIZE)
		want = STREAM_READ_SIZE;
	r = stream_buffer_make_room(&stream->in, want);
	if (r < 0)
		return r;
	vector = (struct iovec){stream->in.data + stream->in.end, want};
	do
		n = recvmsg(stream->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	stream->in.end += (size_t)n;
	r = claim_fds(stream, &message);
	return r < 0 ? r : (int)n;
}

int stream_read(struct stream *stream)
{
	return stream->secure ? stream_secure_read(stream) : read_plain(stream);
}

static int take_in_fd(struct stream *stream)
{
	int fd;

	if (stream->n_in_fds == 0)
		return -1;
	fd = stream->in_fds[0];
	stream->n_in_fds--;
	memmove(stream->in_fds, stream->in_fds + 1, stream->n_in_fds * sizeof stream->in_fds[0]);
	return fd;
}

static int refuse(enum frame_error error)
{
	switch (error) {
	case FRAME_E_TOO_LARGE:
		return -EMSGSIZE;
	case FRAME_E_TYPE:
		return -EBADMSG;
	case FRAME_E_RESERVED:
	case FRAME_OK:
	default:
		return -EPROTO;
	}
}

/* The frame at the front, if it is whole, leaves the buffer (its bytes stay until the next read).
 */
static int pop_frame(struct stream *stream,
		     struct frame *ret_frame,
		     const uint8_t **ret_body,
		     int *ret_fd)
{
	size_t held = stream->in.end - stream->in.start;
	const uint8_t *at;
	enum frame_error error;
	int fd = -1;

	if (held < FRAME_HEADER_SIZE)
		return 0;
	at = stream->in.data + stream->in.start;
	error = frame_decode(at, stream->body_max, ret_frame);
	if (error != FRAME_OK) {
		stream->failed = *ret_frame;
		return refuse(error);
	}
	if (held - FRAME_HEADER_SIZE < ret_frame->body_len)
		return 0;
	if (ret_frame->flags & FRAME_FLAG_FD) {
		fd = take_in_fd(stream);
		if (fd == -1) {
			stream->failed = *ret_frame;
			return -EBADMSG;
		}
	}
	stream->in.start += FRAME_HEADER_SIZE + ret_frame->body_len;
	*ret_body = at + FRAME_HEADER_SIZE;
	*ret_fd = fd;
	return 1;
}

int stream_next(struct stream *stream,
		struct frame *ret_frame,
		const uint8_t **ret_body,
		int *ret_fd)
{
	for (;;) {
		int r = pop_frame(stream, ret_frame, ret_body, ret_fd);

		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (frame_type_is_known(ret_frame->type))
			return 1;
		fd_close(*ret_fd);
	}
	return 0;
}

bool stream_has_partial(const struct stream *stream)
{
	return stream->in.start != stream->in.end || stream->n_in_fds > 0;
}

static int out_fd_add(struct stream *stream, int fd)
{
	if (stream->n_out_fds == stream->out_fds_size) {
		size_t size = stream->out_fds_size ? stream->out_fds_size * 2 : 4;
		struct stream_out_fd *grown = reallocarray(stream->out_fds, size, sizeof *grown);

		if (!grown)
			return -ENOMEM;
		stream->out_fds = grown;
		stream->out_fds_size = size;
	}
	stream->out_fds[stream->n_out_fds++] = (struct stream_out_fd){
		.at = stream_position(stream),
		.fd = fd,
	};
	return 0;
}

int stream_make_room(struct stream *stream, size_t n)
{
	return stream_buffer_make_room(&stream->out, n);
}

static int queue_fd(struct stream *stream, struct frame *frame, size_t body_len, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	int r;

	if (stream->secure)
		return -EINVAL;
	/* Once the descriptor is in the list, its frame has to follow. */
	r = stream_make_room(stream, FRAME_HEADER_SIZE + body_len);
	if (r < 0)
		return r;
	r = out_fd_add(stream, owned);
	if (r < 0)
		return r;
	fd_take(&owned);
	frame->flags |= FRAME_FLAG_FD;
	return 0;
}

int stream_queue(struct stream *stream,
		 const struct frame *frame,
		 const void *body,
		 size_t body_len,
		 int fd)
{
	struct frame with_fd;
	uint8_t *room;
	int r;

	if (fd >= 0) {
		with_fd = *frame;
		frame = &with_fd;
		r = queue_fd(stream, &with_fd, body_len, fd);
		if (r < 0)
			return r;
	}
	r = stream_reserve(stream, frame, body_len, &room);
	if (r < 0)
		return r;
	if (body_len > 0)
		memcpy(room, body, body_len);
	return 0;
}

/* One send: what goes without a descriptor is cheaper so. */
static ssize_t send_plain(struct stream *stream, size_t at_most)
{
	return send(stream->fd, stream->out.data + stream->out.start, at_most,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* One sendmsg: up to the next frame that carries a descriptor, or that frame's first bytes together
 * with it. */
static ssize_t send_with_fd(struct stream *stream, size_t at_most)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec vector = {stream->out.data + stream->out.start, at_most};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	struct stream_out_fd *next = stream->n_out_fds > 0 ? stream->out_fds : NULL;

	if (next && next->at > stream->out_position) {
		if (vector.iov_len > next->at - stream->out_position)
			vector.iov_len = (size_t)(next->at - stream->out_position);
	} else if (next) {
		struct cmsghdr *c;

		if (stream->n_out_fds > 1 && vector.iov_len > next[1].at - stream->out_position)
			vector.iov_len = (size_t)(next[1].at - stream->out_position);
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof control.bytes;
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &next->fd, sizeof(int));
	}
	return sendmsg(stream->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int stream_write_until(struct stream *stream, uint64_t position)
{
	while (stream->out_position < position) {
		bool with_fd =
			stream->n_out_fds > 0 && stream->out_fds[0].at == stream->out_position;
		size_t at_most = (size_t)(position - stream->out_position);
		ssize_t n = stream->n_out_fds > 0 ? send_with_fd(stream, at_most)
						  : send_plain(stream, at_most);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		if (with_fd) {
			fd_close(stream->out_fds[0].fd);
			stream->n_out_fds--;
			memmove(stream->out_fds, stream->out_fds + 1,
				stream->n_out_fds * sizeof stream->out_fds[0]);
		}
		stream->out_position += (uint64_t)n;
		stream_buffer_consume(&stream->out, (size_t)n);
	}
	return 0;
}

int stream_write(struct stream *stream)
{
	if (stream->secure)
		return stream_secure_write(stream);
	return stream_write_until(stream, stream_position(stream));
}

void stream_take_back(struct stream *stream, uint64_t position)
{
	uint64_t end = stream_position(stream);

	if (position < end)
		stream->out.end -= (size_t)(end - position);
}

int stream_queue_bytes(struct stream *stream, const void *bytes, size_t n)
{
	int r = stream_buffer_make_room(&stream->out, n);

	if (r < 0)
		return r;
	memcpy(stream->out.data + stream->out.end, bytes, n);
	stream->out.end += n;
	return 0;
}

void stream_trim(struct stream *stream)
{
	if (stream->in.start == stream->in.end)
		stream_buffer_deinit(&stream->in);
	if (stream->out.start == stream->out.end)
		stream_buffer_deinit(&stream->out);
	if (stream->secure)
		stream_secure_trim(stream->secure);
}

size_t stream_memory(const struct stream *stream)
{
	size_t n = stream->in.size + stream->out.size;

	return stream->secure ? n + stream_secure_memory(stream->secure) : n;
}
