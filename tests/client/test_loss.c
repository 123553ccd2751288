/* test_loss.c - what libwat does when a channel or a connection is lost: each rule alone, against a
 * service that is spoken by hand. */
#include <stdlib.h>
#include <string.h>

#include "proto/support/cleanup.h"
#include "tests/client/fake.h"

#define READ_ONLY WAT_METHOD_READ_ONLY
#define NEW WAT__ENVELOPE__LANE_STATE__LANE_NEW
#define RESUMED WAT__ENVELOPE__LANE_STATE__LANE_RESUMED
#define LOST WAT__ENVELOPE__LANE_STATE__LANE_LOST

struct world {
	struct fake fake;
	wat *w;
	wat_capability *user;
	struct stream channel;
	struct outcome calls[8];
};

static int set_up(void **state)
{
	struct world *t = calloc(1, sizeof *t);

	fake_start(&t->fake);
	t->w = fake_connect(&t->fake);
	t->user = fake_user(&t->fake, t->w, &t->channel);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct world *t = *state;

	wat_capability_free(t->user);
	wat_free(t->w);
	stream_deinit(&t->channel);
	fake_stop(&t->fake);
	free(t);
	return 0;
}

/* The service's end of the channel closes; the next one is taken. */
static void lose_channel(struct world *t, struct fake_bind *ret)
{
	stream_deinit(&t->channel);
	fake_next_channel(&t->fake, t->w, &t->channel, ret);
}

/* Ids start at 1 and rise by one; the window counts what is not answered yet; replies go to whom
 * they belong to, in whatever order they come. */
static void test_numbers(void **state)
{
	struct world *t = *state;

	for (unsigned i = 0; i < 4; i++) {
		struct frame frame;

		fake_send(t->user, 0, "x", &t->calls[i]);
		frame = fake_expect(t->w, &t->channel, FRAME_CALL);
		assert_int_equal(frame.id, i + 1);
		assert_int_equal(frame.window, i);
		assert_int_equal(frame.handle, 0);
		assert_true(frame.budget > 0 && frame.budget <= 30000);
	}
	fake_reply(&t->channel, 3, "three");
	fake_fail(&t->channel, 1, WAT_NOT_FOUND);
	fake_reply(&t->channel, 2, "two");
	fake_reply(&t->channel, 4, "four");
	fake_wait(t->w, &t->calls[3]);
	assert_int_equal(t->calls[0].status, WAT_NOT_FOUND);
	assert_string_equal(t->calls[1].reply, "two");
	assert_string_equal(t->calls[2].reply, "three");
	assert_string_equal(t->calls[3].reply, "four");
	fake_send(t->user, 0, "y", &t->calls[4]);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).window, 0);
	fake_reply(&t->channel, 5, "");
	fake_wait(t->w, &t->calls[4]);
}

/* The lane is known: unanswered calls are written again under their ids, in order, before any new
 * one; what had been read before the end counts. */
