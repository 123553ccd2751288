/* tally_heap.c - a live form whose journal holds calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tally.service.h"

struct tally_stack {
	int64_t *values;
	size_t n, size;
	uint64_t loads;
};

static void make_room(struct wat_call *call, struct tally_stack *self)
{
	size_t size = self->size ? self->size * 2 : 64;
	int64_t *values;

	if (self->n < self->size)
		return;
	values = realloc(self->values, size * sizeof *values);
	if (!values)
		call->api->panic(call, __FILE__, __LINE__, "no memory");
	self->values = values;
	self->size = size;
}

static int64_t sum_of(const struct tally_stack *self)
{
	int64_t sum = 0;

	for (size_t i = 0; i < self->n; i++)
		sum = (int64_t)((uint64_t)sum * 31u + (uint64_t)self->values[i]);
	return sum;
}

int tally_heap_load(struct tally_heap_load_call *call,
		    const tally_heap_state *state,
		    struct tally_stack **ret_self)
{
	struct tally_stack *self = calloc(1, sizeof *self);

	if (!self)
		return -ENOMEM;
	self->loads = state->loads + 1;
	for (size_t i = 0; i < state->n_values; i++) {
		make_room(&call->base, self);
		self->values[self->n++] = state->values[i];
	}
	*ret_self = self;
	return 0;
}

int tally_heap_save(struct tally_heap_save_call *call,
		    const struct tally_stack *self,
		    tally_heap_state *state)
{
	state->loads = self->loads;
	state->n_values = self->n;
	state->values = wat_alloc(call, self->n * sizeof(*state->values) + 1);
	if (self->n > 0)
		memcpy(state->values, self->values, self->n * sizeof(*state->values));
	return 0;
}

void tally_heap_free(struct tally_stack *self)
{
	free(self->values);
	free(self);
}

wat_status tally_heap_on_get(struct tally_heap_get_call *call,
			     struct tally_stack *self,
			     const wat_empty *in,
			     tally_heap_state *out)
{
	(void)in;
	out->loads = self->loads;
	out->n_values = self->n;
	out->values = wat_alloc(call, self->n * sizeof(*out->values) + 1);
	if (self->n > 0)
		memcpy(out->values, self->values, self->n * sizeof(*out->values));
	return WAT_OK;
}

static void push(struct wat_call *call, struct tally_stack *self, int64_t value)
{
	make_room(call, self);
	self->values[self->n++] = value;
}

wat_status tally_heap_on_push(struct tally_heap_push_call *call,
			      struct tally_stack *self,
			      const tally_amount *in,
			      tally_sum *out)
{
	push(&call->base, self, in->n);
	out->value = sum_of(self);
	return WAT_OK;
}

wat_status tally_heap_on_push_then_panic(struct tally_heap_push_then_panic_call *call,
					 struct tally_stack *self,
					 const tally_amount *in,
					 tally_sum *out)
{
	(void)out;
	push(&call->base, self, in->n);
	wat_panic(call, "told to");
}

wat_status tally_heap_on_push_too_much(struct tally_heap_push_too_much_call *call,
				       struct tally_stack *self,
				       const tally_amount *in,
				       tally_state *out)
{
	const size_t n = 2u << 20;

	out->padding = wat_alloc(call, n);
	memset(out->padding, 'x', n - 1);
	push(&call->base, self, in->n);
	return WAT_OK;
}
