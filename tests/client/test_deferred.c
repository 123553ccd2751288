/* test_deferred.c - calls that are sent from a callback: written together, but not late, and never
 * left lying. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "counter.client.h"
#include "tests/client/fake.h"
#include "tests/lib/daemon.h"

#define TOGETHER 128    /* callbacks whose calls wait for one another, at most */
#define BYTES_MAX 16384 /* and bytes */

struct world {
	struct fake fake;
	struct stream channel, other_channel;
	wat *w;
	wat_capability *user, *other;
	size_t n_callbacks, n_answers;
	int arrived[TOGETHER + 8]; /* bytes at the service, after the sending of each callback */
	struct outcome outcome;
};

static int bytes_at(const struct stream *channel)
{
	int n = -1;

	assert_int_equal(ioctl(channel->fd, FIONREAD, &n), 0);
	return n;
}

static int set_up(void **state)
{
	struct world *t = calloc(1, sizeof *t);

	fake_start(&t->fake);
	t->w = fake_connect(&t->fake);
	t->user = fake_user(&t->fake, t->w, &t->channel);
	t->other = fake_user(&t->fake, t->w, &t->other_channel);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct world *t = *state;

	wat_capability_free(t->other);
	wat_capability_free(t->user);
	wat_free(t->w);
	stream_deinit(&t->channel);
	stream_deinit(&t->other_channel);
	fake_stop(&t->fake);
	free(t);
	return 0;
}

static void on_answer(void *arg,
		      int status,
		      const uint8_t *reply,
		      size_t n,
		      const struct wat_failure *failure)
{
	struct world *t = arg;

	(void)status;
	(void)reply;
	(void)n;
	(void)failure;
	t->n_answers++;
}

static void send_another(void *arg,
			 int status,
			 const uint8_t *reply,
			 size_t n,
			 const struct wat_failure *failure)
{
	struct world *t = arg;

	(void)reply;
	(void)n;
	(void)failure;
	assert_int_equal(status, 0);
	assert_int_equal(wat_send_raw(t->user, 0, 0, 0, NULL, 0, on_answer, t), 0);
	t->arrived[t->n_callbacks++] = bytes_at(&t->channel);
}

/* n calls, all answered before the client looks. */
static void ask(struct world *t, size_t n, wat_raw_done *done)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(wat_send_raw(t->user, 0, 0, 0, NULL, 0, done, t), 0);
	for (uint64_t id = 1; id <= n; id++)
		assert_int_equal(fake_expect(t->w, &t->channel, FRAME_CALL).id, id);
	for (uint64_t id = 1; id <= n; id++)
		fake_reply(&t->channel, id, "");
}

/* Nothing that a callback sends is written before the callbacks that are due have run, and all of
 * it is before wat_dispatch returns. */
