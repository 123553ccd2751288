/* test_linear_random.c - the search says of random small histories what trying out all orders says,
 * and finds the order of long genuine ones. row 12 */
#include <stdlib.h>
#include <string.h>
#include <wat/status.h>

#include "proto/support/cleanup.h"
#include "tests/lib/cases.h"
#include "tests/lib/linear_model.h"

#define CLIENTS 3u
#define OPS_MAX 6u

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint32_t below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)(next_random(seed) >> 32) % n;
}

struct history {
	struct linear_client clients[CLIENTS];
	struct linear_op ops[CLIENTS][OPS_MAX];
	/* All of them, and whose they are. */
	const struct linear_op *all[OPS_MAX];
	uint32_t client_of[OPS_MAX];
	size_t n;
};

/* Few cells and few values, so that an answer made up is often a possible one. */
static void make_up_call(struct linear_op *op, uint64_t *seed)
{
	static const int statuses[LEDGER_WHATS] = {
		[LEDGER_SWAP] = WAT_FAILED_PRECONDITION,
		[LEDGER_PULL] = WAT_NOT_FOUND,
		[LEDGER_WRITE_THEN_FAIL] = WAT_ABORTED,
		[LEDGER_WRITE_THEN_PANIC] = WAT_SERVER_DIED,
	};

	op->what = below(seed, LEDGER_WHATS);
	op->at = below(seed, 2);
	op->in = below(seed, 2);
	op->in_2 = op->out = below(seed, 2);
	if (op->what == LEDGER_WRITE)
		op->out = op->in;
	if (op->what == LEDGER_PUSH)
		op->out = 1 + below(seed, 2);
	if (op->what >= LEDGER_WRITE_THEN_FAIL || below(seed, 2))
		op->status = statuses[op->what];
	op->hint = below(seed, 4);
}

/* Time goes on; at each moment a client makes a call or has one answered. */
static void make_up(struct history *h, uint64_t *seed)
{
	uint32_t answered[CLIENTS] = {0};
	size_t n_ops = 2 + below(seed, OPS_MAX - 1);
	uint64_t end = 12 + below(seed, 40);

	*h = (struct history){0};
	for (uint64_t now = 1; now < end; now++) {
		uint32_t c = below(seed, CLIENTS);
		struct linear_client *client = &h->clients[c];

		client->ops = h->ops[c];
		if (below(seed, 2) && h->n < n_ops) {
			struct linear_op *op = &h->ops[c][client->n++];

			op->invoked = now;
			op->responded = LINEAR_PENDING;
			make_up_call(op, seed);
			h->client_of[h->n] = c;
			h->all[h->n++] = op;
		} else if (answered[c] < client->n && below(seed, 8)) {
			h->ops[c][answered[c]++].responded = now;
		}
	}
}

/* Is the order, of indices in h->all, one of what happened? Nothing of linear.c is used here. */
static bool is_order(const struct history *h, const size_t *order, size_t n)
{
	uint8_t state[4096] __attribute__((aligned(16)));
	size_t of_client[CLIENTS] = {0};

	linear_ledger.init(state);
	for (size_t i = 0; i < n; i++) {
		const struct linear_op *op = h->all[order[i]];
		uint32_t c = h->client_of[order[i]];

		if (op != &h->ops[c][of_client[c]++] || !linear_ledger.step(state, op))
			return false;
		for (size_t j = 0; j < i; j++)
			if (op->responded < h->all[order[j]]->invoked)
				return false;
	}
	return true;
}

static bool has_all_answered(const struct history *h, const bool *used)
{
	for (size_t i = 0; i < h->n; i++)
		if (!used[i] && h->all[i]->responded != LINEAR_PENDING)
			return false;
	return true;
}

/* Tries all orders of all sets that have what was answered. */
static bool try_all(const struct history *h, size_t *order, size_t n, bool *used)
{
	if (has_all_answered(h, used) && is_order(h, order, n))
		return true;
	for (size_t i = 0; i < h->n; i++) {
		bool found;

		if (used[i])
			continue;
		used[i] = true;
		order[n] = i;
		found = try_all(h, order, n + 1, used);
		used[i] = false;
		if (found)
			return true;
	}
	return false;
}

static void test_as_all_orders(void **state)
{
	uint64_t seed = 88172645463325252u;
	size_t n_yes = 0, n_no = 0, n_pending = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct linear_report report;
		struct history h;
		size_t order[OPS_MAX];
		bool used[OPS_MAX] = {false}, expected;

		make_up(&h, &seed);
		expected = try_all(&h, order, 0, used);
		assert_int_equal(
			linear_search(&linear_ledger, h.clients, CLIENTS, 1000000, &report),
			expected ? LINEAR_YES : LINEAR_NO);
		*(expected ? &n_yes : &n_no) += 1;
		n_pending += h.n > 0 && h.all[h.n - 1]->responded == LINEAR_PENDING;
	}
	/* Of each kind enough to mean something. */
	assert_true(n_yes > 2000);
	assert_true(n_no > 2000);
	assert_true(n_pending > 500);
}