static void test_resumed(void **state)
{
	struct world *t = *state;
	struct fake_bind first = t->fake.binds[0], bind;
	const uint8_t *body;

	for (unsigned i = 0; i < 4; i++) {
		fake_send(t->user, 0, i == 2 ? "third" : "x", &t->calls[i]);
		(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	}
	fake_reply(&t->channel, 1, "one");
	fake_reply(&t->channel, 2, "two");
	lose_channel(t, &bind);
	assert_int_equal(bind.lane_mode, WAT__ENVELOPE__LANE_MODE__RESUME);
	assert_memory_equal(bind.lane, first.lane, 16);
	assert_string_equal(t->calls[1].reply, "two");
	fake_send(t->user, 0, "new", &t->calls[4]);
	fake_attached(&t->channel, RESUMED, 3);
	assert_int_equal(fake_frame(t->w, &t->channel, &body).id, 3);
	assert_memory_equal(body, "third", 5);
	assert_int_equal(fake_frame(t->w, &t->channel, &body).id, 4);
	assert_int_equal(fake_frame(t->w, &t->channel, &body).id, 5);
	assert_memory_equal(body, "new", 3);
	for (unsigned i = 2; i < 5; i++) {
		fake_reply(&t->channel, i + 1, "again");
		fake_wait(t->w, &t->calls[i]);
		assert_int_equal(t->calls[i].status, 0);
		assert_int_equal(t->calls[i].n, 1);
	}
}

/* A call that the service has forgotten is not run again by it (TOO_OLD), nor written again by the
 * library, whatever is lost after that (row 58). */
static void test_too_old(void **state)
{
	struct world *t = *state;
	struct fake_bind bind;

	for (unsigned i = 0; i < 2; i++) {
		fake_send(t->user, 0, "x", &t->calls[i]);
		(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	}
	lose_channel(t, &bind);
	fake_attached(&t->channel, RESUMED, 2);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 1);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 2);
	fake_fail(&t->channel, 1, WAT_TOO_OLD);
	fake_wait(t->w, &t->calls[0]);
	assert_int_equal(t->calls[0].status, WAT_TOO_OLD);
	lose_channel(t, &bind);
	fake_attached(&t->channel, RESUMED, 2);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 2);
	fake_reply(&t->channel, 2, "kept");
	fake_wait(t->w, &t->calls[1]);
	assert_string_equal(t->calls[1].reply, "kept");
	assert_int_equal(t->calls[0].n, 1);
}

/* The lane is gone: a new one is taken, only what may be run again is written, renumbered; the
 * others are said to have perhaps run. */
