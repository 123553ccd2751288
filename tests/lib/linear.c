/* linear.c - the search for an order, and the check of a given one. */
#include "tests/lib/linear.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/cleanup.h"
#include "tests/lib/linear_seen.h"

/* A configuration on the way: the state before the call that is tried in it. */
struct step {
	uint32_t order[LINEAR_CLIENTS_MAX]; /* clients whose next call may be the next of all */
	uint32_t n_order, next;
	uint32_t chosen; /* the client whose call led on from here */
};

struct search {
	const struct linear_model *model;
	const struct linear_client *clients;
	size_t n_clients;
	size_t n_answered;        /* calls that have to be placed */
	uint64_t *ends;           /* per call: the first answer to it or to a later one */
	const uint64_t **ends_of; /* per client: its part of `ends`, with LINEAR_PENDING last */
	uint32_t *position;       /* per client: how many of its calls are placed */
	struct step *steps;       /* [depth] */
	uint8_t *states;          /* [depth], of model->state_size */
	size_t depth, n_placed;   /* of those that have to be: n_placed */
	struct linear_seen seen;
	struct linear_report *report;
};

static bool is_pending(const struct linear_op *op)
{
	return op->responded == LINEAR_PENDING;
}

static bool is_history(const struct linear_client *client)
{
	for (size_t i = 0; i < client->n; i++) {
		const struct linear_op *op = &client->ops[i], *before = i > 0 ? op - 1 : NULL;

		if (op->invoked >= op->responded)
			return false;
		if (before &&
		    (before->invoked >= op->invoked || (is_pending(before) && !is_pending(op))))
			return false;
	}
	return client->n < UINT32_MAX;
}

static int count(const struct linear_client *clients, size_t n_clients, size_t *ret_n)
{
	size_t n = 0;

	if (n_clients > LINEAR_CLIENTS_MAX)
		return -EINVAL;
	for (size_t c = 0; c < n_clients; c++) {
		if (!is_history(&clients[c]))
			return -EINVAL;
		n += clients[c].n;
	}
	*ret_n = n;
	return 0;
}

static void search_deinit(struct search *s)
{
	free(s->ends);
	free(s->ends_of);
	free(s->position);
	free(s->steps);
	free(s->states);
	linear_seen_deinit(&s->seen);
}

static void note_ends(struct search *s)
{
	uint64_t *ends = s->ends;

	for (size_t c = 0; c < s->n_clients; c++) {
		const struct linear_client *client = &s->clients[c];
		uint64_t end = LINEAR_PENDING;

		ends[client->n] = end;
		for (size_t i = client->n; i-- > 0;) {
			const struct linear_op *op = &client->ops[i];

			s->n_answered += !is_pending(op);
			end = op->responded < end ? op->responded : end;
			ends[i] = end;
		}
		s->ends_of[c] = ends;
		ends += client->n + 1;
	}
}

static int search_init(struct search *s, size_t n_ops)
{
	s->ends = calloc(n_ops + s->n_clients + 1, sizeof *s->ends);
	s->ends_of = calloc(s->n_clients + 1, sizeof *s->ends_of);
	s->position = calloc(s->n_clients + 1, sizeof *s->position);
	s->steps = calloc(n_ops + 1, sizeof *s->steps);
	s->states = calloc(n_ops + 1, s->model->state_size);
	if (!s->ends || !s->ends_of || !s->position || !s->steps || !s->states)
		return -ENOMEM;
	note_ends(s);
	s->model->init(s->states);
	return 0;
}

static void *state_at(struct search *s, size_t depth)
{
	return s->states + depth * s->model->state_size;
}

static const struct linear_op *next_op(const struct search *s, size_t c)
{
	return s->position[c] < s->clients[c].n ? &s->clients[c].ops[s->position[c]] : NULL;
}

/* Whatever was made after this was made after a call that is not placed yet was answered. */
static uint64_t horizon(const struct search *s)
{
	uint64_t end = LINEAR_PENDING;

	for (size_t c = 0; c < s->n_clients; c++) {
		uint64_t own = s->ends_of[c][s->position[c]];

		end = own < end ? own : end;
	}
	return end;
}

/* Which call is likelier to be the next? Those that were answered, by their hints; a pending one
 * only if the first of them does not fit. */
static uint64_t rank(const struct linear_op *op)
{
	return is_pending(op) ? LINEAR_PENDING : op->hint;
}

static void insert(struct search *s, struct step *step, uint32_t c)
{
	uint64_t own = rank(next_op(s, c));
	uint32_t i = step->n_order++;

	for (; i > 0 && rank(next_op(s, step->order[i - 1])) > own; i--)
		step->order[i] = step->order[i - 1];
	step->order[i] = c;
}

/* The first of all, then what is pending, then the rest. */
static void pending_second(struct search *s, struct step *step)
{
	uint32_t n = step->n_order, first = 1, sorted[LINEAR_CLIENTS_MAX];

	if (n < 3)
		return;
	memcpy(sorted, step->order, n * sizeof *sorted);
	for (uint32_t i = 1; i < n; i++)
		if (is_pending(next_op(s, sorted[i])))
			step->order[first++] = sorted[i];
	for (uint32_t i = 1; i < n; i++)
		if (!is_pending(next_op(s, sorted[i])))
			step->order[first++] = sorted[i];
}

