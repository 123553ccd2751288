/* recorded.h - a call as a journal of calls has it: the body of an item of kind CALL, which is the
 * request and what the handler was given from outside while it ran. docs/journal.md has the bytes.
 * Pure: bytes in, bytes out. */
#ifndef WAT_HOST_RECORDED_H
#define WAT_HOST_RECORDED_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/bytes.h"
#include "proto/support/must_check.h"

enum recorded_kind {
	RECORDED_TIME = 1,    /* wat_now: u64, Unix time in nanoseconds */
	RECORDED_RANDOM = 2,  /* wat_random: the bytes */
	RECORDED_CONTEXT = 3, /* wat_context: u64 invocation, u64 connection, the user's name; the
				 time that is in a context comes as the next */
};

/* Bytes of a context before the name. */
#define RECORDED_CONTEXT_SIZE 16u

struct recorded_given {
	enum recorded_kind kind;
	const uint8_t *bytes;
	size_t n;
};

struct recorded_call {
	const uint8_t *request;
	size_t n_request;
	const uint8_t *given; /* entries that were not taken yet */
	size_t n_given;
};

/* Appends an entry to what a call was given. -ENOMEM: nothing has changed. */
int recorded_give(struct bytes *given, const struct recorded_given *entry) WAT_MUST_CHECK;

/* How large the body is, and the body into room for it. */
size_t recorded_size(size_t n_request, const struct bytes *given);
void recorded_put(uint8_t *room,
		  const uint8_t *request,
		  size_t n_request,
		  const struct bytes *given);

/* Everything in it is in form, or -EBADMSG. */
int recorded_open(const uint8_t *body, size_t n, struct recorded_call *ret) WAT_MUST_CHECK;
/* Takes the next entry. 1; 0: there is no more. */
int recorded_take(struct recorded_call *call, struct recorded_given *ret) WAT_MUST_CHECK;

#endif
