/* test_linear.c - the check of histories accepts what a service could have answered that runs one
 * call at a time, and rejects everything else: stale reads, lost updates, calls out of their order.
 * row 12 */
#include <errno.h>
#include <string.h>
#include <wat/status.h>

#include "tests/lib/cases.h"
#include "tests/lib/linear_model.h"

#define ROOM 8u
#define STEPS_MAX UINT64_C(100000)

/* A history in the making. */
struct history {
	struct linear_client clients[LINEAR_CLIENTS_MAX];
	struct linear_op ops[LINEAR_CLIENTS_MAX][ROOM];
	size_t n_clients;
	struct linear_report report;
};

static struct linear_op *add(struct history *h, size_t client, uint64_t invoked, uint64_t responded)
{
	struct linear_client *c = &h->clients[client];
	struct linear_op *op = &h->ops[client][c->n++];

	c->ops = h->ops[client];
	*op = (struct linear_op){.invoked = invoked, .responded = responded};
	if (h->n_clients <= client)
		h->n_clients = client + 1;
	return op;
}

/* The same with a call of the ledger: its cell or queue, and the value that goes in or comes out.
 */
static struct linear_op *call(struct history *h,
			      size_t client,
			      uint64_t invoked,
			      uint64_t responded,
			      enum ledger_what what,
			      uint32_t at,
			      int64_t value)
{
	struct linear_op *op = add(h, client, invoked, responded);

	op->what = what;
	op->at = at;
	op->in = op->out = value;
	if (what == LEDGER_WRITE_THEN_FAIL)
		op->status = WAT_ABORTED;
	return op;
}

static int verdict(struct history *h)
{
	return linear_search(&linear_ledger, h->clients, h->n_clients, STEPS_MAX, &h->report);
}

static int verdict_counter(struct history *h)
{
	return linear_search(&linear_counter, h->clients, h->n_clients, STEPS_MAX, &h->report);
}

/* One after the other there is one order, and each answer is fixed by it. */
static void test_one_client(void **state)
{
	struct history good = {0}, bad = {0};

	(void)state;
	assert_int_equal(verdict(&good), LINEAR_YES);
	call(&good, 0, 1, 2, LEDGER_WRITE, 1, 7);
	call(&good, 0, 3, 4, LEDGER_READ, 1, 7);
	call(&good, 0, 5, 6, LEDGER_READ, 2, 0);
	call(&good, 0, 7, 8, LEDGER_SUM, 0, 7);
	assert_int_equal(verdict(&good), LINEAR_YES);
	assert_int_equal(good.report.n_placed, 4);
	call(&bad, 0, 1, 2, LEDGER_WRITE, 1, 7);
	call(&bad, 0, 3, 4, LEDGER_READ, 1, 8);
	assert_int_equal(verdict(&bad), LINEAR_NO);
	assert_int_equal(bad.report.n_placed, 1);
	assert_int_equal(bad.report.next[0], 1);
}

/* A read that comes after an acknowledged write does not see what was before it; one that is under
 * way at the same time may. */
static void test_stale_read(void **state)
{
	struct history stale = {0}, meanwhile = {0}, back = {0};

	(void)state;
	call(&stale, 0, 1, 2, LEDGER_WRITE, 0, 5);
	call(&stale, 1, 3, 4, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&stale), LINEAR_NO);
	call(&meanwhile, 0, 1, 4, LEDGER_WRITE, 0, 5);
	call(&meanwhile, 1, 2, 3, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&meanwhile), LINEAR_YES);
	meanwhile.ops[1][0].out = 5;
	assert_int_equal(verdict(&meanwhile), LINEAR_YES);
	/* What one has seen another one can't miss afterwards, though the write still runs. */
	call(&back, 0, 1, 10, LEDGER_WRITE, 0, 5);
	call(&back, 1, 2, 3, LEDGER_READ, 0, 5);
	call(&back, 2, 4, 5, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&back), LINEAR_NO);
}

/* Two increments have not the same answer, nor do two swaps of the same value both succeed. */
static void test_lost_update(void **state)
{
	struct history counter = {0}, swaps = {0};

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		struct linear_op *op = add(&counter, c, 1 + c, 3 + c);

		op->in = op->out = 1;
	}
	assert_int_equal(verdict_counter(&counter), LINEAR_NO);
	counter.ops[0][0].out = 2;
	assert_int_equal(verdict_counter(&counter), LINEAR_YES);
	for (size_t c = 0; c < 2; c++) {
		struct linear_op *op = call(&swaps, c, 1 + c, 3 + c, LEDGER_SWAP, 0, 0);

		op->in_2 = op->out = 10 + (int64_t)c;
	}
	assert_int_equal(verdict(&swaps), LINEAR_NO);
	swaps.ops[1][0].status = WAT_FAILED_PRECONDITION;
	assert_int_equal(verdict(&swaps), LINEAR_YES);
}

/* A client that does not wait for its answers still is served in the order of its calls; two
 * clients are not. */
