/* test_host_program.c - watd-host as watd sees it: the control protocol, channels, drain, the end.
 * With counter.so, in a host of its own and in a pool. */
#include "tests/unit/host_rig.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counter.service.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

enum { GET, INCREMENT, RESET };

#define PLUGIN WAT_BUILD_DIR "/plugins/counter.so"

static int set_up(void **state)
{
	struct rig *rig = malloc(sizeof *rig);

	rig_init(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	rig_deinit(*state);
	free(*state);
	return 0;
}

static wat_status start(struct rig *rig, uint8_t instance, int64_t value, bool pool)
{
	counter_state state = COUNTER_STATE_INIT;

	state.value = value;
	return rig_start(rig, &(struct rig_start){.plugin = PLUGIN,
						  .service = "counter.Counter",
						  .hash = counter_interface.hash,
						  .state = &state.base,
						  .pool = pool,
						  .run_start = true,
						  .instance = instance});
}

static int64_t value_of(const uint8_t *bytes, size_t n)
{
	Counter__State *state = counter__state__unpack(NULL, n, bytes);
	int64_t value;

	assert_non_null(state);
	value = state->value;
	counter__state__free_unpacked(state, NULL);
	return value;
}

static int64_t reply_of(const struct peer *peer)
{
	Counter__Value *message = counter__value__unpack(NULL, peer->frame.body_len, peer->body);
	int64_t value;

	assert_non_null(message);
	value = message->value;
	counter__value__free_unpacked(message, NULL);
	return value;
}

static wat_status increment(struct peer *peer, int64_t n)
{
	counter_amount in = COUNTER_AMOUNT_INIT;

	in.n = n;
	return peer_call(peer, INCREMENT, &in.base);
}

static int64_t get(struct peer *peer)
{
	assert_int_equal(peer_call(peer, GET, NULL), WAT_OK);
	return reply_of(peer);
}

static void queue_increments(struct peer *peer, size_t n)
{
	counter_amount in = COUNTER_AMOUNT_INIT;

	in.n = 1;
	while (n-- > 0)
		(void)peer_queue(peer, INCREMENT, 30000, &in.base);
}

/* Start, Attach, 10,000 increments in flight at once, a failed call that leaves the old state, 100
 * calls sent before Drain are in the final state, Finish tells the channel; the value is the
 * caller's. */
static void serve_and_finish(struct rig *rig, bool pool)
{
	struct peer peer;
	int64_t value = 0;

	assert_int_equal(start(rig, 1, 0, pool), WAT_OK);
	assert_int_equal(value_of(rig->state, rig->n_state), 0);
	peer_attach(rig, &peer, 1, 9, 1);
	assert_int_equal(rig->channels, 1);
	queue_increments(&peer, 10000);
	peer_flush(&peer);
	for (uint64_t id = 1; id <= 10000; id++) {
		assert_true(peer_read(&peer));
		assert_int_equal(peer.frame.type, FRAME_REPLY);
		assert_int_equal(peer.frame.id, id);
		assert_int_equal(reply_of(&peer), ++value);
	}
	assert_int_equal(increment(&peer, INT64_MAX), WAT_OUT_OF_RANGE);
	assert_int_equal(get(&peer), 10000);
	queue_increments(&peer, 100);
	peer_flush(&peer);
	assert_int_equal(rig_drain(rig, 1, true), WAT_OK);
	assert_int_equal(value_of(rig->state, rig->n_state), 10100);
	/* What comes after the drain is not run. */
	queue_increments(&peer, 1);
	peer_flush(&peer);
	assert_int_equal(rig_finish(rig, 1, WAT_STOPPED, "the instance was stopped"), WAT_OK);
	for (int i = 0; i < 100; i++) {
		assert_true(peer_read(&peer));
		assert_int_equal(peer.frame.type, FRAME_REPLY);
	}
	assert_int_equal(peer_expect_goaway(&peer, WAT_STOPPED), 10102);
	peer_close(&peer);
}

/* A host of its own serves its instance and exits in order after Finish (row 79: 100 calls sent
 * before the stop are in the final state). */
static void test_process_tier(void **state)
{
	struct rig *rig = *state;

	serve_and_finish(rig, false);
	assert_int_equal(rig_wait(rig), 0);
}

/* The pool host serves one after the other and side by side (row 56: the state goes in where it
 * came out), and ends in order when watd wants no more of it. */
static void test_pool(void **state)
{
	struct rig *rig = *state;
	struct peer a, b;

	serve_and_finish(rig, true);
	assert_int_equal(start(rig, 1, 10100, true), WAT_OK);
	assert_int_equal(start(rig, 2, 5, true), WAT_OK);
	peer_attach(rig, &a, 1, 1, 1);
	peer_attach(rig, &b, 2, 1, 1);
	assert_int_equal(increment(&a, 1), WAT_OK);
	assert_int_equal(increment(&b, 1), WAT_OK);
	assert_int_equal(get(&a), 10101);
	assert_int_equal(get(&b), 6);
	for (uint8_t i = 1; i <= 2; i++) {
		assert_int_equal(rig_drain(rig, i, false), WAT_OK);
		assert_int_equal(rig_finish(rig, i, WAT_UNAVAILABLE, "watd is going down"), WAT_OK);
	}
	assert_int_equal(peer_expect_goaway(&a, WAT_UNAVAILABLE), a.last_id);
	peer_close(&a);
	peer_close(&b);
	assert_int_equal(shutdown(rig->control.fd, SHUT_WR), 0);
	assert_int_equal(rig_wait(rig), 0);
}

/* A process of its own takes one instance, and a request about one that is not here is told so. */
static void test_who_is_here(void **state)
{
	struct rig *rig = *state;
	int pair[2];

	assert_int_equal(start(rig, 1, 0, false), WAT_OK);
	assert_int_equal(start(rig, 1, 0, false), WAT_ALREADY_EXISTS);
	assert_int_equal(start(rig, 2, 0, true), WAT_FAILED_PRECONDITION);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(rig_attach_raw(rig, 2, 1, 1, 1, false, pair[1]), WAT_NOT_FOUND);
	/* The descriptor was closed with the refusal. */
	assert_int_equal(read(pair[0], &(char){0}, 1), 0);
	(void)close(pair[0]);
	assert_int_equal(rig_attach_raw(rig, 1, 1, 1, 1, false, -1), WAT_INVALID_ARGUMENT);
	assert_int_equal(rig_drain(rig, 3, true), WAT_NOT_FOUND);
	assert_int_equal(rig_finish(rig, 3, WAT_STOPPED, ""), WAT_NOT_FOUND);
	assert_int_equal(rig_drain(rig, 1, false), WAT_OK);
	assert_int_equal(rig_drain(rig, 1, false), WAT_FAILED_PRECONDITION);
}

/* What can't be served is refused before the handler, with a status that says why. */
static void test_refusals(void **state)
{
	struct rig *rig = *state;
	static const uint8_t cut[] = {0x08, 0x80};
	struct peer peer;
	Wat__Envelope__Failure *failure;
	int pair[2];

	assert_int_equal(start(rig, 1, 4, true), WAT_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	peer = (struct peer){0};
	stream_init(&peer.stream, pair[0], 1u << 20);
	assert_int_equal(rig_attach_raw(rig, 1, 1, 1, 1u << GET, true, pair[1]), WAT_OK);
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
	assert_int_equal(increment(&peer, 1), WAT_ACCESS_DENIED);
	assert_int_equal(peer_call(&peer, 3, NULL), WAT_UNIMPLEMENTED);
	assert_int_equal(get(&peer), 4);
	peer_close(&peer);
	peer_attach(rig, &peer, 1, 2, 2);
	peer_queue_frame(&peer, &(struct frame){.type = FRAME_CALL, .method = INCREMENT, .id = 1},
			 cut, sizeof cut);
	peer_flush(&peer);
	assert_true(peer_read(&peer));
	assert_int_equal(peer.frame.budget, WAT_INVALID_ARGUMENT);
	failure = peer_failure(&peer);
	assert_non_null(strstr(failure->text, "Increment of counter.Counter: n"));
	wat__envelope__failure__free_unpacked(failure, NULL);
	peer_close(&peer);
}

static void expect_goaway_for(struct rig *rig, const struct frame *frame, const void *body,
			      size_t n, wat_status status)
{
	struct peer peer;

	peer_attach(rig, &peer, 1, 3, 3);
	peer.last_id = 4;
	assert_int_equal(increment(&peer, 1), WAT_OK);
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

	assert_int_equal(start(rig, 1, 0, true), WAT_OK);
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
	assert_int_equal(get(&witness), 6);
	peer_close(&witness);
}

/* PING is answered; CANCEL, DROP, PONG and unknown skippable frames are taken. */
static void test_other_frames(void **state)
{
	struct rig *rig = *state;
	static const uint8_t types[] = {FRAME_CANCEL, FRAME_DROP, FRAME_PONG};
	struct peer peer;

	assert_int_equal(start(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	for (size_t i = 0; i < sizeof types; i++)
		peer_queue_frame(&peer, &(struct frame){.type = types[i], .id = 1}, NULL, 0);
	peer_queue_frame(&peer, &(struct frame){.type = 99, .flags = FRAME_FLAG_SKIPPABLE}, "x", 1);
	peer_queue_frame(&peer, &(struct frame){.type = FRAME_PING, .id = 42}, NULL, 0);
	peer_flush(&peer);
	assert_true(peer_read(&peer));
	assert_int_equal(peer.frame.type, FRAME_PONG);
	assert_int_equal(peer.frame.id, 42);
	assert_int_equal(get(&peer), 0);
	peer_close(&peer);
}

/* A lane has one channel: the newer one ends the older, another grant's is left alone. */
static void test_lane_again(void **state)
{
	struct rig *rig = *state;
	struct peer older, newer, other;

	assert_int_equal(start(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &older, 1, 1, 1);
	peer_attach(rig, &other, 1, 2, 1);
	peer_attach(rig, &newer, 1, 1, 1);
	assert_int_equal(peer_expect_goaway(&older, WAT_ABORTED), 0);
	assert_int_equal(increment(&newer, 1), WAT_OK);
	assert_int_equal(increment(&other, 1), WAT_OK);
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

	assert_int_equal(start(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &a, 1, 1, 1);
	peer_attach(rig, &b, 1, 1, 2);
	rig_await_channels(rig, 1, 2);
	peer_attach(rig, &other, 1, 2, 3);
	assert_int_equal(increment(&a, 5), WAT_OK);
	assert_int_equal(rig_detach(rig, 1, 1), WAT_OK);
	assert_int_equal(peer_expect_goaway(&a, WAT_ACCESS_DENIED), 1);
	assert_int_equal(peer_expect_goaway(&b, WAT_ACCESS_DENIED), 0);
	assert_int_equal(rig->channels_of, 1);
	assert_int_equal(rig->channels, 0);
	assert_int_equal(get(&other), 5);
	/* Without channels there is nothing to do. */
	assert_int_equal(rig_detach(rig, 1, 1), WAT_OK);
	peer_close(&a);
	peer_close(&b);
	peer_close(&other);
	rig_await_channels(rig, 2, 0);
}

/* A peer that does not read its replies holds up nobody but itself, and gets them all later. */
static void test_slow_reader(void **state)
{
	struct rig *rig = *state;
	counter_amount in = COUNTER_AMOUNT_INIT;
	struct peer slow, quick;
	uint64_t sent = 0, read = 0;

	assert_int_equal(start(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &slow, 1, 1, 1);
	peer_attach(rig, &quick, 1, 2, 2);
	in.n = 1;
	/* Until its socket is full, which it is when the host does not read any more. */
	for (;;) {
		struct pollfd full = {.fd = slow.stream.fd, .events = POLLOUT};
		int r;

		for (int i = 0; i < 1000; i++, sent++)
			(void)peer_queue(&slow, INCREMENT, 0, &in.base);
		r = stream_write(&slow.stream);
		assert_true(r == 0 || r == -EAGAIN);
		/* A call of the other one is served meanwhile; after it the host had its chance. */
		assert_int_equal(increment(&quick, 0), WAT_OK);
		if (poll(&full, 1, 0) == 0 && stream_pending(&slow.stream) > (4u << 20))
			break;
	}
	while (read < sent) {
		int r = stream_write(&slow.stream);

		assert_true(r == 0 || r == -EAGAIN);
		assert_true(peer_read(&slow));
		assert_int_equal(slow.frame.type, FRAME_REPLY);
		assert_int_equal(slow.frame.id, ++read);
	}
	assert_int_equal(get(&quick), (int64_t)sent);
	peer_close(&slow);
	peer_close(&quick);
}

/* Calls of a client that sent them and went away are run. */
static void test_sent_and_gone(void **state)
{
	struct rig *rig = *state;
	struct peer gone, other;

	assert_int_equal(start(rig, 1, 0, true), WAT_OK);
	peer_attach(rig, &other, 1, 2, 2);
	peer_attach(rig, &gone, 1, 1, 1);
	queue_increments(&gone, 1000);
	peer_flush(&gone);
	peer_close(&gone);
	rig_await_channels(rig, 1, 0);
	assert_int_equal(get(&other), 1000);
	peer_close(&other);
}

/* A second after a change watd is given the state, and not again until the next change. */
static void test_checkpoint(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(start(rig, 1, 1, true), WAT_OK);
	peer_attach(rig, &peer, 1, 1, 1);
	assert_int_equal(increment(&peer, 41), WAT_OK);
	rig_await_checkpoints(rig, 1);
	assert_int_equal(value_of(rig->checkpoint, rig->n_checkpoint), 42);
	/* Neither changes anything. */
	assert_int_equal(increment(&peer, 0), WAT_OK);
	assert_int_equal(get(&peer), 42);
	assert_int_equal(increment(&peer, 1), WAT_OK);
	rig_await_checkpoints(rig, 2);
	assert_int_equal(value_of(rig->checkpoint, rig->n_checkpoint), 43);
	peer_close(&peer);
}

/* The end of watd is the end of its hosts. */
static void test_lifeline(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(start(rig, 1, 1, false), WAT_OK);
	rig->lifeline = fd_close(rig->lifeline);
	assert_int_equal(rig_wait(rig), 1);
}

/* SIGTERM and SIGINT, as a terminal sends them to everybody, are watd's business. */
static void test_signals(void **state)
{
	struct rig *rig = *state;
	struct peer peer;

	assert_int_equal(start(rig, 1, 1, false), WAT_OK);
	assert_int_equal(kill(rig->pid, SIGTERM), 0);
	assert_int_equal(kill(rig->pid, SIGINT), 0);
	assert_int_equal(kill(rig->pid, SIGHUP), 0);
	peer_attach(rig, &peer, 1, 1, 1);
	assert_int_equal(get(&peer), 1);
	peer_close(&peer);
}

/* A host learns everything over its private socket: neither arguments nor environment (row 33). */
static void test_no_arguments(void **state)
{
	struct rig *rig = *state;
	static const char *const files[] = {"cmdline", "environ"};
	char path[64], bytes[4096];

	assert_int_equal(start(rig, 1, 1, false), WAT_OK);
	for (size_t i = 0; i < 2; i++) {
		ssize_t n;
		FILE *file;

		(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)rig->pid, files[i]);
		file = fopen(path, "r");
		assert_non_null(file);
		n = (ssize_t)fread(bytes, 1, sizeof bytes, file);
		(void)fclose(file);
		assert_null(memmem(bytes, (size_t)n, "c1", 2));
		assert_null(memmem(bytes, (size_t)n, "counter", 7));
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_process_tier),  TEST(test_pool),         TEST(test_who_is_here),
		TEST(test_refusals),      TEST(test_violations),   TEST(test_other_frames),
		TEST(test_lane_again),    TEST(test_detach),       TEST(test_slow_reader),
		TEST(test_sent_and_gone), TEST(test_checkpoint),   TEST(test_lifeline),
		TEST(test_signals),       TEST(test_no_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
