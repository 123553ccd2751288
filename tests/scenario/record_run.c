/* record_run.c - a client that notes its calls. One thread, one connection. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.client.h"
#include "ledger.client.h"
#include "tests/lib/linear_model.h"
#include "tests/scenario/record.h"

struct run;

/* The callback's argument of one call. */
struct ticket {
	struct run *run;
	uint32_t call;
};

struct run {
	struct record *record;
	struct record_client *client;
	struct linear_op *ops;
	uint32_t number;
	uint64_t random;
	wat *w;
	counter_user *counter;
	ledger_user *ledger;
	struct ticket *tickets;
};

static uint32_t below(struct run *run, uint32_t n)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return (uint32_t)(run->random >> 32) % n;
}

static uint64_t stamp(struct run *run)
{
	return ++run->record->clock;
}

/* "place 17", in the text of a failure. */
static uint64_t place_in(const struct wat_failure *failure)
{
	const char *at = failure ? strstr(failure->text, "place ") : NULL;

	return at ? strtoull(at + 6, NULL, 10) : 0;
}

static void note_answer(struct run *run, uint32_t call, int status, int64_t out, uint64_t place)
{
	struct linear_op *op = &run->ops[call];
	struct record_client *client = run->client;

	op->responded = stamp(run);
	op->status = status;
	op->out = out;
	op->hint = place;
	client->n_disordered += call != client->n_answered;
	client->n_answered++;
	if (client->n_answered == client->plan.kill_at)
		(void)raise(SIGKILL);
}

static void on_value(void *arg,
		     int status,
		     const counter_value *out,
		     const struct wat_failure *failure)
{
	const struct ticket *ticket = arg;

	(void)failure;
	/* Nobody else has that number. */
	note_answer(ticket->run, ticket->call, status, out ? out->value : 0,
		    out ? (uint64_t)out->value : 0);
}

static void on_answer(void *arg,
		      int status,
		      const ledger_answer *out,
		      const struct wat_failure *failure)
{
	const struct ticket *ticket = arg;

	note_answer(ticket->run, ticket->call, status, out ? out->value : 0,
		    out ? out->place : place_in(failure));
}

static int increment(struct run *run, struct linear_op *op, struct ticket *ticket)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	counter_value *out = NULL;
	int r;

	one.n = op->in = 1;
	if (run->client->plan.window > 0)
		return counter_increment_send(run->counter, &one, on_value, ticket);
	r = counter_increment(run->counter, &one, &out);
	on_value(ticket, r, out, wat_failure());
	counter_value_free(out);
	return 0;
}

/* What may well be in the cell: what this client saw or wrote there last. */
static int64_t guess(const struct run *run, const struct linear_op *swap)
{
	for (const struct linear_op *op = swap; op-- > run->ops;) {
		if (op->what == LEDGER_WRITE && op->at == swap->at)
			return op->in;
		if (op->what == LEDGER_READ && op->at == swap->at && op->responded)
			return op->out;
	}
	return 0;
}

/* Every value is another one, so that it is known who wrote what was read. */
static void choose(struct run *run, struct linear_op *op)
{
	int64_t own = ((int64_t)run->number + 1) << 32 | (op - run->ops);

	op->what = below(run, LEDGER_WHATS);
	op->at = below(run, LEDGER_CELLS);
	op->in = op->what == LEDGER_SWAP ? guess(run, op) : own;
	op->in_2 = op->what == LEDGER_SWAP ? own : 0;
}

typedef int ledger_send(ledger_user *, const ledger_cell *, ledger_read_done *, void *);
typedef int ledger_call(ledger_user *, const ledger_cell *, ledger_answer **);

/* The calls that take a cell. */
static const struct {
	ledger_send *send;
	ledger_call *call;
} with_cell[LEDGER_WHATS] = {
	[LEDGER_READ] = {ledger_read_send, ledger_read},
	[LEDGER_WRITE] = {ledger_write_send, ledger_write},
	[LEDGER_PUSH] = {ledger_push_send, ledger_push},
	[LEDGER_WRITE_THEN_FAIL] = {ledger_write_then_fail_send, ledger_write_then_fail},
	[LEDGER_WRITE_THEN_PANIC] = {ledger_write_then_panic_send, ledger_write_then_panic},
};

