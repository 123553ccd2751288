/* state.c - the state of an instance. Instance's thread; owns the message, its arenas and its
 * packed form. */
#include "daemon/host/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/support/bytes.h"
#include "proto/support/cleanup.h"

#define UNPACKED_FACTOR 32u
#define SMALL_MAX 128u /* bytes of a message */

static bool is_scalar_field(const ProtobufCFieldDescriptor *field)
{
	return field->label != PROTOBUF_C_LABEL_REPEATED && field->type != PROTOBUF_C_TYPE_STRING &&
	       field->type != PROTOBUF_C_TYPE_BYTES && field->type != PROTOBUF_C_TYPE_MESSAGE;
}

bool state_is_scalar(const ProtobufCMessageDescriptor *descriptor)
{
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (!is_scalar_field(&descriptor->fields[i]))
			return false;
	return true;
}

static uint8_t *copy_bytes(const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (copy && n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

/* Unpacks into the arena that is not in use, which then becomes the current one. */
static int replace_live(struct state *state,
			const uint8_t *bytes,
			size_t n,
			struct check_error *ret_error)
{
	unsigned other = 1 - state->current;
	ProtobufCMessage *live;
	int r = check_unpack(state->descriptor, &state->arenas[other].allocator, bytes, n, &live,
			     ret_error);

	if (r < 0) {
		arena_reset(&state->arenas[other]);
		return r == -EBADMSG ? STATE_E_FORM : r;
	}
	arena_reset(&state->arenas[state->current]);
	state->current = other;
	state->live = live;
	return 0;
}

int state_init(struct state *state,
	       const ProtobufCMessageDescriptor *descriptor,
	       size_t max,
	       bool of_self,
	       const uint8_t *bytes,
	       size_t n,
	       struct check_error *ret_error)
{
	int r = -ENOMEM;

	if (n > max)
		return STATE_E_TOO_LARGE;
	*state = (struct state){.descriptor = descriptor,
				.scalar = !of_self && state_is_scalar(descriptor),
				.max = max};
	/* Unpacked, many small messages take far more than their bytes. */
	arena_init(&state->arenas[0], WAT_CALL_MEMORY_MAX + UNPACKED_FACTOR * max);
	arena_init(&state->arenas[1], WAT_CALL_MEMORY_MAX + UNPACKED_FACTOR * max);
	state->before = malloc(descriptor->sizeof_message);
	if (!state->scalar) {
		state->packed = copy_bytes(bytes, n);
		state->n_packed = n;
	}
	if (state->before && (state->scalar || state->packed))
		r = replace_live(state, bytes, n, ret_error);
	if (r != 0)
		state_deinit(state);
	return r;
}

void state_deinit(struct state *state)
{
	if (!state->descriptor)
		return;
	arena_deinit(&state->arenas[0]);
	arena_deinit(&state->arenas[1]);
	free(state->packed);
	free(state->before);
	*state = (struct state){0};
}

int state_begin(struct state *state)
{
	if (!state->live) {
		/* These bytes were read before, so only memory can be missing. */
		int r = replace_live(state, state->packed, state->n_packed, NULL);

		if (r != 0)
			return -ENOMEM;
	}
	memcpy(state->before, state->live, state->descriptor->sizeof_message);
	return 0;
}

void state_undo(struct state *state)
{
	if (state->scalar)
		memcpy(state->live, state->before, state->descriptor->sizeof_message);
	else if (replace_live(state, state->packed, state->n_packed, NULL) != 0)
		state->live = NULL;
}

bool state_touched(const struct state *state)
{
	const uint8_t *before = state->before, *live = (const uint8_t *)state->live;
	size_t n = state->descriptor->sizeof_message;

	if (n > SMALL_MAX || n % 8 != 0)
		return memcmp(before, live, n) != 0;
	/* In words, as it was written: a longer one would wait until all of it is in the cache. */
	for (size_t i = 0; i < n; i += 8)
		if (bytes_get64(before + i) != bytes_get64(live + i))
			return true;
	return false;
}

static int pack(const struct state *state,
		const ProtobufCMessage *message,
		uint8_t **ret_packed,
		size_t *ret_n)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	uint8_t *packed;

	if (n > state->max)
		return STATE_E_TOO_LARGE;
	packed = malloc(n ? n : 1);
	if (!packed)
		return -ENOMEM;
	protobuf_c_message_pack(message, packed);
	*ret_packed = packed;
	*ret_n = n;
	return 0;
}

/* Takes the bytes. True: they are others than before. */
static bool replace_packed(struct state *state, uint8_t *packed, size_t n)
{
	bool changed = n != state->n_packed || memcmp(packed, state->packed, n) != 0;

	free(state->packed);
	state->packed = packed;
	state->n_packed = n;
	return changed;
}

static int commit_packed(struct state *state, bool *ret_changed, struct check_error *ret_error)
{
	_cleanup_(freep) uint8_t *packed = NULL;
	size_t n = 0;
	int r = pack(state, state->live, &packed, &n);

	if (r != 0)
		return r;
	r = replace_live(state, packed, n, ret_error);
	if (r == 0)
		*ret_changed = replace_packed(state, TAKE(packed), n);
	return r;
}

int state_save(struct state *state,
	       const ProtobufCMessage *message,
	       bool *ret_changed,
	       struct check_error *ret_error)
{
	_cleanup_(freep) uint8_t *packed = NULL;
	size_t n = 0;
	int r = pack(state, message, &packed, &n);

	if (r != 0)
		return r;
	if (check_message(state->descriptor, packed, n, ret_error) < 0)
		return STATE_E_FORM;
	*ret_changed = replace_packed(state, TAKE(packed), n);
	return 0;
}

bool state_is_other(const struct state *state, const ProtobufCMessage *message)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	_cleanup_(freep) uint8_t *packed = malloc(n ? n : 1);

	if (!packed)
		return false;
	protobuf_c_message_pack(message, packed);
	return n != state->n_packed || memcmp(packed, state->packed, n) != 0;
}

int state_commit(struct state *state, bool *ret_changed, struct check_error *ret_error)
{
	if (!state->scalar)
		return commit_packed(state, ret_changed, ret_error);
	*ret_changed = state_touched(state);
	return 0;
}

size_t state_packed_size(const struct state *state)
{
	return state->scalar ? protobuf_c_message_get_packed_size(state->live) : state->n_packed;
}

void state_pack_into(const struct state *state, uint8_t *room)
{
	if (state->scalar)
		(void)protobuf_c_message_pack(state->live, room);
	else if (state->n_packed > 0)
		memcpy(room, state->packed, state->n_packed);
}

int state_restore(struct state *state, const uint8_t *bytes, size_t n)
{
	uint8_t *packed = NULL;

	if (!state->scalar) {
		packed = copy_bytes(bytes, n);
		if (!packed)
			return -ENOMEM;
		(void)replace_packed(state, packed, n);
	}
	return replace_live(state, bytes, n, NULL) == 0 ? 0 : -ENOMEM;
}

int state_pack(const struct state *state, uint8_t **ret_bytes, size_t *ret_n)
{
	size_t n = state_packed_size(state);
	uint8_t *bytes = malloc(n ? n : 1);

	if (!bytes)
		return -ENOMEM;
	state_pack_into(state, bytes);
	*ret_bytes = bytes;
	*ret_n = n;
	return 0;
}
