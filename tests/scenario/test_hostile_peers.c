/* test_hostile_peers.c - peers that are slow, silent, half there, or send what they should not, by
 * every door: each only harms itself, memory stays within its bounds, descriptors come back, and an
 * innocent client goes on all the time. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/limits.h"
#include "proto/stream_secure.h"
#include "tests/scenario/chance.h"
#include "tests/scenario/hostile.h"

#define COUNT 0 /* forest.Forest */

/* As many as they like: that is what other tests are about. */
#define NO_LIMITS                                                           \
	"max-unauthenticated = 20000:100:20000\nhandshake-rate = 1000000\n" \
	"handshake-burst = 1000000\nbind-rate = 1000000\nbind-burst = 1000000\n"

static int set_up(void **state)
{
	return hostile_start(state, NO_LIMITS);
}

static int set_up_hasty(void **state)
{
	return hostile_start(state, NO_LIMITS "hello-timeout = 5s\n");
}

/* What is queued, byte by byte. */
static void send_slowly(struct hand *hand)
{
	uint8_t bytes[256];
	size_t n = hand->stream.out.end - hand->stream.out.start;

	assert_true(n <= sizeof bytes);
	/* Of a secured one each is a record of its own. */
	memcpy(bytes, hand->stream.out.data + hand->stream.out.start, n);
	hand->stream.out.end = hand->stream.out.start;
	for (size_t i = 0; i < n; i++)
		hand_queue_bytes(hand, &bytes[i], 1);
}

/* A client that sends byte by byte is served like any other, and one that says only a part of its
 * greeting is waited for as long as hello-timeout says (row 43). */
static void test_byte_by_byte(void **state)
{
	/* The first byte of a frame, and of a handshake. */
	static const uint8_t first[] = {2, 48};
	struct hostile *h = *state;
	struct hand slow;
	int mute[30];

	for (size_t i = 0; i < 30; i++) {
		mute[i] = hostile_reach(h, HERE);
		assert_int_equal(send(mute[i], &first[h->tcp], 1, MSG_NOSIGNAL), 1);
	}
	assert_int_equal(hand_begin(&slow, h->daemon.socket, hostile_reach(h, HERE)), 0);
	hand_queue(&slow, (struct frame){.type = FRAME_HELLO}, "\x08\x01", 2);
	send_slowly(&slow);
	assert_true(hand_read(&slow));
	hand_welcome(&slow);
	for (uint64_t id = 1; id <= 200; id++) {
		hand_queue(&slow, (struct frame){.type = FRAME_PING, .id = id}, NULL, 0);
		send_slowly(&slow);
		assert_true(hand_read(&slow));
		assert_int_equal(slow.frame.type, FRAME_PONG);
		assert_int_equal(slow.frame.id, id);
	}
	for (size_t i = 0; i < 30; i++)
		(void)hostile_drain(mute[i]);
	innocent_await(&h->innocent);
	hand_close(&slow);
	hostile_await_settled(h);
}

/* Connections of which only a half is there, at every stage, end with the other half, and leave
 * nothing behind. */
static void test_half_open(void **state)
{
	static const struct linger at_once = {.l_onoff = 1};
	struct hostile *h = *state;

	for (int i = 0; i < 40; i++) {
		struct hostile_user user;
		struct hand greeted;
		int fd = hostile_reach(h, HERE);

		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		(void)hostile_drain(fd);
		assert_int_equal(hostile_greet(h, HERE, &greeted), 0);
		assert_int_equal(shutdown(greeted.stream.fd, SHUT_WR), 0);
		assert_false(hand_read(&greeted));
		hand_close(&greeted);
		hostile_user_open(h, HERE, &user);
		(void)hand_queue_call(user.at, COUNT, NULL, 0);
		hand_flush(user.at);
		/* Reads no more; or is gone without a word. */
		if (i % 2)
			assert_int_equal(shutdown(user.at->stream.fd, SHUT_RD), 0);
		else
			(void)setsockopt(user.at->stream.fd, SOL_SOCKET, SO_LINGER, &at_once,
					 sizeof at_once);
		hostile_user_close(&user);
	}
	hostile_await_settled(h);
}

#define N_DEAF 8
#define MANY 1000000u
#define ROUNDS 1000
#define ROUNDS_STUCK 20

static void ping(struct hand *hand, uint64_t id)
{
	hand_queue(hand, (struct frame){.type = FRAME_PING, .id = id}, NULL, 0);
	assert_true(hand_read(hand));
	assert_int_equal(hand->frame.type, FRAME_PONG);
	assert_int_equal(hand->frame.id, id);
}

/* Sends as much as is taken: until nothing more is, though those who take it have served others
 * again and again since. */
