/* linear_model.c - models for linear.h. Pure. */
#include "tests/lib/linear_model.h"

#include <string.h>
#include <wat/status.h>

static bool is_pending(const struct linear_op *op)
{
	return op->responded == LINEAR_PENDING;
}

/* Is that the answer, or was none seen? */
static bool answers(const struct linear_op *op, int status, int64_t out)
{
	return is_pending(op) || (op->status == status && (status != WAT_OK || op->out == out));
}

static void counter_init(void *state)
{
	*(int64_t *)state = 0;
}

static bool counter_step(void *state, const struct linear_op *op)
{
	int64_t *value = state;

	*value += op->in;
	return answers(op, WAT_OK, *value);
}

const struct linear_model linear_counter = {sizeof(int64_t), counter_init, counter_step};

struct ledger {
	int64_t cells[LEDGER_CELLS];
	int64_t queue[LEDGER_QUEUE_MAX]; /* zero beyond n_queue: equal states have equal bytes */
	int64_t n_queue;
};

static void ledger_init(void *state)
{
	memset(state, 0, sizeof(struct ledger));
}

static bool swap(struct ledger *ledger, const struct linear_op *op)
{
	if (ledger->cells[op->at] != op->in)
		return answers(op, WAT_FAILED_PRECONDITION, 0);
	ledger->cells[op->at] = op->in_2;
	return answers(op, WAT_OK, op->in_2);
}

static bool push(struct ledger *ledger, const struct linear_op *op)
{
	if (ledger->n_queue == LEDGER_QUEUE_MAX)
		return answers(op, WAT_RESOURCE_EXHAUSTED, 0);
	ledger->queue[ledger->n_queue++] = op->in;
	return answers(op, WAT_OK, ledger->n_queue);
}

static bool pull(struct ledger *ledger, const struct linear_op *op)
{
	int64_t oldest = ledger->queue[0];

	if (ledger->n_queue == 0)
		return answers(op, WAT_NOT_FOUND, 0);
	memmove(ledger->queue, ledger->queue + 1, sizeof ledger->queue - sizeof *ledger->queue);
	ledger->queue[LEDGER_QUEUE_MAX - 1] = 0;
	ledger->n_queue--;
	return answers(op, WAT_OK, oldest);
}

static int64_t sum(const struct ledger *ledger)
{
	int64_t all = 0;

	for (size_t i = 0; i < LEDGER_CELLS; i++)
		all += ledger->cells[i];
	for (size_t i = 0; i < LEDGER_QUEUE_MAX; i++)
		all += ledger->queue[i];
	return all;
}

static bool ledger_step(void *state, const struct linear_op *op)
{
	struct ledger *ledger = state;

	if (op->at >= LEDGER_CELLS)
		return false;
	switch ((enum ledger_what)op->what) {
	case LEDGER_READ:
		return answers(op, WAT_OK, ledger->cells[op->at]);
	case LEDGER_WRITE:
		ledger->cells[op->at] = op->in;
		return answers(op, WAT_OK, op->in);
	case LEDGER_SWAP:
		return swap(ledger, op);
	case LEDGER_PUSH:
		return push(ledger, op);
	case LEDGER_PULL:
		return pull(ledger, op);
	case LEDGER_SUM:
		return answers(op, WAT_OK, sum(ledger));
	case LEDGER_WRITE_THEN_FAIL:
		return answers(op, WAT_ABORTED, 0);
	case LEDGER_WRITE_THEN_PANIC:
		return answers(op, WAT_SERVER_DIED, 0);
	case LEDGER_WHATS:
	default:
		return false;
	}
}

const struct linear_model linear_ledger = {sizeof(struct ledger), ledger_init, ledger_step};
