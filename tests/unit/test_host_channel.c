/* test_host_channel.c - a channel as its client sees it: what is refused, what ends it, a reader
 * that is slow or gone. With counter.so. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/limits.h"
#include "tests/unit/host_counter.h"
#include "tests/lib/cases.h"

/* What can't be served is refused before the handler, with a status that says why. */
static void test_refusals(void **state)
{
	struct rig *rig = *state;
	static const uint8_t cut[] = {0x08, 0x80};
	struct peer peer;
	Wat__Envelope__Failure *failure;
	int pair[2];

	assert_int_equal(counter_begin(rig, 1, 4, true), WAT_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	peer = (struct peer){0};
	stream_init(&peer.stream, pair[0], 1u << 20);
	assert_int_equal(rig_attach_raw(rig, 1, 1, 1, 1u << COUNTER_GET, true, pair[1]), WAT_OK);
	assert_true(peer_read(&peer));
	{
		/* No lane is known: the client takes a new one. */
		Wat__Envelope__Attached *attached =
			wat__envelope__attached__unpack(NULL, peer.frame.body_len, peer.body);

		assert_int_equal(attached->lane, WAT__ENVELOPE__LANE_STATE__LANE_LOST);
		assert_int_equal(attached->generation, 7);
		assert_int_equal(attached->last_applied, 0);
		wat__envelope__attached__free_unpacked(attached, NULL);
	}
	(void)peer_queue(&peer, COUNTER_GET, 0, NULL);
	peer_flush(&peer);
	assert_int_equal(peer_expect_goaway(&peer, WAT_FAILED_PRECONDITION), 0);
	peer_close(&peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	peer = (struct peer){0};
	stream_init(&peer.stream, pair[0], 1u << 20);
	assert_int_equal(rig_attach_raw(rig, 1, 1, 1, 1u << COUNTER_GET, false, pair[1]), WAT_OK);
	assert_true(peer_read(&peer));
	assert_int_equal(counter_add(&peer, 1), WAT_ACCESS_DENIED);
	assert_int_equal(peer_call(&peer, 3, NULL), WAT_UNIMPLEMENTED);
	assert_int_equal(counter_read(&peer), 4);
	peer_close(&peer);
	peer_attach(rig, &peer, 1, 2, 2);
	peer_queue_frame(&peer,
			 &(struct frame){.type = FRAME_CALL, .method = COUNTER_INCREMENT, .id = 1},
			 cut, sizeof cut);
	peer_flush(&peer);
	assert_true(peer_read(&peer));
	assert_int_equal(peer.frame.budget, WAT_INVALID_ARGUMENT);
	failure = peer_failure(&peer);
	assert_non_null(strstr(failure->text, "Increment of counter.Counter: n"));
	wat__envelope__failure__free_unpacked(failure, NULL);
	peer_close(&peer);
}

/* watd hears of every call that the capability does not allow, and through whom it came; of many at
 * once by a few events. row 113 */
static void test_denied(void **state)
{
	struct rig *rig = *state;
	counter_amount amount = COUNTER_AMOUNT_INIT;
	struct peer peer = {0};
	int pair[2];

	assert_int_equal(counter_begin(rig, 1, 4, true), WAT_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	stream_init(&peer.stream, pair[0], 1u << 20);
	assert_int_equal(rig_attach_raw(rig, 1, 6, 1, 1u << COUNTER_GET, false, pair[1]), WAT_OK);
	assert_true(peer_read(&peer));
	for (int i = 0; i < 300; i++)
		(void)peer_queue(&peer, COUNTER_INCREMENT, 0, &amount.base);
	peer_flush(&peer);
	for (int i = 0; i < 300; i++) {
		assert_true(peer_read(&peer));
		assert_int_equal(peer.frame.type, FRAME_FAIL);
		assert_int_equal(peer.frame.budget, WAT_ACCESS_DENIED);
	}
	assert_int_equal(counter_read(&peer), 4);
	peer_close(&peer);
	rig_await_denied(rig, 300);
	assert_int_equal(rig->n_denied, 300);
	assert_true(rig->n_denials < 100);
	assert_string_equal(rig->denied_method, "Increment");
	assert_int_equal(rig->denied.invocation, 1006);
	assert_int_equal(rig->denied.uid, 2006);
	assert_int_equal(rig->denied.pid, 3006);
}

static void expect_goaway_for(struct rig *rig,
			      const struct frame *frame,
			      const void *body,
			      size_t n,
			      wat_status status)
{
	struct peer peer;

	peer_attach(rig, &peer, 1, 3, 3);
	peer.last_id = 4;
	assert_int_equal(counter_add(&peer, 1), WAT_OK);
	peer_queue_frame(&peer, frame, body, n);
	peer_flush(&peer);
	assert_int_equal(peer_expect_goaway(&peer, status), 5);
	peer_close(&peer);
	rig_await_channels(rig, 3, 0);
}

/* A peer that breaks the protocol is told how and loses its channel; another one does not notice.
 */
static void test_violations(void **state)
{
	struct rig *rig = *state;
	uint8_t header[FRAME_HEADER_SIZE];
	struct frame large = {.type = FRAME_CALL, .body_len = WAT_BODY_MAX + 1, .id = 9};
	struct peer witness, peer;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &witness, 1, 1, 1);
	expect_goaway_for(rig, &(struct frame){.type = 77}, NULL, 0, WAT_INVALID_ARGUMENT);
	expect_goaway_for(rig, &(struct frame){.type = FRAME_HELLO}, NULL, 0, WAT_INVALID_ARGUMENT);
	expect_goaway_for(rig, &(struct frame){.type = FRAME_REPLY, .id = 9}, NULL, 0,
			  WAT_INVALID_ARGUMENT);
	expect_goaway_for(rig, &(struct frame){.type = FRAME_CALL, .id = 5}, NULL, 0,
			  WAT_INVALID_ARGUMENT);
	expect_goaway_for(rig, &(struct frame){.type = FRAME_CALL, .id = 9, .handle = 1}, NULL, 0,
			  WAT_INVALID_ARGUMENT);
	expect_goaway_for(rig, &(struct frame){.type = FRAME_CALL, .id = 9, .flags = FRAME_FLAG_FD},
			  NULL, 0, WAT_INVALID_ARGUMENT);
	frame_encode(&large, header);
	/* A body over the limit is refused by its header. */
	peer_attach(rig, &peer, 1, 3, 3);
	assert_int_equal(write(peer.stream.fd, header, sizeof header), sizeof header);
	assert_int_equal(peer_expect_goaway(&peer, WAT_TOO_LARGE), 0);
	peer_close(&peer);
	/* Half a frame and the end: nothing. */
	peer_attach(rig, &peer, 1, 3, 3);
	assert_int_equal(write(peer.stream.fd, header, 11), 11);
	peer_close(&peer);
	rig_await_channels(rig, 3, 0);
	assert_int_equal(counter_read(&witness), 6);
	peer_close(&witness);
}

/* PING is answered; CANCEL, DROP, PONG and unknown skippable frames are taken. */
static void test_other_frames(void **state)
{
	struct rig *rig = *state;
	static const uint8_t types[] = {FRAME_CANCEL, FRAME_DROP, FRAME_PONG};
	struct peer peer;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	for (size_t i = 0; i < sizeof types; i++)
		peer_queue_frame(&peer, &(struct frame){.type = types[i], .id = 1}, NULL, 0);
	peer_queue_frame(&peer, &(struct frame){.type = 99, .flags = FRAME_FLAG_SKIPPABLE}, "x", 1);
	peer_queue_frame(&peer, &(struct frame){.type = FRAME_PING, .id = 42}, NULL, 0);
	peer_flush(&peer);
	assert_true(peer_read(&peer));
	assert_int_equal(peer.frame.type, FRAME_PONG);
	assert_int_equal(peer.frame.id, 42);
	assert_int_equal(counter_read(&peer), 0);
	peer_close(&peer);
}

/* A lane has one channel: the newer one ends the older, another grant's is left alone. */
static void test_lane_again(void **state)
{
	struct rig *rig = *state;
	struct peer older, newer, other;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &older, 1, 1, 1);
	peer_attach(rig, &other, 1, 2, 1);
	peer_attach(rig, &newer, 1, 1, 1);
	assert_int_equal(peer_expect_goaway(&older, WAT_ABORTED), 0);
	assert_int_equal(counter_add(&newer, 1), WAT_OK);
	assert_int_equal(counter_add(&other, 1), WAT_OK);
	peer_close(&older);
	peer_close(&newer);
	peer_close(&other);
}

/* Detach ends the grant's channels, what they had sent and was not read is not run, and watd hears
 * of every change in their number. */
static void test_detach(void **state)
{
	struct rig *rig = *state;
	struct peer a, b, other;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &a, 1, 1, 1);
	peer_attach(rig, &b, 1, 1, 2);
	rig_await_channels(rig, 1, 2);
	peer_attach(rig, &other, 1, 2, 3);
	assert_int_equal(counter_add(&a, 5), WAT_OK);
	assert_int_equal(rig_detach(rig, 1, 1), WAT_OK);
	assert_int_equal(peer_expect_goaway(&a, WAT_ACCESS_DENIED), 1);
	assert_int_equal(peer_expect_goaway(&b, WAT_ACCESS_DENIED), 0);
	assert_int_equal(rig->channels_of, 1);
	assert_int_equal(rig->channels, 0);
	assert_int_equal(counter_read(&other), 5);
	/* Without channels there is nothing to do. */
	assert_int_equal(rig_detach(rig, 1, 1), WAT_OK);
	peer_close(&a);
	peer_close(&b);
	peer_close(&other);
	rig_await_channels(rig, 2, 0);
}

