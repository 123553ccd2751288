/* record.h - the journal's bytes, and those of the lanes in a snapshot: docs/journal.md has the
 * format. Pure: bytes in, bytes out; numbers are little endian.
 *
 * A segment is records, one after the other; a record is what one batch of calls did; an item is
 * one thing of it. */
#ifndef WAT_HOST_RECORD_H
#define WAT_HOST_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/bytes.h"
#include "proto/limits.h"
#include "proto/support/must_check.h"

#define RECORD_HEADER_SIZE 24u
#define RECORD_KEY_SIZE 16u
/* Of a record's body: a state, and the replies of a batch. */
#define RECORD_BODY_MAX (64u * 1024u * 1024u)

/* The checksum's key: a record of another instance, generation or segment is none of this one. */
void record_key(const uint8_t instance_id[static WAT_ID_SIZE],
		uint64_t generation,
		uint64_t segment,
		uint8_t ret_key[static RECORD_KEY_SIZE]);

/* A record begins with room for its header, and is closed when its items are there: then the bytes
 * from `start` on are the record. -ENOMEM. */
int record_begin(struct bytes *bytes) WAT_MUST_CHECK;
void record_close(struct bytes *bytes,
		  size_t start,
		  uint64_t seq,
		  const uint8_t key[static RECORD_KEY_SIZE]);

/* The record at the beginning of the bytes. 1: *ret_body are its items, *ret_size is that of the
 * record; 0: there is none, or it is not whole, or not the one with this number. */
int record_read(const uint8_t *bytes,
		size_t n,
		uint64_t seq,
		const uint8_t key[static RECORD_KEY_SIZE],
		const uint8_t **ret_body,
		size_t *ret_n_body,
		size_t *ret_size) WAT_MUST_CHECK;

/* The number of a record whose header is there. */
uint64_t record_seq(const uint8_t record[static RECORD_HEADER_SIZE]);

enum record_kind {
	RECORD_STATE = 1, /* body: the packed state after the batch */
	RECORD_LANE = 2,  /* grant, lane: whose calls follow. id: the lowest one not confirmed;
			     other_id: the highest one applied; body: none */
	RECORD_DONE = 3,  /* id, hash, method, status; body: the reply, or a wat.envelope.Failure */
	RECORD_TAKEN = 4, /* id, hash, method: it will be answered later */
	RECORD_ANSWERED = 5,  /* as DONE, of a call that was taken */
	RECORD_DROPPED = 6,   /* id: the client has the answer of a call that was taken */
	RECORD_LANE_END = 7,  /* grant, lane */
	RECORD_GRANT_END = 8, /* grant: all its lanes */
	RECORD_LIFE = 9,  /* grant; method: enum dispatch_lifecycle, status; body: the sentence of
			     a failure */
	RECORD_CALL = 10, /* of a service whose journal holds calls: one that changed something, as
			     recorded.h has it. id, method, status; hash: of the reply */
};

/* Of a call that was running when its host died: its method and hash are not known, and any call
 * with its id is answered so. */
#define RECORD_ANY_METHOD 0xffffu

struct record_item {
	enum record_kind kind;
	uint16_t method;
	uint32_t status;
	uint64_t id, other_id, hash;
	const uint8_t *grant, *lane; /* WAT_ID_SIZE each; NULL where the kind has none */
	const uint8_t *body;
	size_t n_body;
};

/* Appends an item; *ret_body (may be NULL when n_body is 0) is room for its body, valid until the
 * next append. item->body is not looked at. -ENOMEM: nothing has changed. */
int record_put(struct bytes *bytes, const struct record_item *item, uint8_t **ret_body)
	WAT_MUST_CHECK;
/* The next item; *at moves on. 1; 0 at the end; -EBADMSG for bytes that are no item. */
int record_next(const uint8_t *bytes, size_t n, size_t *at, struct record_item *ret_item)
	WAT_MUST_CHECK;

#endif
