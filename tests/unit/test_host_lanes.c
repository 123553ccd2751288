/* test_host_lanes.c - lanes as their clients see them: resumed over a channel that was lost, within
 * limits, given back. A real host without a journal: the durability is none. With counter.so and
 * probe.so. */
#include <string.h>
#include <sys/socket.h>

#include "proto/limits.h"
#include "tests/lib/cases.h"
#include "tests/unit/host_counter.h"
#include "tests/unit/host_probe.h"

static const struct frame drop = {.type = FRAME_DROP}, ping = {.type = FRAME_PING, .id = 5};

static void assert_lane(const struct peer *peer, Wat__Envelope__LaneState lane, uint64_t last)
{
	assert_int_equal(peer->lane, lane);
	assert_int_equal(peer->last_applied, last);
}

#define NEW WAT__ENVELOPE__LANE_STATE__LANE_NEW
#define RESUMED WAT__ENVELOPE__LANE_STATE__LANE_RESUMED
#define LOST WAT__ENVELOPE__LANE_STATE__LANE_LOST

/* Everything before it was read. */
static void sync_with(struct peer *peer)
{
	peer_queue_frame(peer, &ping, NULL, 0);
	peer_flush(peer);
	assert_true(peer_read(peer));
	assert_int_equal(peer->frame.type, FRAME_PONG);
}

/* Answers that were lost with their channel are given again, and nothing is done again; reads are
 * read anew. */
static void test_resumed(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	assert_lane(&peer, NEW, 0);
	peer.window = 0;
	for (uint64_t i = 0; i < 100; i++) {
		counter_queue(&peer, 1);
		peer.window = peer.last_id;
	}
	(void)peer_queue(&peer, COUNTER_GET, 0, NULL);
	peer_flush(&peer);
	peer_close(&peer);
	rig_await_channels(rig, 1, 0);
	peer_resume(rig, &peer, 1, 1, 1);
	assert_lane(&peer, RESUMED, 100);
	peer.last_id = 0;
	for (uint64_t i = 0; i < 100; i++) {
		counter_queue(&peer, 1);
		peer.window = peer.last_id;
	}
	(void)peer_queue(&peer, COUNTER_GET, 0, NULL);
	peer_flush(&peer);
	for (uint64_t id = 1; id <= 101; id++) {
		assert_int_equal(peer_answer(&peer, id), WAT_OK);
		assert_int_equal(counter_reply_of(&peer), id > 100 ? 100 : id);
	}
	peer_close(&peer);
}

/* A client that gives its lane back and is not heard to go has given it back: whoever binds the
 * lane then, to go on with it or anew, has none of it. */
static void test_taken_over(void **state)
{
	struct rig *rig = *state;
	struct peer older, newer;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	for (unsigned i = 0; i < 2; i++) {
		peer_attach(rig, &older, 1, 1, 1);
		assert_int_equal(counter_add(&older, 1), WAT_OK);
		peer_queue_frame(&older, &drop, NULL, 0);
		sync_with(&older);
		if (i == 0) {
			peer_resume(rig, &newer, 1, 1, 1);
			assert_lane(&newer, LOST, 0);
			peer_close(&newer);
		}
		peer_attach(rig, &newer, 1, 1, 1);
		assert_lane(&newer, NEW, 0);
		assert_int_equal(counter_add(&newer, 1), WAT_OK);
		assert_int_equal(peer_expect_goaway(&older, WAT_ABORTED), 1);
		peer_close(&older);
		peer_queue_frame(&newer, &drop, NULL, 0);
		peer_flush(&newer);
		peer_close(&newer);
		rig_await_channels(rig, 1, 0);
	}
}

/* 256 answers that were not confirmed are kept; then calls that change something are refused, and
 * not run, and those that read are not. */
static void test_limit(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	for (uint64_t id = 1; id <= WAT_LANE_REPLIES_MAX + 1; id++) {
		peer.window = id - 1;
		assert_int_equal(counter_add(&peer, 1),
				 id <= WAT_LANE_REPLIES_MAX ? WAT_OK : WAT_OVERLOADED);
	}
	peer.window = peer.last_id;
	assert_int_equal(counter_read(&peer), WAT_LANE_REPLIES_MAX);
	/* It confirms two, so there is room for two more. */
	for (unsigned i = 0; i < 3; i++) {
		peer.window = peer.last_id - 2;
		assert_int_equal(counter_add(&peer, 1), i < 2 ? WAT_OK : WAT_OVERLOADED);
	}
	peer_close(&peer);
}

