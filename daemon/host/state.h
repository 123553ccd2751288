/* state.h - the state of an instance, and how a failed handler leaves the old one. Runs on the
 * instance's thread; pure but for the heap.
 *
 * A message of scalars only is copied before each call and copied back. Any other is packed after
 * each change and unpacked into an arena of its own, so that nothing in it points into the memory
 * of a call; the packed bytes are what a failed call goes back to. For a service with a live form
 * of its own only the packed bytes count: they are what it was last saved as (see self.h). */
#ifndef WAT_HOST_STATE_H
#define WAT_HOST_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/arena.h"
#include "proto/check.h"
#include "proto/support/must_check.h"

struct state {
	const ProtobufCMessageDescriptor *descriptor;
	bool scalar;
	size_t max;             /* bytes, packed */
	ProtobufCMessage *live; /* what handlers see; NULL while memory is out */
	void *before;           /* the message's own bytes as they were at state_begin */
	uint8_t *packed;        /* not scalar: the state that `live` began from */
	size_t n_packed;
	struct arena arenas[2]; /* taking turns; scalar: only the first */
	unsigned current;
};

enum state_error {
	STATE_OK = 0,
	STATE_E_TOO_LARGE = 1, /* packed, over the limit */
	STATE_E_FORM = 2,      /* could not be read back; ret_error says where */
};

/* A message without strings, bytes, messages and repeated fields. */
bool state_is_scalar(const ProtobufCMessageDescriptor *descriptor);

/* From packed bytes, of which there may ever be max. of_self: of a service with a live form. Must
 * not move afterwards. An enum state_error or -ENOMEM; then nothing is held. */
int state_init(struct state *state,
	       const ProtobufCMessageDescriptor *descriptor,
	       size_t max,
	       bool of_self,
	       const uint8_t *bytes,
	       size_t n,
	       struct check_error *ret_error) WAT_MUST_CHECK;
void state_deinit(struct state *state);

/* Before a handler runs: state->live is there. -ENOMEM. */
int state_begin(struct state *state) WAT_MUST_CHECK;
/* The handler failed: everything is as at state_begin. */
void state_undo(struct state *state);
/* The handler succeeded: what it made is the state, with nothing in it that points elsewhere. On an
 * error (an enum state_error or -ENOMEM) call state_undo. */
int state_commit(struct state *state, bool *ret_changed, struct check_error *ret_error)
	WAT_MUST_CHECK;
/* Did the handler write to the message itself (not to what it points to)? */
bool state_touched(const struct state *state);

/* The live form was saved as this message: its bytes are the state. An enum state_error or -ENOMEM;
 * then the state is what it was. */
int state_save(struct state *state,
	       const ProtobufCMessage *message,
	       bool *ret_changed,
	       struct check_error *ret_error) WAT_MUST_CHECK;

/* Is the message another one than the state that was last saved? False when memory is out. */
bool state_is_other(const struct state *state, const ProtobufCMessage *message);

/* The state as of the last commit: how many bytes, and those bytes into room for them. */
size_t state_packed_size(const struct state *state);
void state_pack_into(const struct state *state, uint8_t *room);
/* Everything is as in these bytes, which state_pack once gave. -ENOMEM: nothing is certain. */
int state_restore(struct state *state, const uint8_t *bytes, size_t n) WAT_MUST_CHECK;

/* The state as of the last commit, on the heap. -ENOMEM. */
int state_pack(const struct state *state, uint8_t **ret_bytes, size_t *ret_n) WAT_MUST_CHECK;

#endif
