/* test_stream.c - frames and descriptors over a socket, in pieces of any size. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/stream.h"
#include "tests/lib/cases.h"

struct pair {
	struct stream a, b;
};

static int set_up(void **state)
{
	struct pair *pair = malloc(sizeof *pair);
	int fds[2];

	if (!pair || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -1;
	stream_init(&pair->a, fds[0], 1 << 20);
	stream_init(&pair->b, fds[1], 1 << 20);
	*state = pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	stream_deinit(&pair->a);
	stream_deinit(&pair->b);
	free(pair);
	return 0;
}

static void queue(struct stream *s, uint64_t id, const void *body, size_t n, int fd)
{
	assert_int_equal(
		stream_queue(s, &(struct frame){.type = FRAME_CALL, .id = id}, body, n, fd), 0);
}

/* A large frame arrives whole though the socket takes it in pieces, and so does what follows it. */
static void test_pieces(void **state)
{
	struct pair *p = *state;
	size_t n = 900000, n_frames = 0;
	uint8_t *body = malloc(n);
	const uint8_t *got;
	struct frame frame;
	int fd, r;

	for (size_t i = 0; i < n; i++)
		body[i] = (uint8_t)(i * 7);
	queue(&p->a, 1, body, n, -1);
	queue(&p->a, 2, "x", 1, -1);
	while (n_frames < 2) {
		r = stream_write(&p->a);
		assert_true(r == 0 || r == -EAGAIN);
		assert_true(stream_read(&p->b) > 0);
		while ((r = stream_next(&p->b, &frame, &got, &fd)) > 0) {
			n_frames++;
			assert_int_equal(frame.id, n_frames);
			assert_int_equal(frame.body_len, n_frames == 1 ? n : 1);
			assert_memory_equal(got, n_frames == 1 ? body : (const uint8_t *)"x",
					    frame.body_len);
			assert_int_equal(fd, -1);
		}
		assert_int_equal(r, 0);
	}
	assert_false(stream_has_partial(&p->b));
	free(body);
}

/* Each descriptor arrives with its own frame, among frames without. */
static void test_descriptors(void **state)
{
	struct pair *p = *state;
	const uint8_t *body;
	struct frame frame;
	int fd, fds[2], seen = 0;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	queue(&p->a, 1, "a", 1, -1);
	queue(&p->a, 2, "b", 1, fds[0]);
	queue(&p->a, 3, "c", 1, -1);
	queue(&p->a, 4, "d", 1, fds[1]);
	assert_int_equal(stream_write(&p->a), 0);
	while (seen < 4) {
		assert_true(stream_read(&p->b) > 0);
		while (stream_next(&p->b, &frame, &body, &fd) > 0) {
			seen++;
			assert_int_equal(frame.id, seen);
			assert_int_equal(fd >= 0, seen == 2 || seen == 4);
			if (fd >= 0)
				close(fd);
		}
	}
	/* The sender's copies are closed. */
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
}

/* The receiver may have so many descriptors more; returns how many it might before. */
static rlim_t allow_descriptors(int n)
{
	int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct rlimit limit;
	rlim_t before;

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)(next + n);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return before;
}

static void restore_descriptors(rlim_t before)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = before;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Where that is allowed, a descriptor that there was no room for is lost alone: its frame comes
 * without it, and those before and after it with theirs. Elsewhere it is an error. */