static void push(struct hostile *h, struct hand *hand)
{
	size_t stuck = 0, left = stream_pending(&hand->stream);
	struct hand other;

	assert_int_equal(hostile_greet(h, HERE, &other), 0);
	for (uint64_t i = 1; i <= ROUNDS && stuck < ROUNDS_STUCK; i++) {
		int r = stream_write(&hand->stream);

		assert_true(r == 0 || r == -EAGAIN);
		ping(&other, i);
		innocent_await(&h->innocent);
		stuck = stream_pending(&hand->stream) == left ? stuck + 1 : 0;
		left = stream_pending(&hand->stream);
	}
	assert_true(left > 0);
	hand_close(&other);
}

/* Answers come to all of them, in their order. */
static void pull(struct hand *hand, uint8_t type, uint64_t first, size_t n)
{
	for (uint64_t id = first; id < first + n; id++) {
		assert_true(hand_read(hand));
		assert_int_equal(hand->frame.type, type);
		assert_int_equal(hand->frame.id, id);
	}
}

static void queue_pings(struct hand *hand, size_t n)
{
	for (uint64_t id = 1; id <= n; id++)
		hand_queue(hand, (struct frame){.type = FRAME_PING, .id = id}, NULL, 0);
}

/* A million frames in a row from one that has proved nothing and does not read: it is not read
 * either, whatever many do so; and when it reads, each is answered, in order (row 43). */
static void test_pings_without_reading(void **state)
{
	struct hostile *h = *state;
	struct hand deaf[N_DEAF];

	for (size_t i = 0; i < N_DEAF; i++) {
		assert_int_equal(hostile_greet(h, HERE, &deaf[i]), 0);
		queue_pings(&deaf[i], i == 0 ? MANY : MANY / 2);
		push(h, &deaf[i]);
	}
	hostile_assert_bounded(h, HOSTILE_STRANGERS_KB);
	pull(&deaf[0], FRAME_PONG, 1, MANY);
	for (size_t i = 0; i < N_DEAF; i++)
		hand_close(&deaf[i]);
	hostile_await_settled(h);
}

static void queue_counts(struct hand *hand, size_t n)
{
	uint64_t first = hand->handle ? 1 : hand->last_id + 1;

	for (uint64_t id = first; id < first + n; id++)
		hand_queue(hand,
			   (struct frame){.type = FRAME_CALL,
					  .method = COUNT,
					  .id = id,
					  .handle = hand->handle},
			   NULL, 0);
}

/* The same of Users and their calls, which cost a service time and memory: it serves the innocent
 * client as before (row 43). */
static void test_calls_without_reading(void **state)
{
	struct hostile *h = *state;
	struct hostile_user deaf[N_DEAF];

	for (size_t i = 0; i < N_DEAF; i++) {
		hostile_user_open(h, HERE, &deaf[i]);
		queue_counts(deaf[i].at, MANY / 2);
		push(h, deaf[i].at);
	}
	hostile_assert_bounded(h, HOSTILE_GROWTH_KB);
	pull(deaf[0].at, FRAME_REPLY, 1, MANY / 2);
	for (size_t i = 0; i < N_DEAF; i++)
		hostile_user_close(&deaf[i]);
	hostile_await_settled(h);
}

/* A header that announces so many bytes. */
static void announce(struct hand *hand, uint8_t type, uint32_t n)
{
	uint8_t header[FRAME_HEADER_SIZE];
	struct frame frame = {.type = type, .body_len = n, .id = ++hand->last_id};

	if (hand->handle && type == FRAME_CALL)
		frame.handle = hand->handle;
	frame_encode(&frame, header);
	hand_queue_bytes(hand, header, sizeof header);
}

/* An over-long frame ends the connection that announces it, before anything is allocated for it,
 * and no other (row 41). */
static void test_giant_lengths(void **state)
{
	static const uint32_t unbound[] = {WAT_BODY_MAX_UNBOUND + 1, 1u << 20, INT32_MAX,
					   UINT32_MAX};
	static const uint32_t bound[] = {WAT_CONTROL_BODY_MAX + 1, INT32_MAX, UINT32_MAX};
	struct hostile *h = *state;
	struct hostile_user user;
	struct hand hand;

	for (size_t i = 0; i < sizeof unbound / sizeof *unbound; i++) {
		assert_int_equal(hostile_greet(h, HERE, &hand), 0);
		announce(&hand, FRAME_BIND, unbound[i]);
		hand_expect_goaway(&hand, WAT_TOO_LARGE);
		hand_close(&hand);
	}
	for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
		hostile_user_open(h, HERE, &user);
		announce(user.at, FRAME_CALL, bound[i]);
		hand_expect_goaway(user.at, WAT_TOO_LARGE);
		hostile_user_close(&user);
	}
	hostile_await_settled(h);
}

/* Who announces what it may, and does not send it, costs no memory that it did not fill (row 41).
 */
