/* guest_cache.c - a service with a live form: a list on the heap, and a descriptor that no snapshot
 * holds and load opens anew. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guest.service.h"

struct guest_entry_node {
	struct guest_entry_node *next;
	int64_t value;
	char key[];
};

struct guest_table {
	struct guest_entry_node *first;
	int64_t loads, n;
	bool bad_save;
	int descriptor;
};

static struct guest_entry_node *find(const struct guest_table *self, const char *key)
{
	struct guest_entry_node *entry = self->first;

	while (entry && strcmp(entry->key, key) != 0)
		entry = entry->next;
	return entry;
}

static int put(struct guest_table *self, const char *key, int64_t value)
{
	struct guest_entry_node *entry = find(self, key);

	if (!entry) {
		size_t n = strlen(key) + 1;

		entry = malloc(sizeof *entry + n);
		if (!entry)
			return -ENOMEM;
		memcpy(entry->key, key, n);
		entry->next = self->first;
		self->first = entry;
		self->n++;
	}
	entry->value = value;
	return 0;
}

int guest_cache_load(struct guest_cache_load_call *call,
		     const guest_cache_state *state,
		     struct guest_table **ret_self)
{
	struct guest_table *self = calloc(1, sizeof *self);

	if (!self)
		return -ENOMEM;
	self->descriptor = eventfd(0, EFD_CLOEXEC);
	self->loads = state->loads + 1;
	self->bad_save = state->bad_save;
	for (size_t i = 0; i < state->n_entries; i++)
		if (put(self, state->entries[i]->key, state->entries[i]->value) < 0) {
			guest_cache_free(self);
			return -ENOMEM;
		}
	if (find(self, "poison")) {
		guest_cache_free(self);
		return (int)wat_fail(call, WAT_DATA_LOSS, "there is poison in the state");
	}
	*ret_self = self;
	return 0;
}

int guest_cache_save(struct guest_cache_save_call *call,
		     const struct guest_table *self,
		     guest_cache_state *state)
{
	size_t i = (size_t)self->n;

	if (self->bad_save && self->n > 1)
		return (int)wat_fail(call, WAT_INTERNAL, "told not to save");
	state->loads = self->loads;
	state->bad_save = self->bad_save;
	state->entries = wat_alloc(call, (size_t)self->n * sizeof(*state->entries));
	state->n_entries = (size_t)self->n;
	/* Oldest first: loading it gives the same list. */
	for (const struct guest_entry_node *entry = self->first; entry; entry = entry->next) {
		state->entries[--i] = wat_alloc(call, sizeof **state->entries);
		guest__cache_state__entries_entry__init(state->entries[i]);
		state->entries[i]->key = (char *)entry->key;
		state->entries[i]->value = entry->value;
	}
	return 0;
}

void guest_cache_free(struct guest_table *self)
{
	while (self->first) {
		struct guest_entry_node *entry = self->first;

		self->first = entry->next;
		free(entry);
	}
	close(self->descriptor);
	free(self);
}

wat_status guest_cache_on_start(struct guest_cache_start_call *call, struct guest_table *self)
{
	return put(self, "started", 1) == 0 ? WAT_OK
					    : wat_fail(call, WAT_RESOURCE_EXHAUSTED, "no memory");
}

wat_status guest_cache_on_stop(struct guest_cache_stop_call *call, struct guest_table *self)
{
	return put(self, "stopped", 1) == 0 ? WAT_OK
					    : wat_fail(call, WAT_RESOURCE_EXHAUSTED, "no memory");
}

wat_status guest_cache_on_put(struct guest_cache_put_call *call,
			      struct guest_table *self,
			      const guest_entry *in,
			      guest_entry *out)
{
	if (put(self, in->key, in->value) < 0)
		return wat_fail(call, WAT_RESOURCE_EXHAUSTED, "no memory");
	out->key = wat_strdup(call, in->key);
	out->value = in->value;
	return WAT_OK;
}

wat_status guest_cache_on_find(struct guest_cache_find_call *call,
			       struct guest_table *self,
			       const guest_key *in,
			       guest_entry *out)
{
	const struct guest_entry_node *entry = find(self, in->key);

	if (!entry)
		return wat_fail(call, WAT_NOT_FOUND, "no entry %s", in->key);
	out->key = wat_strdup(call, in->key);
	out->value = entry->value;
	return WAT_OK;
}

wat_status guest_cache_on_about(struct guest_cache_about_call *call,
				struct guest_table *self,
				const wat_empty *in,
				guest_facts *out)
{
	uint64_t one = 1;

	(void)call;
	(void)in;
	out->n_entries = self->n;
	out->loads = self->loads;
	out->has_clock = write(self->descriptor, &one, sizeof one) == sizeof one;
	return WAT_OK;
}

wat_status guest_cache_on_put_then_fail(struct guest_cache_put_then_fail_call *call,
					struct guest_table *self,
					const guest_entry *in,
					guest_entry *out)
{
	(void)out;
	(void)put(self, in->key, in->value);
	return wat_fail(call, WAT_ABORTED, "told to fail");
}

wat_status guest_cache_on_refuse(struct guest_cache_refuse_call *call,
				 struct guest_table *self,
				 const guest_entry *in,
				 guest_entry *out)
{
	(void)self;
	(void)in;
	(void)out;
	return wat_fail(call, WAT_ABORTED, "told to fail");
}

wat_status guest_cache_on_put_then_panic(struct guest_cache_put_then_panic_call *call,
					 struct guest_table *self,
					 const guest_entry *in,
					 guest_entry *out)
{
	(void)out;
	(void)put(self, in->key, in->value);
	wat_panic(call, "told to panic");
}

static wat_status resize(struct wat_call *call, guest_large_state *state, uint64_t size)
{
	state->data.data = call->api->alloc(call, size);
	state->data.len = size;
	return WAT_OK;
}

wat_status guest_large_on_resize(struct guest_large_resize_call *call,
				 guest_large_state *state,
				 const guest_size *in,
				 guest_size *out)
{
	out->size = in->size;
	return resize(&call->base, state, in->size);
}

wat_status guest_small_on_resize(struct guest_small_resize_call *call,
				 guest_large_state *state,
				 const guest_size *in,
				 guest_size *out)
{
	out->size = in->size;
	return resize(&call->base, state, in->size);
}