static void test_reordered(void **state)
{
	struct history one = {0}, two = {0};

	(void)state;
	call(&one, 0, 1, 10, LEDGER_PUSH, 0, 5)->out = 1;
	call(&one, 0, 2, 11, LEDGER_PUSH, 0, 6)->out = 2;
	call(&one, 1, 12, 13, LEDGER_PULL, 0, 6);
	call(&one, 1, 14, 15, LEDGER_PULL, 0, 5);
	assert_int_equal(verdict(&one), LINEAR_NO);
	call(&two, 0, 1, 10, LEDGER_PUSH, 0, 5)->out = 2;
	call(&two, 2, 2, 11, LEDGER_PUSH, 0, 6)->out = 1;
	call(&two, 1, 12, 13, LEDGER_PULL, 0, 6);
	call(&two, 1, 14, 15, LEDGER_PULL, 0, 5);
	assert_int_equal(verdict(&two), LINEAR_YES);
}

/* Each element is pulled once, and only what was pushed. */
static void test_queue(void **state)
{
	struct history twice = {0}, nowhere = {0}, empty = {0}, full = {0};

	(void)state;
	call(&twice, 0, 1, 2, LEDGER_PUSH, 0, 5)->out = 1;
	call(&twice, 0, 3, 6, LEDGER_PULL, 0, 5);
	call(&twice, 1, 4, 5, LEDGER_PULL, 0, 5);
	assert_int_equal(verdict(&twice), LINEAR_NO);
	call(&nowhere, 0, 1, 2, LEDGER_PULL, 0, 5);
	assert_int_equal(verdict(&nowhere), LINEAR_NO);
	call(&empty, 0, 1, 2, LEDGER_PUSH, 0, 5)->out = 1;
	call(&empty, 1, 3, 4, LEDGER_PULL, 0, 0)->status = WAT_NOT_FOUND;
	assert_int_equal(verdict(&empty), LINEAR_NO);
	for (uint32_t i = 0; i < LEDGER_QUEUE_MAX; i++)
		call(&full, i % 2, 2 * i + 1, 2 * i + 2, LEDGER_PUSH, 0, 9)->out = i + 1;
	call(&full, 2, 20, 21, LEDGER_PUSH, 0, 9)->out = LEDGER_QUEUE_MAX + 1;
	assert_int_equal(verdict(&full), LINEAR_NO);
	full.ops[2][0].status = WAT_RESOURCE_EXHAUSTED;
	assert_int_equal(verdict(&full), LINEAR_YES);
}

/* A handler that failed has left nothing. */
static void test_failed_left_nothing(void **state)
{
	struct history h = {0};

	(void)state;
	call(&h, 0, 1, 2, LEDGER_WRITE_THEN_FAIL, 0, 5);
	call(&h, 0, 3, 4, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&h), LINEAR_YES);
	h.ops[0][1].out = 5;
	assert_int_equal(verdict(&h), LINEAR_NO);
	h.ops[0][1].out = 0;
	h.ops[0][0].status = WAT_OK;
	assert_int_equal(verdict(&h), LINEAR_NO);
}

/* Cells of one service have one order together: each alone would be in order here. */
static void test_one_order(void **state)
{
	struct history h = {0};

	(void)state;
	call(&h, 0, 1, 20, LEDGER_WRITE, 0, 1);
	call(&h, 1, 2, 21, LEDGER_WRITE, 1, 1);
	call(&h, 2, 3, 4, LEDGER_READ, 0, 1);
	call(&h, 2, 5, 6, LEDGER_READ, 1, 0);
	call(&h, 3, 7, 8, LEDGER_READ, 1, 1);
	assert_int_equal(verdict(&h), LINEAR_YES);
	call(&h, 3, 9, 10, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&h), LINEAR_NO);
	h.ops[3][1] = h.ops[3][0];
	h.ops[3][1].invoked = 9;
	h.ops[3][1].responded = 10;
	h.ops[3][1].what = LEDGER_SUM;
	h.ops[3][1].out = 1;
	assert_int_equal(verdict(&h), LINEAR_NO);
	h.ops[3][1].out = 2;
	assert_int_equal(verdict(&h), LINEAR_YES);
}

/* What a killed client had under way was run or not, from some call on not; never before it was
 * made. */
static void test_pending(void **state)
{
	struct history h = {0}, early = {0}, gap = {0};

	(void)state;
	call(&h, 0, 1, LINEAR_PENDING, LEDGER_WRITE, 0, 5);
	call(&h, 1, 2, 3, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&h), LINEAR_YES);
	call(&h, 1, 4, 5, LEDGER_READ, 0, 5);
	assert_int_equal(verdict(&h), LINEAR_YES);
	call(&h, 1, 6, 7, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&h), LINEAR_NO);
	call(&early, 1, 1, 2, LEDGER_READ, 0, 5);
	call(&early, 0, 3, LINEAR_PENDING, LEDGER_WRITE, 0, 5);
	assert_int_equal(verdict(&early), LINEAR_NO);
	call(&gap, 0, 1, LINEAR_PENDING, LEDGER_WRITE, 0, 5);
	call(&gap, 0, 2, LINEAR_PENDING, LEDGER_WRITE, 1, 6);
	call(&gap, 1, 3, 4, LEDGER_READ, 1, 6);
	call(&gap, 1, 5, 6, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&gap), LINEAR_NO);
	gap.ops[1][1].out = 5;
	assert_int_equal(verdict(&gap), LINEAR_YES);
}