static void test_together(void **state)
{
	struct world *t = *state;

	ask(t, 3, send_another);
	assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(t->n_callbacks, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(t->arrived[i], 0);
	assert_int_equal(bytes_at(&t->channel), 3 * FRAME_HEADER_SIZE);
}

/* However many callbacks are due: after so many of them, what they sent is written. */
static void test_not_late(void **state)
{
	struct world *t = *state;

	ask(t, TOGETHER + 1, send_another);
	assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(t->n_callbacks, TOGETHER + 1);
	assert_int_equal(t->arrived[TOGETHER - 1], 0);
	assert_int_equal(t->arrived[TOGETHER], TOGETHER * FRAME_HEADER_SIZE);
	assert_int_equal(bytes_at(&t->channel), (TOGETHER + 1) * FRAME_HEADER_SIZE);
}

static void send_first(void *arg,
		       int status,
		       const uint8_t *reply,
		       size_t n,
		       const struct wat_failure *failure)
{
	struct world *t = arg;

	if (t->n_callbacks == 0)
		send_another(arg, status, reply, n, failure);
	else
		t->arrived[t->n_callbacks++] = bytes_at(&t->channel);
}

/* Callbacks that send nothing count too. */
static void test_not_late_for_others(void **state)
{
	struct world *t = *state;

	ask(t, TOGETHER + 1, send_first);
	assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(t->n_callbacks, TOGETHER + 1);
	assert_int_equal(t->arrived[TOGETHER - 1], 0);
	assert_int_equal(t->arrived[TOGETHER], FRAME_HEADER_SIZE);
}

static void send_much(void *arg,
		      int status,
		      const uint8_t *reply,
		      size_t n,
		      const struct wat_failure *failure)
{
	static const char body[1024];
	struct world *t = arg;

	(void)reply;
	(void)n;
	(void)failure;
	assert_int_equal(status, 0);
	for (int i = 0; i < 16; i++) {
		t->arrived[t->n_callbacks++] = bytes_at(&t->channel);
		assert_int_equal(wat_send_raw(t->user, 0, 0, 0, body, sizeof body, on_answer, t),
				 0);
	}
	t->arrived[t->n_callbacks++] = bytes_at(&t->channel);
}

/* Nor is much kept back, were it all from one callback. */
static void test_not_much(void **state)
{
	struct world *t = *state;

	ask(t, 1, send_much);
	assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(t->arrived[15], 0);
	assert_true(t->arrived[16] >= BYTES_MAX);
}

/* Outside of a callback a call is written at once. */
static void test_at_once(void **state)
{
	struct world *t = *state;

	for (int i = 1; i <= 3; i++) {
		assert_int_equal(wat_send_raw(t->user, 0, 0, 0, NULL, 0, on_answer, t), 0);
		assert_int_equal(bytes_at(&t->channel), i * (int)FRAME_HEADER_SIZE);
	}
}

static void free_other(void *arg,
		       int status,
		       const uint8_t *reply,
		       size_t n,
		       const struct wat_failure *failure)
{
	struct world *t = arg;

	(void)reply;
	(void)n;
	(void)failure;
	assert_int_equal(status, 0);
	fake_send(t->other, 0, "x", &t->outcome);
	t->other = wat_capability_free(t->other);
}

/* A callback frees a handle that it has just used: the call ends once, and nothing of it is left.
 */
static void test_freed(void **state)
{
	struct world *t = *state;

	ask(t, 1, free_other);
	assert_int_equal(wat_dispatch(t->w, -1), 0);
	assert_int_equal(t->outcome.n, 1);
	assert_int_equal(t->outcome.status, WAT_CANCELLED);
	assert_int_equal(wat_dispatch(t->w, 0), 0);
}

/* A service of watd's, and two Users of it. */
struct real {
	counter_user *first, *second;
	int64_t seen;
	bool called;
};

#define TRIES 100000

/* Sends over one channel and looks over the other, without leaving the callback. */
static void send_and_look(void *arg,
			  int status,
			  const counter_value *out,
			  const struct wat_failure *failure)
{
	counter_amount ten = COUNTER_AMOUNT_INIT;
	struct real *t = arg;

	(void)out;
	(void)failure;
	assert_int_equal(status, 0);
	ten.n = 10;
	assert_int_equal(counter_increment_send(t->first, &ten, NULL, NULL), 0);
	for (int i = 0; i < TRIES && t->seen < 11; i++)
		assert_int_equal(counter_get_with(t->second, &t->seen), 0);
	t->called = true;
}

/* A callback that waits inside libwat does not hold back what it sent before. */
static void test_waits_inside(void **state)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	counter_amount one = COUNTER_AMOUNT_INIT;
	struct test_daemon daemon;
	struct real t = {0};
	counter_admin *admin;
	wat_node *node;
	wat *w;

	(void)state;
	test_daemon_init(&daemon, NULL);
	test_daemon_start(&daemon);
	assert_int_equal(wat_connect(daemon.admin_socket, &w), 0);
	assert_int_equal(wat_node_open(w, &node), 0);
	assert_int_equal(counter_spawn(node, "c1", NULL, NULL, &admin), 0);
	grant.name = "u1";
	assert_int_equal(counter_provision(admin, &grant, &t.first), 0);
	grant.name = "u2";
	assert_int_equal(counter_provision(admin, &grant, &t.second), 0);
	one.n = 1;
	assert_int_equal(counter_increment_send(t.first, &one, send_and_look, &t), 0);
	while (!t.called)
		assert_int_equal(wat_dispatch(w, -1), 0);
	assert_int_equal(t.seen, 11);
	counter_user_free(t.second);
	counter_user_free(t.first);
	counter_admin_free(admin);
	wat_node_free(node);
	wat_free(w);
	test_daemon_deinit(&daemon);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_together),
		CASE(test_not_late),
		CASE(test_not_late_for_others),
		CASE(test_not_much),
		CASE(test_at_once),
		CASE(test_freed),
		cmocka_unit_test(test_waits_inside),
	};

	return test_run_cases(tests, NULL, NULL);
}
