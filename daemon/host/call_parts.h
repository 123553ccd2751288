/* call_parts.h - what the files of struct call share; for them only. Instance's thread. */
#ifndef WAT_HOST_CALL_PARTS_H
#define WAT_HOST_CALL_PARTS_H

#include "daemon/host/call.h"

/* call.c */
/* For a handler that is about to run: nothing of an earlier one is left. call->loop is set; channel
 * and user may be NULL. */
void call_prepare(struct call *call,
		  struct arena *arena,
		  uint64_t id,
		  struct channel *channel,
		  const struct wat_user *user);
/* What handlers get is there; else the call is failed. */
bool call_has_state(struct call *call) WAT_MUST_CHECK;
/* Around a handler: what runs stands in the attribution page. */
void call_mark(struct call *call, uint32_t method_plus_1);
void call_unmark(struct call *call);
/* The handler has ended: what it did is the state, or everything is as before. */
bool call_settle(struct call *call, enum dispatch_outcome outcome);
/* It was left by a panic. */
bool call_panicked(const struct call *call);
/* Of the method in its interface. */
uint16_t call_method_number(const struct call *call);
/* Runs the handler of a call that was decoded. */
enum dispatch_outcome call_invoke(struct call *call) WAT_MUST_CHECK;

/* call_ops.c */
extern const struct dispatch_ops call_ops;

/* call_record.c: what goes into a journal of calls. Nothing, where there is none. */
void call_record_begin(struct call *call);
/* settled: what the handler did is the state. */
void call_record_end(struct call *call, bool settled);
void call_record_time(struct call *call, uint64_t now_ns);
void call_record_random(struct call *call, const void *bytes, size_t n);
/* Before the context is filled. */
void call_record_context(struct call *call);
/* Of a reply that was packed, as the journal has it; 0: there is none. */
uint64_t call_reply_hash(const struct call *call);

/* call_taken.c: methods that may answer later. */
/* On the heap; NULL: no memory. */
struct call *call_begin_later(struct channel *channel, uint64_t id);
/* Frees it. */
void call_end_later(struct call *call);
/* Is there a place for one more? Else the call is failed. */
bool call_may_wait(struct call *call) WAT_MUST_CHECK;
/* Its handler has ended: the lane knows it from here on. */
void call_note_taken(struct call *call);
/* Its handler took it: it stays, on the loop's list. settled: and the state is kept. */
void call_keep_taken(struct call *call, bool settled);
void call_reattach(struct call *call, struct channel *channel);
/* What the running handler answered, when it failed and when it succeeded. */
void call_withdraw_answers(struct service_loop *loop);
void call_send_answers(struct service_loop *loop);

/* call_self.c: a service with a live form. */
bool call_has_self(struct call *call) WAT_MUST_CHECK;
/* A handler succeeded. */
void call_self_changed(struct call *call);
/* A handler failed: it promised to have changed nothing, unless it was left in the middle. */
void call_self_failed(struct call *call);

#endif
