/* replay.h - calls that a journal has are run again, with the time and the randomness that they
 * were given, and have to answer what they answered. Instance's thread; between two calls. */
#ifndef WAT_HOST_REPLAY_H
#define WAT_HOST_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/host/call.h"
#include "daemon/host/recorded.h"
#include "proto/arena.h"
#include "proto/interface.h"
#include "proto/limits.h"
#include "proto/support/must_check.h"

struct record_item;
struct service_loop;

/* Bytes for the sentence about what is wrong. */
#define REPLAY_TEXT_MAX 512

struct replay {
	struct service_loop *loop;
	struct call call;
	struct arena arena;
	const uint8_t *grant; /* of the lane whose items are read; NULL: none */
	struct wat_user user; /* of the call at hand */
	char name[WAT_NAME_MAX + 1];
	struct recorded_call recorded; /* what it was given and did not ask for yet */
	const char *method;            /* of the last call that was run; "": none was */
	char wrong[REPLAY_TEXT_MAX];   /* what its handler asked for and should not; "": nothing */
	char *text;                    /* REPLAY_TEXT_MAX: why it ended */
};

enum replay_error {
	REPLAY_OK = 0,
	REPLAY_E_DIFFERS =
		1, /* a call did not do what it had done; the text says which, and what */
};

/* On the heap, for it is large. NULL: no memory. text stays the caller's. */
struct replay *replay_new(struct service_loop *loop, char text[static REPLAY_TEXT_MAX]);
struct replay *replay_free(struct replay *replay);

/* Does the record hold calls that are run again? One that has a state does not need them. */
bool replay_is_of_calls(const uint8_t *items, size_t n);
/* Runs those of record `seq`. The loop has the state as of the record before it, and its live form.
 * An enum replay_error, or -ENOMEM, -EBADMSG with a sentence. */
int replay_record(struct replay *replay, uint64_t seq, const uint8_t *items, size_t n)
	WAT_MUST_CHECK;

/* Everything as of the newest record. Where that can't be the process ends: recovery decides. A
 * live form that can't be built now is left to the next call. */
void replay_restore(struct service_loop *loop);

/* What a handler that runs again asks for. Leaves the handler if it had not asked for that. */
uint64_t replay_time(struct replay *replay);
void replay_random(struct replay *replay, void *buffer, size_t n);
/* The call's user, connection and invocation are as they were. */
void replay_context(struct replay *replay);

#endif