/* 1 MiB of them, of which those of calls that answer later are part. */
static void test_limit_of_bytes(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(probe_start(rig, 1, 0, "begun"), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	assert_int_equal(probe_size_by(&peer, BIG, 1000000), WAT_OK);
	peer.window = peer.last_id;
	assert_int_equal(probe_size_by(&peer, BIG, 100000), WAT_OK);
	peer.window = peer.last_id;
	assert_int_equal(probe_size_by(&peer, BIG, 1), WAT_OVERLOADED);
	peer.window = peer.last_id;
	assert_int_equal(probe_change_by(&peer, PROMPT, 1, "no"), WAT_OVERLOADED);
	peer.window = peer.last_id - 1;
	assert_int_equal(probe_size_by(&peer, BIG, 1), WAT_OK);
	peer_close(&peer);
}

/* The 17th lane with a channel is refused before it is attached; the others go on, and one without
 * a channel makes room. */
static void test_many_lanes(void **state)
{
	struct rig *rig = *state;
	struct peer peers[17] = {0};
	int pair[2];

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	for (uint8_t i = 1; i <= 16; i++)
		peer_attach(rig, &peers[i], 1, 1, i);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	stream_init(&peers[0].stream, pair[0], 1u << 20);
	assert_int_equal(rig_attach_raw(rig, 1, 1, 17, UINT64_MAX, false, pair[1]), WAT_OK);
	assert_int_equal(peer_expect_goaway(&peers[0], WAT_OVERLOADED), 0);
	peer_close(&peers[0]);
	assert_int_equal(rig->channels, 16);
	for (uint8_t i = 1; i <= 16; i++)
		assert_int_equal(counter_add(&peers[i], 1), WAT_OK);
	peer_close(&peers[3]);
	rig_await_channels(rig, 1, 15);
	peer_attach(rig, &peers[0], 1, 1, 17);
	peer_resume(rig, &peers[3], 1, 1, 3);
	assert_lane(&peers[3], LOST, 0);
	for (uint8_t i = 0; i <= 16; i++)
		peer_close(&peers[i]);
}

static void cancel(struct peer *peer, uint64_t id)
{
	struct frame frame = {.type = FRAME_CANCEL, .id = id};

	peer_queue_frame(peer, &frame, NULL, 0);
}

static void drop_answer(struct peer *peer, uint64_t id)
{
	struct frame frame = {.type = FRAME_DROP, .id = id};

	peer_queue_frame(peer, &frame, NULL, 0);
}

/* CANCEL frees the place of a call that answers later, whether it has answered or not; DROP only
 * that of one that has. */
static void test_cancel(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	probe_begin(rig, 1, &peer);
	for (uint64_t id = 1; id <= 15; id++)
		(void)peer_queue(&peer, WAIT, 0, NULL);
	assert_int_equal(probe_change_by(&peer, PROMPT, 1, "x"), WAT_OK);
	assert_int_equal(probe_change_by(&peer, PROMPT, 1, "no"), WAT_OVERLOADED);
	cancel(&peer, 16);
	assert_int_equal(probe_change_by(&peer, PROMPT, 1, "x"), WAT_OK);
	drop_answer(&peer, 1);
	assert_int_equal(probe_change_by(&peer, PROMPT, 1, "no"), WAT_OVERLOADED);
	cancel(&peer, 1);
	assert_int_equal(probe_change_by(&peer, PROMPT, 1, "x"), WAT_OK);
	drop_answer(&peer, peer.last_id);
	drop_answer(&peer, 18);
	/* The one that was taken back is answered to nobody. */
	(void)peer_queue(&peer, RELEASE, 0, NULL);
	peer_flush(&peer);
	for (uint64_t id = 2; id <= 15; id++)
		assert_int_equal(peer_answer(&peer, id), WAT_OK);
	assert_int_equal(peer_answer(&peer, peer.last_id), WAT_OK);
	peer_close(&peer);
}

/* A call that waits goes on waiting when its channel is lost: whoever writes it again on the lane
 * gets its answer. */
static void test_waiting(void **state)
{
	struct rig *rig = *state;
	struct peer peer, other;

	probe_begin(rig, 1, &peer);
	peer_attach(rig, &other, 1, 2, 2);
	(void)peer_queue(&peer, WAIT, 0, NULL);
	(void)peer_queue(&peer, WAIT, 0, NULL);
	sync_with(&peer);
	peer_close(&peer);
	rig_await_channels(rig, 1, 0);
	peer_resume(rig, &peer, 1, 1, 1);
	assert_lane(&peer, RESUMED, 2);
	peer_queue_as(&peer, 1, WAIT, NULL);
	sync_with(&peer);
	assert_int_equal(probe_change_by(&other, RELEASE, 3, "three"), WAT_OK);
	assert_int_equal(probe_size_of(&other), 2);
	assert_int_equal(peer_answer(&peer, 1), WAT_OK);
	probe_expect_reply(&peer, 3, "three", 1);
	peer_queue_as(&peer, 2, WAIT, NULL);
	peer_flush(&peer);
	assert_int_equal(peer_answer(&peer, 2), WAT_OK);
	probe_expect_reply(&peer, 3, "three", 1);
	peer_close(&peer);
	peer_close(&other);
}

/* A window that would confirm more than there is before the call breaks the protocol. */
static void test_window(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(counter_begin(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	peer.window = 1;
	counter_queue(&peer, 1);
	peer_flush(&peer);
	assert_int_equal(peer_expect_goaway(&peer, WAT_INVALID_ARGUMENT), 0);
	peer_close(&peer);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, counter_set_up, counter_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_resumed),        TEST(test_taken_over), TEST(test_limit),
		TEST(test_limit_of_bytes), TEST(test_many_lanes), TEST(test_cancel),
		TEST(test_waiting),        TEST(test_window),
	};

	return test_run_cases(tests, NULL, NULL);
}
