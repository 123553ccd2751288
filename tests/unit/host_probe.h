/* host_probe.h - what the tests with probe.so share: its methods by number, calls, expectations. */
#ifndef WAT_TESTS_HOST_PROBE_H
#define WAT_TESTS_HOST_PROBE_H

#include "tests/unit/host_rig.h"

#include "probe.service.h"

#define PROBE_PLUGIN WAT_BUILD_DIR "/tests/plugins/probe.so"

enum probe_method {
	GET,
	ADD,
	ADD_THEN_FAIL,
	ADD_THEN_PANIC,
	SNEAK,
	CRASH,
	HANG,
	SPIN,
	WAIT,
	RELEASE,
	RELEASE_THEN_FAIL,
	FORGET,
	PROMPT,
	BIG,
	GROW,
	ALLOCATE,
	BAD_REPLY,
	BAD_STATE,
	BAD_FAILURE,
	ADD_POSITIVE,
	LOG,
	SAY,
	FAIL_WAITING,
	ADD_SOON
};
enum gauge_method { GAUGE_GET, GAUGE_SET, GAUGE_SET_THEN_FAIL, GAUGE_SET_THEN_PANIC, GAUGE_SNEAK };

/* A rig as the state of a test. */
int probe_set_up(void **state);
int probe_tear_down(void **state);
/* Instance i of probe.Probe, in a pool; its Start runs. */
wat_status probe_start(struct rig *rig, uint8_t instance, int64_t value, const char *note);
/* One that begins at 0 with the note "begun", and a peer of grant 1. */
void probe_begin(struct rig *rig, uint8_t instance, struct peer *peer);
/* One call and its status; the reply is in the peer. */
wat_status probe_change_by(struct peer *peer,
			   enum probe_method method,
			   int64_t n,
			   const char *note);
wat_status probe_size_by(struct peer *peer, enum probe_method method, uint64_t n);
uint64_t probe_size_of(const struct peer *peer);
/* The last frame, or the answer of Get, is this. */
void probe_expect_reply(const struct peer *peer, int64_t value, const char *note, uint32_t n_items);
void probe_expect_now(struct peer *peer, int64_t value, const char *note, uint32_t n_items);
/* Everything that was queued before it has been read when it returns. */
void probe_sync(struct peer *peer);
/* The failure in the last frame says so. */
void probe_expect_text(const struct peer *peer, const char *part);
/* A User is told kind and service, and nothing else. */
void probe_expect_redacted(const Wat__Envelope__Failure *failure, Wat__Envelope__CauseKind kind);
/* One cause, of instance 1 in generation 7. */
void probe_expect_chain(const Wat__Envelope__Failure *failure,
			Wat__Envelope__CauseKind kind,
			const char *method,
			const char *part);

#endif