/* Sends until the host does not read any more, which it does while its replies lie unread. Returns
 * how many calls were queued; the last of them are not in the socket. */
static uint64_t fill(struct peer *slow, struct peer *quick)
{
	struct pollfd full = {.fd = slow->stream.fd, .events = POLLOUT};
	uint64_t sent = 0;

	do {
		int r;

		counter_queue(slow, 1000);
		sent += 1000;
		r = stream_write(&slow->stream);
		assert_true(r == 0 || r == -EAGAIN);
		/* Another one's calls are served meanwhile, so the host had its turn. */
		assert_int_equal(counter_add(quick, 0), WAT_OK);
	} while (poll(&full, 1, 0) != 0 || stream_pending(&slow->stream) < (4u << 20));
	return sent;
}

/* A peer that does not read its replies holds up nobody but itself, and gets them all later. */
static void test_slow_reader(void **state)
{
	struct rig *rig = *state;
	struct peer slow, quick;
	uint64_t sent;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &slow, 1, 1, 1);
	peer_attach(rig, &quick, 1, 2, 2);
	sent = fill(&slow, &quick);
	for (uint64_t id = 1; id <= sent; id++) {
		int r = stream_write(&slow.stream);

		assert_true(r == 0 || r == -EAGAIN);
		assert_true(peer_read(&slow));
		assert_int_equal(slow.frame.type, FRAME_REPLY);
		assert_int_equal(slow.frame.id, id);
	}
	assert_int_equal(counter_read(&quick), (int64_t)sent);
	peer_close(&slow);
	peer_close(&quick);
}