static void test_no_room_for_descriptor(void **state)
{
	struct pair *p = *state;
	const uint8_t *body;
	struct frame frame;
	rlim_t before;
	int fd;

	p->b.may_lose_fds = true;
	for (uint64_t id = 1; id <= 3; id++) {
		queue(&p->a, id, "x", 1, fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
		assert_int_equal(stream_write(&p->a), 0);
		before = allow_descriptors(id == 2 ? 0 : 1);
		assert_true(stream_read(&p->b) > 0);
		restore_descriptors(before);
		assert_int_equal(stream_next(&p->b, &frame, &body, &fd), 1);
		assert_int_equal(frame.id, id);
		assert_int_equal(fd == STREAM_FD_LOST, id == 2);
		if (id != 2)
			assert_int_equal(close(fd), 0);
	}
	p->b.may_lose_fds = false;
	queue(&p->a, 4, "x", 1, fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
	assert_int_equal(stream_write(&p->a), 0);
	before = allow_descriptors(0);
	assert_int_equal(stream_read(&p->b), -EMFILE);
	restore_descriptors(before);
}

/* A frame that announces a descriptor which did not come is refused. */
static void test_missing_descriptor(void **state)
{
	struct pair *p = *state;
	const uint8_t *body;
	struct frame frame = {.type = FRAME_BOUND, .flags = FRAME_FLAG_FD, .id = 9};
	uint8_t *room;
	int fd;

	assert_int_equal(stream_reserve(&p->a, &frame, 0, &room), 0);
	assert_int_equal(stream_write(&p->a), 0);
	assert_true(stream_read(&p->b) > 0);
	assert_int_equal(stream_next(&p->b, &frame, &body, &fd), -EBADMSG);
	assert_int_equal(p->b.failed.id, 9);
}

/* A body over the limit is refused by its header alone; unknown skippable frames are passed over.
 */
static void test_limits(void **state)
{
	struct pair *p = *state;
	const uint8_t *body;
	struct frame frame = {.type = 99, .flags = FRAME_FLAG_SKIPPABLE};
	int fd;

	p->b.body_max = 10;
	assert_int_equal(stream_queue(&p->a, &frame, "abc", 3, -1), 0);
	queue(&p->a, 1, "0123456789", 10, -1);
	queue(&p->a, 2, "0123456789a", 11, -1);
	assert_int_equal(stream_write(&p->a), 0);
	assert_true(stream_read(&p->b) > 0);
	assert_int_equal(stream_next(&p->b, &frame, &body, &fd), 1);
	assert_int_equal(frame.id, 1);
	assert_int_equal(stream_next(&p->b, &frame, &body, &fd), -EMSGSIZE);
	assert_int_equal(p->b.failed.body_len, 11);
}

/* Writing to a peer that has gone is an error, never a signal. */
static void test_gone(void **state)
{
	struct pair *p = *state;

	stream_deinit(&p->b);
	queue(&p->a, 1, "a", 1, -1);
	assert_int_equal(stream_write(&p->a), -EPIPE);
	assert_int_equal(stream_read(&p->a), 0);
}

/* Streams share buffers: one that is empty goes to the next, one with something in it stays, and
 * what is in it is read and written from there. */
static void test_borrowed(void **state)
{
	struct pair *p = *state;
	struct stream_spare spare = {0};
	const uint8_t *body, *data;
	struct frame frame;
	int fd;

	stream_borrow(&p->a, &spare);
	assert_null(p->a.out.data);
	queue(&p->a, 1, "one", 3, -1);
	data = p->a.out.data;
	stream_give_back(&p->a, &spare);
	assert_ptr_equal(p->a.out.data, data);
	assert_int_equal(stream_write(&p->a), 0);
	stream_give_back(&p->a, &spare);
	assert_null(p->a.out.data);
	assert_int_equal(stream_memory(&p->a), 0);
	assert_ptr_equal(spare.out.data, data);
	stream_borrow(&p->b, &spare);
	assert_ptr_equal(p->b.out.data, data);
	assert_null(spare.out.data);

	assert_int_equal(send(p->a.fd, "half", 4, 0), 4);
	assert_true(stream_read(&p->b) > 0);
	assert_int_equal(stream_next(&p->b, &frame, &body, &fd), 1);
	assert_memory_equal(body, "one", 3);
	data = p->b.in.data;
	stream_give_back(&p->b, &spare);
	assert_ptr_equal(p->b.in.data, data);
	assert_true(stream_has_partial(&p->b));
	/* Nobody needs a second spare one. */
	queue(&p->a, 2, "two", 3, -1);
	assert_int_equal(stream_write(&p->a), 0);
	stream_give_back(&p->a, &spare);
	assert_null(p->a.out.data);
	stream_spare_deinit(&spare);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_pieces),
		CASE(test_descriptors),
		CASE(test_missing_descriptor),
		CASE(test_limits),
		CASE(test_gone),
		CASE(test_borrowed),
		CASE(test_no_room_for_descriptor),
	};

	return test_run_cases(tests, NULL, NULL);
}
