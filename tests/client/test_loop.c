/* test_loop.c - libwat in event loops of others: a bare poll, and libevent; a service that stops
 * reading; a time that runs out; calls that are taken back. */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "counter.client.h"
#include "probe.client.h"
#include "tests/client/fake.h"
#include "tests/lib/daemon.h"

#define CALLS 5000

struct world {
	struct test_daemon daemon;
	wat *w;
	wat_node *node;
	counter_admin *admin;
	counter_user *user;
	long done;
	int64_t last;
	struct event_base *base;
	struct event *readable, *timer;
};

static int set_up(void **state)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	struct world *t = calloc(1, sizeof *t);

	test_daemon_init(&t->daemon, NULL);
	test_daemon_start(&t->daemon);
	grant.name = "u1";
	*state = t;
	return wat_connect(t->daemon.admin_socket, &t->w) || wat_node_open(t->w, &t->node) ||
	       counter_spawn(t->node, "c1", NULL, NULL, &t->admin) ||
	       counter_provision(t->admin, &grant, &t->user);
}

static int tear_down(void **state)
{
	struct world *t = *state;

	counter_user_free(t->user);
	counter_admin_free(t->admin);
	wat_node_free(t->node);
	wat_free(t->w);
	test_daemon_deinit(&t->daemon);
	free(t);
	return 0;
}

static void on_value(void *arg,
		     int status,
		     const counter_value *out,
		     const struct wat_failure *failure)
{
	struct world *t = arg;

	(void)failure;
	assert_int_equal(status, 0);
	/* Answers come in the order of the calls. */
	assert_int_equal(out->value, t->last + 1);
	t->last = out->value;
	t->done++;
}

static void send_all(struct world *t)
{
	counter_amount one = COUNTER_AMOUNT_INIT;

	one.n = 1;
	for (int i = 0; i < CALLS; i++)
		assert_int_equal(counter_increment_send(t->user, &one, on_value, t), 0);
	assert_int_equal(wat_outstanding(t->w), CALLS);
}

/* Nothing but the descriptor and the time: no call to libwat ever blocks. */
static void test_poll(void **state)
{
	struct world *t = *state;
	struct pollfd readable = {.fd = wat_fd(t->w), .events = POLLIN};

	send_all(t);
	while (t->done < CALLS) {
		assert_true(poll(&readable, 1, wat_timeout_ms(t->w)) >= 0);
		assert_int_equal(wat_dispatch(t->w, 0), 0);
	}
	assert_int_equal(wat_outstanding(t->w), 0);
	/* With nothing under way there is nothing to wake for. */
	assert_int_equal(poll(&readable, 1, 0), 0);
}

static void arm(struct world *t)
{
	int ms = wat_timeout_ms(t->w);
	struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	if (t->done == CALLS)
		event_base_loopbreak(t->base);
	else if (ms >= 0)
		evtimer_add(t->timer, &timeout);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct world *t = arg;

	(void)fd;
	(void)what;
	assert_int_equal(wat_dispatch(t->w, 0), 0);
	arm(t);
}

static void test_libevent(void **state)
{
	struct world *t = *state;

	t->base = event_base_new();
	t->readable = event_new(t->base, wat_fd(t->w), EV_READ | EV_PERSIST, on_event, t);
	t->timer = evtimer_new(t->base, on_event, t);
	event_add(t->readable, NULL);
	send_all(t);
	arm(t);
	event_base_dispatch(t->base);
	assert_int_equal(t->done, CALLS);
	event_free(t->readable);
	event_free(t->timer);
	event_base_free(t->base);
}

/* A service that does not read: sending goes on without blocking, far beyond what a socket holds.
 * When it reads again everything arrives, never more than the 256 calls whose answers it has to
 * keep for the client. */
