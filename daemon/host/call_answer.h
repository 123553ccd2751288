/* call_answer.h - how the answer of a call is put together and sent. Part of struct call;
 * instance's thread. */
#ifndef WAT_HOST_CALL_ANSWER_H
#define WAT_HOST_CALL_ANSWER_H

#include <protobuf-c/protobuf-c.h>

#include "daemon/host/call.h"
#include "daemon/host/record.h"
#include "proto/check.h"

/* Bit per method: its reply holds what a handler can get wrong (strings, messages inside). */
uint64_t call_checked_replies(const struct wat_interface *interface);

/* Can the reply be sent? It is packed then; else the call is failed. A call that failed already
 * passes. */
bool call_check_reply(struct call *call) WAT_MUST_CHECK;
/* A handler has ended. A status that no service can know of (STOPPED, STALE, SERVER_DIED, a number
 * that is none ...) becomes INTERNAL, and is named in the log. */
void call_mend_status(struct call *call);
/* r: of state_commit. */
void call_set_commit_failure(struct call *call, int r, const struct check_error *error);

/* The answer goes into the lane, if the call keeps it, into the batch, and into the channel's
 * buffer, if that is there. panicked: the User gets kind and service, watd gets all of it. */
void call_send(struct call *call, bool panicked);
/* The answer of a panic goes into the lane, and to whoever reads the call again: it is not run
 * then. Takes call->spare. */
void call_send_condemned(struct call *call);
/* An answer that the lane had kept. */
void call_send_kept(struct channel *channel, const struct record_item *item);

#endif
