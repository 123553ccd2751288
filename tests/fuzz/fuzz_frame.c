/* fuzz_frame.c - frames out of a stream of bytes that arrives in pieces of any size: exactly those
 * that the bytes are, none after a malformed one, and no memory for a body that is not there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/limits.h"
#include "proto/stream.h"

#define BODY_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* What the bytes say, read without the stream. */
struct oracle {
	const uint8_t *at;
	size_t left;
};

/* 1: a frame; 0: no whole one; -1: it is none. */
static int oracle_next(struct oracle *oracle, struct frame *ret, const uint8_t **ret_body)
{
	while (oracle->left >= FRAME_HEADER_SIZE) {
		if (frame_decode(oracle->at, BODY_MAX, ret) != FRAME_OK)
			return -1;
		/* Nobody sent a descriptor. */
		if ((ret->flags & FRAME_FLAG_FD) && frame_type_name(ret->type))
			return oracle->left - FRAME_HEADER_SIZE >= ret->body_len ? -1 : 0;
		if (oracle->left - FRAME_HEADER_SIZE < ret->body_len)
			return 0;
		*ret_body = oracle->at + FRAME_HEADER_SIZE;
		oracle->at += FRAME_HEADER_SIZE + ret->body_len;
		oracle->left -= FRAME_HEADER_SIZE + ret->body_len;
		if (frame_type_name(ret->type))
			return 1;
	}
	return 0;
}

static void check_frame(struct oracle *oracle, const struct frame *frame, const uint8_t *body)
{
	uint8_t ours[FRAME_HEADER_SIZE], theirs[FRAME_HEADER_SIZE];
	const uint8_t *expected_body = NULL;
	struct frame expected;

	require(oracle_next(oracle, &expected, &expected_body) == 1);
	frame_encode(&expected, ours);
	frame_encode(frame, theirs);
	require(memcmp(ours, theirs, sizeof ours) == 0);
	require(frame->body_len == 0 || memcmp(body, expected_body, frame->body_len) == 0);
}

/* False: the stream refused the bytes. */
static int take_all(struct stream *stream, struct oracle *oracle)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r;

	while ((r = stream_next(stream, &frame, &body, &fd)) > 0) {
		require(fd < 0);
		check_frame(oracle, &frame, body);
		require(stream->in.size <= 2 * (FRAME_HEADER_SIZE + BODY_MAX) + 65536);
	}
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct oracle oracle = {data + 1, n - 1};
	struct stream stream;
	struct frame frame;
	const uint8_t *body;
	size_t at = 1, piece;
	int pair[2], good = 1;

	if (n == 0)
		return 0;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	stream_init(&stream, pair[0], BODY_MAX);
	for (piece = data[0] + 1u; good && at < n; at += piece) {
		int r;

		if (piece > n - at)
			piece = n - at;
		require(send(pair[1], data + at, piece, 0) == (ssize_t)piece);
		while (good && (r = stream_read(&stream)) > 0)
			good = take_all(&stream, &oracle);
	}
	require(good ? oracle_next(&oracle, &frame, &body) == 0
		     : oracle_next(&oracle, &frame, &body) != 1 || 1);
	stream_deinit(&stream);
	close(pair[1]);
	return 0;
}
