/* ledger.c - cells and a queue. Every answer says at which place in the order of all calls it was
 * given, so that a history can be held against it. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "ledger.service.h"

#define CELLS 4u
#define QUEUE_MAX 8u

static uint64_t place(struct wat_call *call)
{
	return call->api->context(call)->invocation;
}

static wat_status refuse(struct wat_call *call, wat_status status)
{
	return call->api->fail(call, status, "place %" PRIu64, place(call));
}

static wat_status answer(struct wat_call *call, ledger_answer *out, int64_t value)
{
	out->value = value;
	out->place = place(call);
	return WAT_OK;
}

static int64_t cell(const ledger_state *state, uint32_t at)
{
	return state->n_cells > 0 ? state->cells[at] : 0;
}

static void write_cell(struct wat_call *call, ledger_state *state, uint32_t at, int64_t value)
{
	if (state->n_cells == 0) {
		state->cells = call->api->alloc(call, CELLS * sizeof *state->cells);
		state->n_cells = CELLS;
	}
	state->cells[at] = value;
}

static wat_status write_and_answer(struct wat_call *call,
				   ledger_state *state,
				   const ledger_cell *in,
				   ledger_answer *out)
{
	if (in->at >= CELLS)
		return refuse(call, WAT_OUT_OF_RANGE);
	write_cell(call, state, in->at, in->value);
	return answer(call, out, in->value);
}

wat_status ledger_on_read(struct ledger_read_call *call,
			  ledger_state *state,
			  const ledger_cell *in,
			  ledger_answer *out)
{
	if (in->at >= CELLS)
		return refuse(&call->base, WAT_OUT_OF_RANGE);
	return answer(&call->base, out, cell(state, in->at));
}

wat_status ledger_on_write(struct ledger_write_call *call,
			   ledger_state *state,
			   const ledger_cell *in,
			   ledger_answer *out)
{
	return write_and_answer(&call->base, state, in, out);
}

wat_status ledger_on_swap(struct ledger_swap_call *call,
			  ledger_state *state,
			  const ledger_exchange *in,
			  ledger_answer *out)
{
	if (in->at >= CELLS)
		return refuse(&call->base, WAT_OUT_OF_RANGE);
	if (cell(state, in->at) != in->expected)
		return refuse(&call->base, WAT_FAILED_PRECONDITION);
	write_cell(&call->base, state, in->at, in->value);
	return answer(&call->base, out, in->value);
}

wat_status ledger_on_push(struct ledger_push_call *call,
			  ledger_state *state,
			  const ledger_cell *in,
			  ledger_answer *out)
{
	int64_t *queue;

	if (state->n_queue == QUEUE_MAX)
		return refuse(&call->base, WAT_RESOURCE_EXHAUSTED);
	queue = wat_alloc(call, (state->n_queue + 1) * sizeof *queue);
	if (state->n_queue > 0)
		memcpy(queue, state->queue, state->n_queue * sizeof *queue);
	queue[state->n_queue++] = in->value;
	state->queue = queue;
	return answer(&call->base, out, (int64_t)state->n_queue);
}

wat_status ledger_on_pull(struct ledger_pull_call *call,
			  ledger_state *state,
			  const wat_empty *in,
			  ledger_answer *out)
{
	int64_t oldest;

	(void)in;
	if (state->n_queue == 0)
		return refuse(&call->base, WAT_NOT_FOUND);
	oldest = state->queue[0];
	state->n_queue--;
	memmove(state->queue, state->queue + 1, state->n_queue * sizeof *state->queue);
	return answer(&call->base, out, oldest);
}

wat_status ledger_on_sum(struct ledger_sum_call *call,
			 ledger_state *state,
			 const wat_empty *in,
			 ledger_answer *out)
{
	int64_t sum = 0;

	(void)in;
	for (size_t i = 0; i < state->n_cells; i++)
		sum += state->cells[i];
	for (size_t i = 0; i < state->n_queue; i++)
		sum += state->queue[i];
	return answer(&call->base, out, sum);
}

/* Writes over what is there, in place, before it says no. */
wat_status ledger_on_write_then_fail(struct ledger_write_then_fail_call *call,
				     ledger_state *state,
				     const ledger_cell *in,
				     ledger_answer *out)
{
	(void)write_and_answer(&call->base, state, in, out);
	if (state->n_queue > 0)
		state->queue[0] = in->value;
	return refuse(&call->base, WAT_ABORTED);
}

wat_status ledger_on_write_then_panic(struct ledger_write_then_panic_call *call,
				      ledger_state *state,
				      const ledger_cell *in,
				      ledger_answer *out)
{
	(void)write_and_answer(&call->base, state, in, out);
	wat_panic(call, "write %" PRId64 " was place %" PRIu64, in->value, out->place);
}

static _Atomic int released;

static void on_released(int signal)
{
	(void)signal;
	released = 1;
}

wat_status ledger_on_block(struct ledger_block_call *call,
			   ledger_state *state,
			   const ledger_cell *in,
			   ledger_answer *out)
{
	struct sigaction action = {.sa_handler = on_released};

	released = 0;
	if (sigaction(SIGUSR1, &action, NULL) < 0)
		return wat_fail(call, WAT_INTERNAL, "no signal can be waited for");
	wat_log(call, WAT_LOG_WARNING, "blocked until SIGUSR1");
	while (!released)
		(void)sched_yield();
	return write_and_answer(&call->base, state, in, out);
}

wat_status ledger_on_leak(struct ledger_leak_call *call,
			  ledger_state *state,
			  const ledger_cell *in,
			  ledger_answer *out)
{
	void *volatile lost = malloc(100);

	lost = NULL;
	(void)lost;
	return write_and_answer(&call->base, state, in, out);
}