static void enter(struct search *s)
{
	struct step *step = &s->steps[s->depth];
	uint64_t end = horizon(s);

	step->n_order = step->next = 0;
	for (uint32_t c = 0; c < s->n_clients; c++) {
		const struct linear_op *op = next_op(s, c);

		if (op && op->invoked < end)
			insert(s, step, c);
	}
	pending_second(s, step);
}

static void note_best(struct search *s)
{
	struct linear_report *report = s->report;

	if (s->depth <= report->n_placed)
		return;
	report->n_placed = s->depth;
	for (size_t c = 0; c < s->n_clients; c++)
		report->next[c] = next_op(s, c) ? s->position[c] : SIZE_MAX;
}

/* Places the client's next call. 1, 0 if it does not fit or leads where the search has been, or
 * -ENOMEM. */
static int place(struct search *s, uint32_t c)
{
	const struct linear_op *op = next_op(s, c);
	void *state = state_at(s, s->depth + 1);
	int r;

	s->report->steps++;
	memcpy(state, state_at(s, s->depth), s->model->state_size);
	if (!s->model->step(state, op))
		return 0;
	s->position[c]++;
	r = linear_seen_add(&s->seen, s->position, s->n_clients, state, s->model->state_size);
	if (r <= 0) {
		s->position[c]--;
		return r;
	}
	s->steps[s->depth++].chosen = c;
	s->n_placed += !is_pending(op);
	note_best(s);
	return 1;
}

static void take_back(struct search *s)
{
	uint32_t c = s->steps[--s->depth].chosen;

	s->position[c]--;
	s->n_placed -= !is_pending(next_op(s, c));
}

static int run(struct search *s, uint64_t steps_max)
{
	enter(s);
	while (s->n_placed < s->n_answered) {
		struct step *step = &s->steps[s->depth];
		int r;

		if (s->report->steps >= steps_max)
			return LINEAR_GAVE_UP;
		if (step->next == step->n_order) {
			if (s->depth == 0)
				return LINEAR_NO;
			take_back(s);
			continue;
		}
		r = place(s, step->order[step->next++]);
		if (r < 0)
			return r;
		if (r > 0)
			enter(s);
	}
	return LINEAR_YES;
}

int linear_search(const struct linear_model *model,
		  const struct linear_client *clients,
		  size_t n_clients,
		  uint64_t steps_max,
		  struct linear_report *ret_report)
{
	_cleanup_(search_deinit) struct search s = {
		.model = model, .clients = clients, .n_clients = n_clients, .report = ret_report};
	size_t n_ops;
	int r = count(clients, n_clients, &n_ops);

	if (r < 0)
		return r;
	*ret_report = (struct linear_report){0};
	r = search_init(&s, n_ops);
	return r < 0 ? r : run(&s, steps_max);
}

/* A call and whose it is. */
struct placed {
	const struct linear_op *op;
	uint32_t client;
};

static int by_hint(const void *left, const void *right)
{
	uint64_t a = ((const struct placed *)left)->op->hint;
	uint64_t b = ((const struct placed *)right)->op->hint;

	return (a > b) - (a < b);
}

/* All calls in the order of their hints. */
static struct placed *sort(const struct linear_client *clients, size_t n_clients, size_t n_ops)
{
	struct placed *order = calloc(n_ops + 1, sizeof *order), *next = order;

	if (!order)
		return NULL;
	for (uint32_t c = 0; c < n_clients; c++)
		for (size_t i = 0; i < clients[c].n; i++)
			*next++ = (struct placed){&clients[c].ops[i], c};
	qsort(order, n_ops, sizeof *order, by_hint);
	return order;
}

static bool all_answered(const struct linear_client *clients, size_t n_clients)
{
	for (size_t c = 0; c < n_clients; c++)
		if (clients[c].n > 0 && is_pending(&clients[c].ops[clients[c].n - 1]))
			return false;
	return true;
}

/* Walks along the order as far as it is one. */
static enum linear_verdict walk(const struct linear_model *model,
				const struct linear_client *clients,
				const struct placed *order,
				size_t n_ops,
				void *state,
				struct linear_report *report)
{
	uint64_t last_invoked = 0, last_hint = 0;

	model->init(state);
	for (; report->n_placed < n_ops; report->n_placed++) {
		const struct placed *placed = &order[report->n_placed];
		const struct linear_op *op = placed->op;
		size_t *next = &report->next[placed->client];

		/* Twice the same place; not the client's next; answered before one that stands
		 * before it was made; not what the model says. */
		if (op->hint <= last_hint || op != &clients[placed->client].ops[*next] ||
		    op->responded < last_invoked || !model->step(state, op))
			return LINEAR_NO;
		++*next;
		last_hint = op->hint;
		last_invoked = op->invoked > last_invoked ? op->invoked : last_invoked;
	}
	return LINEAR_YES;
}

int linear_follow(const struct linear_model *model,
		  const struct linear_client *clients,
		  size_t n_clients,
		  struct linear_report *ret_report)
{
	_cleanup_(freep) struct placed *order = NULL;
	_cleanup_(freep) uint8_t *state = calloc(1, model->state_size);
	size_t n_ops;
	int r = count(clients, n_clients, &n_ops);

	if (r < 0)
		return r;
	if (!all_answered(clients, n_clients))
		return -EINVAL;
	order = sort(clients, n_clients, n_ops);
	if (!order || !state)
		return -ENOMEM;
	*ret_report = (struct linear_report){0};
	return (int)walk(model, clients, order, n_ops, state, ret_report);
}