static void test_announced_only(void **state)
{
	struct hostile *h = *state;
	struct hostile_user users[16];

	for (size_t i = 0; i < 16; i++) {
		hostile_user_open(h, HERE, &users[i]);
		announce(users[i].at, FRAME_CALL, WAT_BODY_MAX);
	}
	innocent_await(&h->innocent);
	hostile_assert_bounded(h, HOSTILE_GROWTH_KB);
	for (size_t i = 0; i < 16; i++)
		hostile_user_close(&users[i]);
	hostile_await_settled(h);
}

/* A request over the limit is TOO_LARGE, with its bytes and how many are possible, and the
 * connection lives; one at the limit is served (row 41). */
static void test_large_request(void **state)
{
	struct hostile *h = *state;
	forest_tree tree = FOREST_TREE_INIT;
	forest_number *number = NULL;
	forest_user *user;
	wat *w;

	assert_int_equal(wat_connect(h->daemon.socket, &w), 0);
	wat_set_reconnect(w, 0);
	assert_int_equal(forest_user_open(w, h->token, &user), 0);
	/* A tag and a length of three bytes. */
	tree.seed.len = WAT_BODY_MAX - 4 + 1;
	tree.seed.data = calloc(1, tree.seed.len);
	assert_non_null(tree.seed.data);
	assert_int_equal(forest_count(user, &tree, &number), WAT_TOO_LARGE);
	assert_non_null(strstr(wat_failure()->text, "1048577"));
	assert_non_null(strstr(wat_failure()->text, "1048576"));
	tree.seed.len--;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(forest_count(user, &tree, &number), 0);
		assert_int_equal(number->n, 1);
		forest_number_free(number);
	}
	free(tree.seed.data);
	forest_user_free(user);
	wat_free(w);
	hostile_await_settled(h);
}

/* Any bytes, at every stage: that connection ends, and nothing else (row 42). */
static void test_garbage(void **state)
{
	struct hostile *h = *state;
	struct chance chance = {20260707};
	uint8_t bytes[512];

	for (int i = 0; i < 150; i++) {
		size_t n = FRAME_HEADER_SIZE + 50 + chance_below(&chance, 400);
		struct hostile_user user;
		struct hand hand;
		int fd;

		chance_fill(&chance, bytes, n);
		/* Not a part of something longer, which would be waited for. */
		bytes[3] = 0xff;
		fd = hostile_reach(h, HERE);
		(void)!send(fd, bytes, n, MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
		(void)hostile_drain(fd);
		assert_int_equal(hostile_greet(h, HERE, &hand), 0);
		hand_queue_bytes(&hand, bytes, n);
		while (hand_read(&hand))
			assert_int_equal(hand.frame.type, FRAME_GOAWAY);
		hand_close(&hand);
		hostile_user_open(h, HERE, &user);
		hand_queue_bytes(user.at, bytes, n);
		while (hand_read(user.at))
			assert_int_equal(user.at->frame.type, FRAME_GOAWAY);
		hostile_user_close(&user);
	}
	hostile_await_settled(h);
}

static int set_up_few_handshakes(void **state)
{
	return hostile_start(state, "handshake-rate = 1\nhandshake-burst = 200\n");
}

/* 0: it was found to be none; else the limit that was told. */
static int try_handshake(const struct hostile *h)
{
	static const uint8_t none[2 + NOISE_HANDSHAKE_OVERHEAD] = {NOISE_HANDSHAKE_OVERHEAD, 0, 9};
	int fd = hostile_reach(h, ELSEWHERE);
	uint8_t answer[3] = {0};
	ssize_t n;

	/* The server may be done with it before it is sent. */
	(void)!send(fd, none, sizeof none, MSG_NOSIGNAL);
	n = recv(fd, answer, sizeof answer, MSG_WAITALL);
	close(fd);
	assert_true(n >= 2);
	assert_int_equal(n, answer[0] == 0 ? 2 : 3);
	return answer[2];
}

/* A handshake that is none costs more than one that is: who sends a few of them is refused sooner
 * than by its number, and others are not (row 43). */
static void test_failed_handshakes(void **state)
{
	struct hostile *h = *state;
	struct hand hand;
	int limit, n = 0;

	if (!h->tcp)
		return; /* there are none */
	while ((limit = try_handshake(h)) == 0)
		assert_true(++n < 30);
	assert_int_equal(limit, OVERLOAD_HANDSHAKES);
	assert_true(n >= 3);
	assert_int_equal(hostile_greet(h, HERE, &hand), 0);
	hand_close(&hand);
	hostile_await_settled(h);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, hostile_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_byte_by_byte, set_up_hasty, hostile_tear_down),
		CASE(test_half_open),
		CASE(test_pings_without_reading),
		CASE(test_calls_without_reading),
		CASE(test_giant_lengths),
		CASE(test_announced_only),
		CASE(test_large_request),
		CASE(test_garbage),
		cmocka_unit_test_setup_teardown(test_failed_handshakes, set_up_few_handshakes,
						hostile_tear_down),
	};

	return test_run_cases(tests, NULL, NULL);
}
