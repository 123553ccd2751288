/* host_probe.c - what the tests with probe.so share. Runs in the test's process. */
#include "tests/unit/host_probe.h"

#include <stdlib.h>
#include <string.h>

int probe_set_up(void **state)
{
	struct rig *rig = malloc(sizeof *rig);

	rig_init(rig);
	*state = rig;
	return 0;
}

int probe_tear_down(void **state)
{
	rig_deinit(*state);
	free(*state);
	return 0;
}

wat_status probe_start(struct rig *rig, uint8_t instance, int64_t value, const char *note)
{
	probe_state state = PROBE_STATE_INIT;

	state.value = value;
	state.note = (char *)note;
	return rig_start(rig, &(struct rig_start){.plugin = PROBE_PLUGIN,
						  .service = "probe.Probe",
						  .hash = probe_interface.hash,
						  .state = &state.base,
						  .pool = true,
						  .run_start = true,
						  .instance = instance});
}

/* An instance that begins at 0 and its peer. */
void probe_begin(struct rig *rig, uint8_t instance, struct peer *peer)
{
	assert_int_equal(probe_start(rig, instance, -1, "begun"), WAT_OK);
	peer_attach(rig, peer, instance, 1, instance);
}

wat_status probe_change_by(struct peer *peer, enum probe_method method, int64_t n, const char *note)
{
	probe_change in = PROBE_CHANGE_INIT;

	in.n = n;
	in.note = (char *)note;
	return peer_call(peer, (uint16_t)method, &in.base);
}

wat_status probe_size_by(struct peer *peer, enum probe_method method, uint64_t n)
{
	probe_size in = PROBE_SIZE_INIT;

	in.n = n;
	return peer_call(peer, (uint16_t)method, &in.base);
}

uint64_t probe_size_of(const struct peer *peer)
{
	probe_size *reply = probe__size__unpack(NULL, peer->frame.body_len, peer->body);
	uint64_t n;

	assert_non_null(reply);
	n = reply->n;
	probe_size_free(reply);
	return n;
}

void probe_expect_reply(const struct peer *peer, int64_t value, const char *note, uint32_t n_items)
{
	probe_value *reply = probe__value__unpack(NULL, peer->frame.body_len, peer->body);

	assert_int_equal(peer->frame.type, FRAME_REPLY);
	assert_non_null(reply);
	assert_int_equal(reply->value, value);
	assert_string_equal(reply->note, note);
	assert_int_equal(reply->n_items, n_items);
	if (n_items > 0)
		assert_string_equal(reply->last->name, note);
	probe_value_free(reply);
}

void probe_expect_now(struct peer *peer, int64_t value, const char *note, uint32_t n_items)
{
	assert_int_equal(peer_call(peer, GET, NULL), WAT_OK);
	probe_expect_reply(peer, value, note, n_items);
}

/* The calls that were queued before it have been read when it is answered. */
void probe_sync(struct peer *peer)
{
	assert_int_equal(peer_call(peer, GET, NULL), WAT_OK);
}

void probe_expect_text(const struct peer *peer, const char *part)
{
	Wat__Envelope__Failure *failure = peer_failure(peer);

	if (!strstr(failure->text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, failure->text);
	wat__envelope__failure__free_unpacked(failure, NULL);
}

void probe_expect_redacted(const Wat__Envelope__Failure *failure, Wat__Envelope__CauseKind kind)
{
	const Wat__Envelope__Cause *cause;

	assert_non_null(failure);
	assert_int_equal(failure->n_chain, 1);
	cause = failure->chain[0];
	assert_int_equal(cause->kind, kind);
	assert_true(strncmp(cause->service, "probe.", 6) == 0);
	assert_string_equal(cause->instance, "");
	assert_string_equal(cause->method, "");
	assert_string_equal(cause->text, "");
	assert_int_equal(cause->generation, 0);
	assert_int_equal(cause->signal, 0);
	assert_int_equal(cause->address, 0);
	assert_int_equal(cause->n_frames, 0);
	assert_int_equal(cause->time_ms, 0);
	assert_string_equal(failure->text,
			    "the service panicked in this call; its Admin can see why");
}

void probe_expect_chain(const Wat__Envelope__Failure *failure,
			Wat__Envelope__CauseKind kind,
			const char *method,
			const char *part)
{
	assert_non_null(failure);
	assert_int_equal(failure->n_chain, 1);
	assert_int_equal(failure->chain[0]->kind, kind);
	assert_string_equal(failure->chain[0]->service, "probe.Probe");
	assert_string_equal(failure->chain[0]->instance, "c1");
	assert_string_equal(failure->chain[0]->method, method);
	assert_int_equal(failure->chain[0]->generation, 7);
	assert_true(failure->chain[0]->time_ms > 0);
	assert_non_null(strstr(failure->chain[0]->text, part));
	assert_non_null(strstr(failure->text, part));
}
