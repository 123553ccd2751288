/* test_host_state.c - a state is what the last success made of it, and points into nobody's memory.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/state.h"
#include "probe.service.h"
#include "proto/limits.h"
#include "tests/lib/cases.h"

static void init(struct state *state, const ProtobufCMessage *from)
{
	uint8_t bytes[1024];
	size_t n = protobuf_c_message_pack(from, bytes);

	assert_int_equal(state_init(state, from->descriptor, WAT_STATE_MAX, false, bytes, n, NULL), 0);
	assert_int_equal(state_begin(state), 0);
}

static probe_state *rich(struct state *state)
{
	return (probe_state *)state->live;
}

static void init_rich(struct state *state)
{
	probe_item item = PROBE_ITEM_INIT, *items[] = {&item};
	probe_state from = PROBE_STATE_INIT;

	item.name = (char *)"first";
	from.value = 5;
	from.note = (char *)"note";
	from.items = items;
	from.n_items = 1;
	from.last = &item;
	init(state, &from.base);
}

/* Only fields without memory of their own are scalars. */
static void test_is_scalar(void **unused)
{
	(void)unused;
	assert_true(state_is_scalar(&probe__gauge_state__descriptor));
	assert_true(state_is_scalar(&wat__empty__descriptor));
	assert_false(state_is_scalar(&probe__state__descriptor));
	assert_false(state_is_scalar(&probe__text__descriptor));
}

/* Scalars: undo brings the old one back, commit keeps the new one and knows whether it differs. */
static void test_scalar(void **unused)
{
	probe_gauge_state from = PROBE_GAUGE_STATE_INIT, *live;
	struct state state;
	bool changed;
	uint8_t *bytes;
	size_t n;

	(void)unused;
	from.value = 5;
	init(&state, &from.base);
	live = (probe_gauge_state *)state.live;
	live->value = 6;
	assert_true(state_touched(&state));
	state_undo(&state);
	assert_int_equal(live->value, 5);
	assert_false(state_touched(&state));
	assert_int_equal(state_commit(&state, &changed, NULL), 0);
	assert_false(changed);
	assert_int_equal(state_begin(&state), 0);
	live->value = 7;
	assert_int_equal(state_commit(&state, &changed, NULL), 0);
	assert_true(changed);
	assert_int_equal(state_pack(&state, &bytes, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(bytes[1], 14);
	free(bytes);
	state_deinit(&state);
}

/* Anything else: what was changed below the message is brought back too. */
static void test_rich_undo(void **unused)
{
	struct state state;

	(void)unused;
	init_rich(&state);
	rich(&state)->items[0]->name[0] = 'F';
	rich(&state)->last = NULL;
	rich(&state)->note = NULL;
	state_undo(&state);
	assert_string_equal(rich(&state)->items[0]->name, "first");
	assert_string_equal(rich(&state)->note, "note");
	assert_non_null(rich(&state)->last);
	state_deinit(&state);
}

/* After a commit nothing of the call's memory is in the state. */
static void test_rich_commit(void **unused)
{
	char note[] = "of the call";
	struct state state;
	bool changed;
	uint8_t *bytes;
	size_t n;

	(void)unused;
	init_rich(&state);
	for (int i = 0; i < 5; i++) {
		rich(&state)->note = note;
		rich(&state)->value++;
		assert_int_equal(state_commit(&state, &changed, NULL), 0);
		assert_true(changed);
		memset(note, 'z', sizeof note - 1);
		assert_string_equal(rich(&state)->note, "of the call");
		memcpy(note, "of the call", sizeof note);
		assert_int_equal(state_begin(&state), 0);
	}
	/* The same content elsewhere is no change. */
	rich(&state)->note = note;
	assert_int_equal(state_commit(&state, &changed, NULL), 0);
	assert_false(changed);
	assert_ptr_not_equal(rich(&state)->note, note);
	assert_int_equal(state_pack(&state, &bytes, &n), 0);
	assert_int_equal(n, state.n_packed);
	free(bytes);
	state_deinit(&state);
}

/* A state over the limit, or one that could not be read again, is not taken. */
static void test_rich_refused(void **unused)
{
	char *large = malloc(WAT_STATE_MAX + 1);
	struct check_error error;
	struct state state;
	bool changed;

	(void)unused;
	memset(large, 'x', WAT_STATE_MAX);
	large[WAT_STATE_MAX] = '\0';
	init_rich(&state);
	rich(&state)->note = large;
	assert_int_equal(state_commit(&state, &changed, &error), STATE_E_TOO_LARGE);
	state_undo(&state);
	assert_string_equal(rich(&state)->note, "note");
	assert_int_equal(state_begin(&state), 0);
	rich(&state)->last->name = (char *)"\xc3";
	assert_int_equal(state_commit(&state, &changed, &error), STATE_E_FORM);
	assert_string_equal(error.path, "last.name");
	state_undo(&state);
	assert_string_equal(rich(&state)->last->name, "first");
	state_deinit(&state);
	free(large);
}

/* The first state is checked like any other. */
static void test_init_refused(void **unused)
{
	static uint8_t large[WAT_STATE_MAX + 1];
	static const uint8_t cut[] = {0x12, 0x05, 'a'};
	struct check_error error;
	struct state state;

	(void)unused;
	assert_int_equal(state_init(&state, &probe__state__descriptor, WAT_STATE_MAX, false, large, sizeof large, &error),
			 STATE_E_TOO_LARGE);
	assert_int_equal(state_init(&state, &probe__state__descriptor, WAT_STATE_MAX, false, cut, sizeof cut, &error),
			 STATE_E_FORM);
	assert_string_equal(error.path, "note");
	assert_int_equal(state_init(&state, &probe__state__descriptor, WAT_STATE_MAX, false, NULL, 0, &error), 0);
	state_deinit(&state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_scalar),    cmocka_unit_test(test_scalar),
		cmocka_unit_test(test_rich_undo),    cmocka_unit_test(test_rich_commit),
		cmocka_unit_test(test_rich_refused), cmocka_unit_test(test_init_refused),
	};

	return test_run_cases(tests, NULL, NULL);
}