#define LONG_CLIENTS 16u
#define LONG_OPS 250u
#define WINDOW 4u

/* A service that runs calls one at a time, and clients that have up to WINDOW of them under way. */
struct genuine {
	struct linear_client clients[LONG_CLIENTS];
	struct linear_op ops[LONG_CLIENTS][LONG_OPS];
	uint32_t run[LONG_CLIENTS], answered[LONG_CLIENTS];
	uint64_t now, n_run;
	uint8_t state[4096] __attribute__((aligned(16)));
};

/* What the model says: the first answer that it accepts. */
static void run_call(struct genuine *g, struct linear_op *op)
{
	static const int statuses[] = {WAT_OK,        WAT_FAILED_PRECONDITION,
				       WAT_NOT_FOUND, WAT_RESOURCE_EXHAUSTED,
				       WAT_ABORTED,   WAT_SERVER_DIED};
	uint8_t before[sizeof g->state] __attribute__((aligned(16)));

	memcpy(before, g->state, sizeof before);
	op->hint = ++g->n_run;
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		for (int64_t out = 0; out <= (i == 0 ? 400 : 0); out++) {
			op->status = statuses[i];
			op->out = out;
			if (linear_ledger.step(g->state, op))
				return;
			memcpy(g->state, before, sizeof before);
		}
	fail_msg("the model has no answer");
}

static void make_call(struct genuine *g, uint32_t c, uint64_t *seed)
{
	struct linear_op *op = &g->ops[c][g->clients[c].n++];

	op->invoked = ++g->now;
	op->what = below(seed, LEDGER_WHATS);
	op->at = below(seed, LEDGER_CELLS);
	op->in = below(seed, 30);
	op->in_2 = below(seed, 30);
}

static bool go_on(struct genuine *g, uint32_t c, uint64_t *seed)
{
	size_t made = g->clients[c].n;

	switch (below(seed, 3)) {
	case 0:
		if (made < LONG_OPS && made - g->answered[c] < WINDOW)
			make_call(g, c, seed);
		return true;
	case 1:
		if (g->run[c] < made)
			run_call(g, &g->ops[c][g->run[c]++]);
		return true;
	default:
		if (g->answered[c] < g->run[c])
			g->ops[c][g->answered[c]++].responded = ++g->now;
		return g->answered[c] < LONG_OPS;
	}
}

static struct genuine *genuine_new(uint64_t seed)
{
	struct genuine *g = calloc(1, sizeof *g);
	uint32_t open = LONG_CLIENTS;

	assert_non_null(g);
	linear_ledger.init(g->state);
	for (uint32_t c = 0; c < LONG_CLIENTS; c++)
		g->clients[c].ops = g->ops[c];
	while (open > 0) {
		open = 0;
		for (uint32_t c = 0; c < LONG_CLIENTS; c++)
			open += go_on(g, c, &seed) && g->answered[c] < LONG_OPS;
	}
	return g;
}

/* Thousands of calls that really were run one at a time: with hints the order is found at once, and
 * a single answer that is another one is noticed. */
static void test_genuine(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		_cleanup_(freep) struct genuine *g = genuine_new(seed * 1234567);
		struct linear_report report;
		struct linear_op *op = &g->ops[seed][LONG_OPS / 2];

		assert_int_equal(
			linear_search(&linear_ledger, g->clients, LONG_CLIENTS, 1000000, &report),
			LINEAR_YES);
		assert_int_equal(report.n_placed, LONG_CLIENTS * LONG_OPS);
		assert_int_equal(report.steps, LONG_CLIENTS * LONG_OPS);
		assert_int_equal(linear_follow(&linear_ledger, g->clients, LONG_CLIENTS, &report),
				 LINEAR_YES);
		op->what = LEDGER_READ;
		op->status = WAT_OK;
		op->out = 31;
		assert_int_not_equal(
			linear_search(&linear_ledger, g->clients, LONG_CLIENTS, 100000, &report),
			LINEAR_YES);
		assert_int_equal(linear_follow(&linear_ledger, g->clients, LONG_CLIENTS, &report),
				 LINEAR_NO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_all_orders),
		cmocka_unit_test(test_genuine),
	};

	return test_run_cases(tests, NULL, NULL);
}