/* A peer that never stops sending and never reads can't hold up a stop: what it had sent is in the
 * state, and every reply that it finds later is one of a call that is. */
static void test_drain_of_a_slow_reader(void **state)
{
	struct rig *rig = *state;
	struct peer slow, quick;
	uint64_t last = 0;
	int64_t value;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &slow, 1, 1, 1);
	peer_attach(rig, &quick, 1, 2, 2);
	(void)fill(&slow, &quick);
	assert_int_equal(rig_drain(rig, 1, true), WAT_OK);
	value = counter_value_of(rig->state, rig->n_state);
	assert_true(value > 0);
	assert_int_equal(rig_finish(rig, 1, WAT_STOPPED, "stopped"), WAT_OK);
	/* The replies that found room, in order, and the end; GOAWAY itself only if it fitted. */
	while (peer_read(&slow)) {
		if (slow.frame.type != FRAME_REPLY)
			break;
		assert_int_equal(slow.frame.id, ++last);
		assert_true(last <= (uint64_t)value);
	}
	assert_int_equal(peer_expect_goaway(&quick, WAT_STOPPED), quick.last_id);
	peer_close(&slow);
	peer_close(&quick);
}

/* Calls of a client that sent them and went away are run. */
static void test_sent_and_gone(void **state)
{
	struct rig *rig = *state;
	struct peer gone, other;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &other, 1, 2, 2);
	peer_attach(rig, &gone, 1, 1, 1);
	counter_queue(&gone, 1000);
	peer_flush(&gone);
	peer_close(&gone);
	rig_await_channels(rig, 1, 0);
	assert_int_equal(counter_read(&other), 1000);
	peer_close(&other);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, counter_set_up, counter_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_refusals),      TEST(test_denied),
		TEST(test_violations),    TEST(test_other_frames),
		TEST(test_lane_again),    TEST(test_detach),
		TEST(test_slow_reader),   TEST(test_drain_of_a_slow_reader),
		TEST(test_sent_and_gone),
	};

	return test_run_cases(tests, NULL, NULL);
}
