/* fuzz_frame.c - frames out of a stream of bytes and descriptors that arrives in pieces of any
 * size: after each piece exactly those frames that the bytes are so far, each with its own
 * descriptor; none after a malformed one; and no memory for a body that is not there. The first
 * byte is the size of the pieces, the next two say which of them bring a descriptor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/limits.h"
#include "proto/stream.h"

#define BODY_MAX 4096u
#define READ_SIZE 65536u /* what the stream reads at once */
#define HEAD 3u
/* One more than may wait at once, so that no two that wait are the same. */
#define N_FILES (STREAM_FDS_MAX + 1u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static int files[N_FILES]; /* what is sent: each another file */

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < N_FILES; i++) {
		files[i] = memfd_create("fuzz", MFD_CLOEXEC);
		require(files[i] >= 0);
	}
	return 0;
}

/* What the bytes that were sent say, read without the stream. */
struct oracle {
	const uint8_t *at;
	size_t left;
	size_t n_sent, n_taken; /* descriptors */
};

/* 1: a frame, and the file that comes with it (-1: none); 0: no whole one; -1: it is none. */
static int oracle_next(struct oracle *oracle,
		       struct frame *ret,
		       const uint8_t **ret_body,
		       int *ret_file)
{
	while (oracle->left >= FRAME_HEADER_SIZE) {
		if (frame_decode(oracle->at, BODY_MAX, ret) != FRAME_OK)
			return -1;
		if (oracle->left - FRAME_HEADER_SIZE < ret->body_len)
			return 0;
		/* A frame that is skipped brings its descriptor as any other does. */
		*ret_file = -1;
		if (ret->flags & FRAME_FLAG_FD) {
			if (oracle->n_taken == oracle->n_sent)
				return -1;
			*ret_file = files[oracle->n_taken++ % N_FILES];
		}
		*ret_body = oracle->at + FRAME_HEADER_SIZE;
		oracle->at += FRAME_HEADER_SIZE + ret->body_len;
		oracle->left -= FRAME_HEADER_SIZE + ret->body_len;
		if (frame_type_name(ret->type))
			return 1;
	}
	return 0;
}

static void check_file(int fd, int expected)
{
	struct stat got, sent;

	require((fd < 0) == (expected < 0));
	if (fd < 0)
		return;
	require(fstat(fd, &got) == 0 && fstat(expected, &sent) == 0);
	require(got.st_ino == sent.st_ino);
	close(fd);
}

static void check_frame(struct oracle *oracle,
			const struct frame *frame,
			const uint8_t *body,
			int fd)
{
	uint8_t ours[FRAME_HEADER_SIZE], theirs[FRAME_HEADER_SIZE];
	const uint8_t *expected_body = NULL;
	struct frame expected;
	int file = -1;

	require(oracle_next(oracle, &expected, &expected_body, &file) == 1);
	frame_encode(&expected, ours);
	frame_encode(frame, theirs);
	require(memcmp(ours, theirs, sizeof ours) == 0);
	require(frame->body_len == 0 || memcmp(body, expected_body, frame->body_len) == 0);
	check_file(fd, file);
}

/* False: the stream refused the bytes. What it says, the oracle says too. */
static int take_all(struct stream *stream, struct oracle *oracle)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r;

	while ((r = stream_next(stream, &frame, &body, &fd)) > 0)
		check_frame(oracle, &frame, body, fd);
	require(oracle_next(oracle, &frame, &body, &fd) == (r < 0 ? -1 : 0));
	/* Doubled until one more read fits behind a frame that is not whole. */
	require(stream->in.size <= 2 * (FRAME_HEADER_SIZE + BODY_MAX + READ_SIZE));
	require(r < 0 || stream_has_partial(stream) ==
				 (oracle->left > 0 || oracle->n_taken < oracle->n_sent));
	return r == 0;
}

static void send_piece(int socket, const uint8_t *bytes, size_t n, int file)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec vector = {(uint8_t *)bytes, n};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	if (file >= 0) {
		struct cmsghdr *c;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof control.bytes;
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &file, sizeof file);
	}
	require(sendmsg(socket, &message, 0) == (ssize_t)n);
}

/* Reads what was sent. False: the stream refused it. */
static int receive(struct stream *stream, struct oracle *oracle)
{
	int r;

	while ((r = stream_read(stream)) > 0)
		if (!take_all(stream, oracle))
			return 0;
	if (r == -EAGAIN)
		return 1;
	/* The one thing that reading refuses: more descriptors than may wait for their frames. */
	require(r == -EPROTO && oracle->n_sent - oracle->n_taken > STREAM_FDS_MAX);
	return 0;
}

static void run(struct stream *stream, int socket, const uint8_t *data, size_t n)
{
	struct oracle oracle = {.at = data + HEAD};
	size_t size = data[0] + 1u;
	unsigned with_file = data[1] | (unsigned)data[2] << 8;

	for (size_t at = HEAD, i = 0; at < n; at += size, i++) {
		size_t piece = size < n - at ? size : n - at;
		int file = -1;

		if (with_file >> (i % 16) & 1)
			file = files[oracle.n_sent++ % N_FILES];
		send_piece(socket, data + at, piece, file);
		oracle.left += piece;
		if (!receive(stream, &oracle))
			return;
		require(oracle.n_sent - oracle.n_taken <= STREAM_FDS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stream stream;
	int pair[2];

	if (n < HEAD)
		return 0;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	stream_init(&stream, pair[0], BODY_MAX);
	run(&stream, pair[1], data, n);
	stream_deinit(&stream);
	close(pair[1]);
	return 0;
}