static void test_lost(void **state)
{
	struct world *t = *state;
	struct fake_bind first = t->fake.binds[0], bind;
	const uint8_t *body;

	fake_send(t->user, 0, "mutating", &t->calls[0]);
	fake_send(t->user, READ_ONLY, "reading", &t->calls[1]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	lose_channel(t, &bind);
	/* Sent while there is no channel: never written. */
	fake_send(t->user, 0, "fresh", &t->calls[2]);
	fake_attached(&t->channel, LOST, 0);
	fake_wait(t->w, &t->calls[0]);
	assert_int_equal(t->calls[0].status, WAT_DISCONNECTED);
	assert_non_null(strstr(t->calls[0].text, "may have run"));
	stream_deinit(&t->channel);
	fake_next_channel(&t->fake, t->w, &t->channel, &bind);
	assert_int_equal(bind.lane_mode, WAT__ENVELOPE__LANE_MODE__NEW);
	assert_memory_not_equal(bind.lane, first.lane, 16);
	fake_attached(&t->channel, NEW, 0);
	assert_int_equal(fake_frame(t->w, &t->channel, &body).id, 1);
	assert_memory_equal(body, "reading", 7);
	assert_int_equal(fake_frame(t->w, &t->channel, &body).id, 2);
	assert_memory_equal(body, "fresh", 5);
	fake_reply(&t->channel, 1, "r");
	fake_reply(&t->channel, 2, "f");
	fake_wait(t->w, &t->calls[2]);
	assert_string_equal(t->calls[1].reply, "r");
	assert_string_equal(t->calls[2].reply, "f");
}

/* GOAWAY names the last call that was read: those above it were not run, and are written again even
 * when the lane is lost. What was read is still answered before the end. */
static void test_go_away(void **state)
{
	struct world *t = *state;
	struct fake_bind bind;
	const uint8_t *body;

	for (unsigned i = 0; i < 3; i++) {
		fake_send(t->user, 0, i == 2 ? "third" : "x", &t->calls[i]);
		(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	}
	fake_go_away(&t->channel, WAT_UNAVAILABLE, 2);
	fake_reply(&t->channel, 1, "one");
	fake_wait(t->w, &t->calls[0]);
	assert_string_equal(t->calls[0].reply, "one");
	/* Nothing new is written to a channel that is left. */
	fake_send(t->user, 0, "fourth", &t->calls[3]);
	lose_channel(t, &bind);
	fake_attached(&t->channel, LOST, 0);
	fake_wait(t->w, &t->calls[1]);
	assert_int_equal(t->calls[1].status, WAT_DISCONNECTED);
	stream_deinit(&t->channel);
	fake_next_channel(&t->fake, t->w, &t->channel, &bind);
	fake_attached(&t->channel, NEW, 0);
	(void)fake_frame(t->w, &t->channel, &body);
	assert_memory_equal(body, "third", 5);
	(void)fake_frame(t->w, &t->channel, &body);
	assert_memory_equal(body, "fourth", 6);
	fake_reply(&t->channel, 1, "3");
	fake_reply(&t->channel, 2, "4");
	fake_wait(t->w, &t->calls[3]);
	assert_string_equal(t->calls[2].reply, "3");
}

/* GOAWAY STOPPED settles what was not read. */
static void test_stopped(void **state)
{
	struct world *t = *state;

	fake_send(t->user, 0, "x", &t->calls[0]);
	fake_send(t->user, 0, "x", &t->calls[1]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	fake_set(&t->fake, WAT_STOPPED, false);
	fake_reply(&t->channel, 1, "one");
	fake_go_away(&t->channel, WAT_STOPPED, 1);
	stream_deinit(&t->channel);
	fake_wait(t->w, &t->calls[1]);
	assert_string_equal(t->calls[0].reply, "one");
	assert_int_equal(t->calls[1].status, WAT_STOPPED);
	/* And so does the next call learn it. */
	fake_send(t->user, 0, "x", &t->calls[2]);
	fake_wait(t->w, &t->calls[2]);
	assert_int_equal(t->calls[2].status, WAT_STOPPED);
}

/* A User that is bound again has another handle, and gives the one before back: watd has room for
 * so many on a connection only. */
static void test_handles(void **state)
{
	struct world *t = *state;
	struct fake_bind bind;

	fake_send(t->user, READ_ONLY, "r", &t->calls[0]);
	for (size_t handle = 2; handle <= 4; handle++) {
		lose_channel(t, &bind);
		fake_attached(&t->channel, RESUMED, 0);
		(void)fake_expect(t->w, &t->channel, FRAME_CALL);
		/* The BIND that was answered last came after the DROP of the one before it. */
		if (handle > 2)
			assert_true(fake_dropped(&t->fake, handle - 2));
		assert_false(fake_dropped(&t->fake, handle));
	}
	fake_reply(&t->channel, 1, "r");
	fake_wait(t->w, &t->calls[0]);
}

/* With reconnect 0 a loss ends the calls at once: what was written may have run, what was not was
 * not made. */
static void test_no_reconnect(void **state)
{
	struct world *t = *state;

	wat_set_reconnect(t->w, 0);
	fake_send(t->user, 0, "x", &t->calls[0]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	stream_deinit(&t->channel);
	fake_wait(t->w, &t->calls[0]);
	assert_int_equal(t->calls[0].status, WAT_DISCONNECTED);
	assert_non_null(strstr(t->calls[0].text, "may have run"));
	fake_set(&t->fake, 0, true);
	fake_hang_up(&t->fake);
	fake_send(t->user, 0, "x", &t->calls[1]);
	fake_wait(t->w, &t->calls[1]);
	assert_int_equal(t->calls[1].status, WAT_UNAVAILABLE);
	assert_non_null(strstr(t->calls[1].text, "was not made"));
}

/* The control connection is lost: channels go on without it. */
static void test_control_lost(void **state)
{
	struct world *t = *state;

	fake_set(&t->fake, 0, true);
	fake_hang_up(&t->fake);
	for (unsigned i = 0; i < 3; i++) {
		fake_send(t->user, 0, "x", &t->calls[i]);
		assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, i + 1);
		fake_reply(&t->channel, i + 1, "fine");
		fake_wait(t->w, &t->calls[i]);
		assert_string_equal(t->calls[i].reply, "fine");
	}
}

static int call_node(wat_node *node, uint16_t method)
{
	uint8_t *reply = NULL;
	size_t n;
	int r = wat_node_call_raw(node, method, NULL, 0, &reply, &n);

	wat_memory_free(reply);
	return r;
}

/* A call of the node's that was lost with its connection is written again if that changes nothing.
 * A Kill would kill twice: it may have run, and so may what libwat knows nothing of. */
static void test_node_calls(void **state)
{
	static const uint16_t show = 4, remove = 11, once[] = {8, 40};
	struct world *t = *state;
	wat_node *node;

	assert_int_equal(wat_node_open(t->w, &node), 0);
	fake_lose_node_calls(&t->fake, 2);
	assert_int_equal(call_node(node, show), 0);
	assert_int_equal(fake_node_calls(&t->fake), 3);
	fake_lose_node_calls(&t->fake, 1);
	assert_int_equal(call_node(node, remove), 0);
	assert_int_equal(fake_node_calls(&t->fake), 2);
	for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
		fake_lose_node_calls(&t->fake, 1);
		assert_int_equal(call_node(node, once[i]), WAT_DISCONNECTED);
		assert_non_null(strstr(wat_failure()->text, "may have run"));
		assert_int_equal(call_node(node, show), 0);
		assert_int_equal(fake_node_calls(&t->fake), 2);
	}
	wat_node_free(node);
}

/* A BIND that says UNAVAILABLE is asked again; another refusal is everybody's answer, and of a call
 * that may have run it is not said that it was not. */
static void test_refused_again(void **state)
{
	struct world *t = *state;
	struct fake_bind bind;

	fake_send(t->user, 0, "x", &t->calls[0]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	fake_set(&t->fake, WAT_UNAVAILABLE, false);
	stream_deinit(&t->channel);
	for (int i = 0; i < 3; i++)
		assert_int_equal(wat_dispatch(t->w, 20), 0);
	assert_int_equal(t->calls[0].n, 0);
	fake_set(&t->fake, 0, false);
	fake_next_channel(&t->fake, t->w, &t->channel, &bind);
	fake_attached(&t->channel, RESUMED, 0);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 1);
	fake_set(&t->fake, WAT_ACCESS_DENIED, false);
	stream_deinit(&t->channel);
	fake_wait(t->w, &t->calls[0]);
	assert_int_equal(t->calls[0].status, WAT_ACCESS_DENIED);
	assert_non_null(strstr(t->calls[0].text, "may have run"));
}

/* A GOAWAY instead of ATTACHED is the answer to the BIND: the calls end with it at once. */
static void test_not_taken(void **state)
{
	struct world *t = *state;
	struct fake_bind bind;

	fake_send(t->user, READ_ONLY, "x", &t->calls[1]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	lose_channel(t, &bind);
	fake_attached(&t->channel, LOST, 0);
	fake_send(t->user, 0, "fresh", &t->calls[0]);
	stream_deinit(&t->channel);
	fake_next_channel(&t->fake, t->w, &t->channel, &bind);
	fake_go_away(&t->channel, WAT_OVERLOADED, 0);
	fake_wait(t->w, &t->calls[0]);
	assert_int_equal(t->calls[0].status, WAT_OVERLOADED);
	fake_wait(t->w, &t->calls[1]);
	assert_int_equal(t->calls[1].status, WAT_DISCONNECTED);
	stream_deinit(&t->channel);
	/* The next call asks again. */
	fake_send(t->user, 0, "x", &t->calls[2]);
	fake_next_channel(&t->fake, t->w, &t->channel, &bind);
	fake_attached(&t->channel, NEW, 0);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 1);
	fake_reply(&t->channel, 1, "fine");
	fake_wait(t->w, &t->calls[2]);
	assert_string_equal(t->calls[2].reply, "fine");
}

/* A call that would be answered later and was given up while its channel was lost is taken back on
 * the next one, and on each until it is sure that this was read: else its answer would be kept for
 * good. */
static void test_taken_back(void **state)
{
	struct world *t = *state;
	struct fake_bind bind;

	fake_send(t->user, WAT_METHOD_LATER, "later", &t->calls[0]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	fake_send(t->user, 0, "x", &t->calls[1]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	stream_deinit(&t->channel);
	fake_next_channel(&t->fake, t->w, &t->channel, &bind);
	assert_int_equal(wat_cancel(t->w, &t->calls[0]), 1);
	fake_wait(t->w, &t->calls[0]);
	assert_int_equal(t->calls[0].status, WAT_CANCELLED);
	for (unsigned i = 0; i < 2; i++) {
		fake_attached(&t->channel, RESUMED, 2);
		assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CANCEL).id, 1);
		assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 2);
		lose_channel(t, &bind);
	}
	fake_attached(&t->channel, RESUMED, 2);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CANCEL).id, 1);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 2);
	fake_reply(&t->channel, 2, "two");
	fake_wait(t->w, &t->calls[1]);
	/* An answer to a call from before says nothing of it, one to a new one does. */
	fake_send(t->user, 0, "x", &t->calls[2]);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 3);
	fake_reply(&t->channel, 3, "three");
	fake_wait(t->w, &t->calls[2]);
	fake_send(t->user, 0, "x", &t->calls[3]);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 4);
	lose_channel(t, &bind);
	fake_attached(&t->channel, RESUMED, 3);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, 4);
	fake_reply(&t->channel, 4, "four");
	fake_wait(t->w, &t->calls[3]);
}