/* Hints decide nothing, neither for nor against. */
static void test_hints(void **state)
{
	struct history good = {0}, bad = {0};

	(void)state;
	call(&good, 0, 1, 10, LEDGER_WRITE, 0, 1)->hint = 3;
	call(&good, 1, 2, 11, LEDGER_WRITE, 0, 2)->hint = 2;
	call(&good, 2, 3, 12, LEDGER_READ, 0, 1)->hint = 1;
	call(&good, 3, 13, 14, LEDGER_READ, 0, 2)->hint = 9;
	assert_int_equal(verdict(&good), LINEAR_YES);
	call(&bad, 0, 5, 6, LEDGER_WRITE, 0, 1)->hint = 1;
	call(&bad, 1, 1, 2, LEDGER_READ, 0, 1)->hint = 2;
	assert_int_equal(verdict(&bad), LINEAR_NO);
}

static void test_no_history(void **state)
{
	struct history back = {0}, instant = {0}, resurrected = {0}, none = {0};

	(void)state;
	call(&back, 0, 5, 6, LEDGER_READ, 0, 0);
	call(&back, 0, 3, 8, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&back), -EINVAL);
	call(&instant, 0, 5, 5, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&instant), -EINVAL);
	call(&resurrected, 0, 1, LINEAR_PENDING, LEDGER_READ, 0, 0);
	call(&resurrected, 0, 2, 3, LEDGER_READ, 0, 0);
	assert_int_equal(verdict(&resurrected), -EINVAL);
	assert_int_equal(linear_search(&linear_ledger, none.clients, LINEAR_CLIENTS_MAX + 1,
				       STEPS_MAX, &none.report),
			 -EINVAL);
}

/* A search that was not let to its end is no yes and no no. */
static void test_gives_up(void **state)
{
	struct history h = {0};

	(void)state;
	for (size_t c = 0; c < 8; c++)
		call(&h, c, 1 + c, 100 + c, LEDGER_WRITE, 0, (int64_t)c + 1);
	call(&h, 8, 200, 201, LEDGER_READ, 0, 99);
	assert_int_equal(linear_search(&linear_ledger, h.clients, h.n_clients, 50, &h.report),
			 LINEAR_GAVE_UP);
	assert_int_equal(h.report.steps, 50);
	assert_int_equal(verdict(&h), LINEAR_NO);
}

static int follow(struct history *h)
{
	return linear_follow(&linear_counter, h->clients, h->n_clients, &h->report);
}

/* A given order is one only if nothing speaks against it: time, a client's own order, an answer, a
 * place that is taken. */
static void test_follow(void **state)
{
	static const struct history good = {
		.ops = {{{.invoked = 1, .responded = 6, .hint = 1, .in = 1, .out = 1},
			 {.invoked = 2, .responded = 8, .hint = 3, .in = 1, .out = 3}},
			{{.invoked = 3, .responded = 7, .hint = 2, .in = 1, .out = 2}}},
		.n_clients = 2};
	struct history h[7];

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		h[i] = good;
		h[i].clients[0] = (struct linear_client){h[i].ops[0], 2};
		h[i].clients[1] = (struct linear_client){h[i].ops[1], 1};
	}
	assert_int_equal(follow(&h[0]), LINEAR_YES);
	assert_int_equal(h[0].report.n_placed, 3);
	/* The third was made after the second was answered, and the other way round in the order.
	 */
	h[1].ops[1][0].invoked = 9;
	h[1].ops[1][0].responded = 10;
	assert_int_equal(follow(&h[1]), LINEAR_NO);
	h[2].ops[0][0].hint = 3;
	h[2].ops[0][1].hint = 1;
	assert_int_equal(follow(&h[2]), LINEAR_NO);
	h[3].ops[1][0].hint = 1;
	assert_int_equal(follow(&h[3]), LINEAR_NO);
	h[4].ops[0][1].out = 2;
	assert_int_equal(follow(&h[4]), LINEAR_NO);
	assert_int_equal(h[4].report.n_placed, 2);
	h[5].ops[1][0].hint = 0;
	assert_int_equal(follow(&h[5]), LINEAR_NO);
	h[6].ops[1][0].responded = LINEAR_PENDING;
	assert_int_equal(follow(&h[6]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_client),  cmocka_unit_test(test_stale_read),
		cmocka_unit_test(test_lost_update), cmocka_unit_test(test_reordered),
		cmocka_unit_test(test_queue),       cmocka_unit_test(test_failed_left_nothing),
		cmocka_unit_test(test_one_order),   cmocka_unit_test(test_pending),
		cmocka_unit_test(test_hints),       cmocka_unit_test(test_no_history),
		cmocka_unit_test(test_gives_up),    cmocka_unit_test(test_follow),
	};

	return test_run_cases(tests, NULL, NULL);
}