static void test_reader_stops(void **state)
{
	static char body[4096];
	struct outcome last = {0}, other = {0};
	struct stream channel;
	struct fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	memset(body, 'x', sizeof body - 1);
	fake_start(&fake);
	w = fake_connect(&fake);
	user = fake_user(&fake, w, &channel);
	for (int i = 0; i < 1000; i++)
		fake_send(user, 0, body, &other);
	fake_send(user, 0, "last", &last);
	for (uint64_t id = 1; id <= 256; id++)
		assert_int_equal(fake_expect(w, &channel, FRAME_CALL).id, id);
	assert_int_equal(wat_dispatch(w, 0), 0);
	assert_int_equal(stream_read(&channel), -EAGAIN);
	for (uint64_t id = 257; id <= 1001; id++) {
		struct frame frame;

		fake_reply(&channel, id - 256, "");
		frame = fake_expect(w, &channel, FRAME_CALL);
		assert_int_equal(frame.id, id);
		assert_int_equal(frame.window, 255);
	}
	fake_reply(&channel, 1001, "got it");
	fake_wait(w, &last);
	assert_string_equal(last.reply, "got it");
	wat_capability_free(user);
	assert_int_equal(other.n, 1000);
	assert_int_equal(other.status, WAT_CANCELLED);
	wat_free(w);
	stream_deinit(&channel);
	fake_stop(&fake);
}

/* The time of a call runs out in a loop that only does what wat_timeout_ms says; the service is
 * told that nobody waits, and a late answer harms nobody. */
static void test_timeout(void **state)
{
	struct outcome call = {0}, next = {0};
	struct stream channel;
	struct fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	fake_start(&fake);
	w = fake_connect(&fake);
	user = fake_user(&fake, w, &channel);
	wat_set_timeout(w, 50);
	fake_send(user, 0, "x", &call);
	fake_wait(w, &call);
	assert_int_equal(call.status, WAT_DEADLINE_EXCEEDED);
	assert_int_equal(fake_expect(w, &channel, FRAME_CALL).id, 1);
	assert_int_equal(fake_expect(w, &channel, FRAME_CANCEL).id, 1);
	wat_set_timeout(w, 0);
	fake_send(user, 0, "y", &next);
	fake_reply(&channel, 1, "too late");
	fake_reply(&channel, 2, "in time");
	fake_wait(w, &next);
	assert_string_equal(next.reply, "in time");
	assert_int_equal(call.n, 1);
	wat_capability_free(user);
	wat_free(w);
	stream_deinit(&channel);
	fake_stop(&fake);
}

/* The limit of a method is one for its caller too, whatever the time of other calls. */
static void test_limit_of_method(void **state)
{
	struct stream channel;
	struct fake fake;
	wat_capability *user;
	uint8_t *reply = NULL;
	size_t n;
	wat *w;

	(void)state;
	fake_start(&fake);
	w = fake_connect(&fake);
	user = fake_user(&fake, w, &channel);
	wat_set_timeout(w, 0);
	assert_int_equal(wat_call_raw(user, 0, 0, 50, "x", 1, &reply, &n), WAT_DEADLINE_EXCEEDED);
	assert_true(fake_expect(w, &channel, FRAME_CALL).budget <= 50);
	assert_null(reply);
	wat_capability_free(user);
	wat_free(w);
	stream_deinit(&channel);
	fake_stop(&fake);
}

/* A call that is taken back ends once, with CANCELLED; its neighbours don't notice. */
static void test_cancel(void **state)
{
	struct outcome calls[3] = {0};
	struct stream channel;
	struct fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	fake_start(&fake);
	w = fake_connect(&fake);
	user = fake_user(&fake, w, &channel);
	for (int i = 0; i < 3; i++)
		fake_send(user, 0, "x", &calls[i]);
	assert_int_equal(wat_cancel(w, &calls[1]), 1);
	assert_int_equal(wat_cancel(w, &calls[1]), 0);
	assert_int_equal(wat_cancel(w, &channel), 0);
	fake_wait(w, &calls[1]);
	assert_int_equal(calls[1].status, WAT_CANCELLED);
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(fake_expect(w, &channel, FRAME_CALL).id, id);
	assert_int_equal(fake_expect(w, &channel, FRAME_CANCEL).id, 2);
	for (uint64_t id = 1; id <= 3; id++)
		fake_reply(&channel, id, "done");
	fake_wait(w, &calls[2]);
	assert_string_equal(calls[0].reply, "done");
	assert_string_equal(calls[2].reply, "done");
	assert_int_equal(calls[1].n, 1);
	wat_capability_free(user);
	wat_free(w);
	stream_deinit(&channel);
	fake_stop(&fake);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_poll),
		CASE(test_libevent),
		cmocka_unit_test(test_reader_stops),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_limit_of_method),
		cmocka_unit_test(test_cancel),
	};

	return test_run_cases(tests, NULL, NULL);
}