/* The answer of a call that may be answered later is dropped when it is here. */
static void test_dropped(void **state)
{
	struct world *t = *state;

	fake_send(t->user, WAT_METHOD_LATER, "later", &t->calls[0]);
	(void)fake_expect(t->w, &t->channel, FRAME_CALL);
	/* It holds back nobody's window. */
	fake_send(t->user, 0, "x", &t->calls[1]);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).window, 0);
	fake_reply(&t->channel, 2, "two");
	fake_reply(&t->channel, 1, "one");
	fake_wait(t->w, &t->calls[0]);
	assert_int_equal(fake_expect(t->w, &t->channel, FRAME_DROP).id, 1);
}

/* So many calls are written ahead of the lowest open one, and no more until that is answered. */
static void test_in_flight(void **state)
{
	enum { N = 300, KEPT = 256 };
	struct world *t = *state;
	static struct outcome calls[N];
	struct frame frame;

	for (unsigned i = 0; i < N; i++)
		fake_send(t->user, 0, "x", &calls[i]);
	for (unsigned i = 0; i < KEPT; i++) {
		frame = fake_expect(t->w, &t->channel, FRAME_CALL);
		assert_int_equal(frame.id, i + 1);
		assert_int_equal(frame.window, i);
	}
	fake_reply(&t->channel, 2, "two");
	fake_wait(t->w, &calls[1]);
	fake_reply(&t->channel, 1, "one");
	for (unsigned i = 0; i < 2; i++) {
		frame = fake_expect(t->w, &t->channel, FRAME_CALL);
		assert_int_equal(frame.id, KEPT + i + 1);
		assert_int_equal(frame.window, KEPT + i - 2);
	}
	for (unsigned i = 2; i < N; i++) {
		fake_reply(&t->channel, i + 1, "x");
		fake_wait(t->w, &calls[i]);
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_numbers),       CASE(test_resumed),    CASE(test_lost),
		CASE(test_go_away),       CASE(test_stopped),    CASE(test_no_reconnect),
		CASE(test_control_lost),  CASE(test_node_calls), CASE(test_too_old),
		CASE(test_refused_again), CASE(test_handles),    CASE(test_not_taken),
		CASE(test_taken_back),    CASE(test_dropped),    CASE(test_in_flight),
	};

	return test_run_cases(tests, NULL, NULL);
}