static int send_ledger(struct run *run, const struct linear_op *op, struct ticket *ticket)
{
	ledger_exchange exchange = LEDGER_EXCHANGE_INIT;
	ledger_cell cell = LEDGER_CELL_INIT;

	exchange.at = cell.at = op->at;
	exchange.expected = cell.value = op->in;
	exchange.value = op->in_2;
	if (with_cell[op->what].send)
		return with_cell[op->what].send(run->ledger, &cell, on_answer, ticket);
	if (op->what == LEDGER_SWAP)
		return ledger_swap_send(run->ledger, &exchange, on_answer, ticket);
	if (op->what == LEDGER_PULL)
		return ledger_pull_send(run->ledger, NULL, on_answer, ticket);
	return ledger_sum_send(run->ledger, NULL, on_answer, ticket);
}

static int call_ledger(struct run *run, const struct linear_op *op, ledger_answer **ret)
{
	ledger_exchange exchange = LEDGER_EXCHANGE_INIT;
	ledger_cell cell = LEDGER_CELL_INIT;

	exchange.at = cell.at = op->at;
	exchange.expected = cell.value = op->in;
	exchange.value = op->in_2;
	if (with_cell[op->what].call)
		return with_cell[op->what].call(run->ledger, &cell, ret);
	if (op->what == LEDGER_SWAP)
		return ledger_swap(run->ledger, &exchange, ret);
	if (op->what == LEDGER_PULL)
		return ledger_pull(run->ledger, NULL, ret);
	return ledger_sum(run->ledger, NULL, ret);
}

static int use_ledger(struct run *run, struct linear_op *op, struct ticket *ticket)
{
	ledger_answer *out = NULL;
	int r;

	if (run->client->plan.window > 0)
		return send_ledger(run, op, ticket);
	r = call_ledger(run, op, &out);
	on_answer(ticket, r, out, wat_failure());
	ledger_answer_free(out);
	return 0;
}

static int make_call(struct run *run, uint32_t call)
{
	struct linear_op *op = &run->ops[call];
	struct ticket *ticket = &run->tickets[call];
	int r;

	*ticket = (struct ticket){run, call};
	if (run->client->plan.service == RECORD_LEDGER)
		choose(run, op);
	op->invoked = stamp(run);
	run->client->n_made = call + 1;
	r = run->client->plan.service == RECORD_LEDGER ? use_ledger(run, op, ticket)
						       : increment(run, op, ticket);
	if (r != 0)
		fprintf(stderr, "client %u: call %u was not sent: %d, %s\n", run->number, call, r,
			wat_failure()->text);
	return r;
}

static bool is_full(const struct run *run)
{
	const struct record_client *client = run->client;

	return client->plan.window > 0 &&
	       client->n_made - client->n_answered >= client->plan.window;
}

static int make_calls(struct run *run)
{
	const struct record_client *client = run->client;

	for (uint32_t i = 0; i < client->plan.n_calls; i++) {
		if (make_call(run, i) != 0)
			return 1;
		while (is_full(run))
			if (wat_dispatch(run->w, -1) != 0)
				return 1;
	}
	while (client->n_answered < client->plan.n_calls)
		if (wat_dispatch(run->w, -1) != 0)
			return 1;
	return 0;
}

static int bind(struct run *run)
{
	const struct record_plan *plan = &run->client->plan;
	int r = wat_connect(plan->socket, &run->w);

	if (r == 0)
		r = plan->service == RECORD_LEDGER
			    ? ledger_user_open(run->w, plan->token, &run->ledger)
			    : counter_user_open(run->w, plan->token, &run->counter);
	if (r != 0)
		fprintf(stderr, "client %u can't begin: %s\n", run->number, wat_failure()->text);
	return r;
}

int record_run(struct record *record, uint32_t c)
{
	struct run run = {.record = record,
			  .client = &record->clients[c],
			  .ops = record_ops(record, c),
			  .number = c,
			  .random = record->clients[c].plan.seed};
	int r;

	run.tickets = calloc(run.client->plan.n_calls + 1, sizeof *run.tickets);
	r = run.tickets ? bind(&run) : 1;
	/* Also one that can't go on: the others would wait for it. */
	(void)pthread_barrier_wait(&record->begin);
	if (r == 0)
		r = make_calls(&run);
	counter_user_free(run.counter);
	ledger_user_free(run.ledger);
	wat_free(run.w);
	free(run.tickets);
	return r != 0;
}
