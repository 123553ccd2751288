/* channel.h - one peer's stream into one instance. Runs on the instance's thread. Owns its
 * descriptor and buffers; the loop's list holds it. */
#ifndef WAT_HOST_CHANNEL_H
#define WAT_HOST_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <wat/envelope.pb-c.h>
#include <wat/host.pb-c.h>

#include "daemon/host/denied.h"
#include "proto/limits.h"
#include "proto/status.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"
#include "proto/stream.h"

struct event;
struct grant;
struct lane;
struct service_loop;

/* What waits for the journal: bytes up to `position` of the stream may go when record `seq` is
 * durable. */
struct channel_mark {
	uint64_t seq, position;
};

struct channel {
	struct list link; /* loop->channels */
	struct service_loop *loop;
	struct grant *grant;
	struct lane *lane; /* NULL: it was lost, and nothing is served */
	uint64_t method_mask;
	uint64_t connection; /* number on this node, never used again */
	struct denied denied;
	uint64_t over_at_ns; /* monotonic: the grant ends; UINT64_MAX: not by itself */
	struct stream stream;
	struct event *readable, *writable;
	struct event *over;   /* its time is; NULL: it has no end */
	uint64_t last_id;     /* highest CALL id that was read */
	uint64_t read_at_ns;  /* when what is in the buffer came; monotonic */
	uint32_t n_taken;     /* open calls that answer later */
	uint32_t drain_bytes; /* still to be read before the state is given */
	uint64_t batch_at;    /* where its first answer of the batch begins in the stream, */
	struct channel_begin {
		size_t in; /* of the buffer */
		uint64_t out, last_id;
	} begin;           /* where it was when nothing of it was in the batch */
	uint64_t again_to; /* calls up to this one may run for the second time; 0: none does */
	struct channel_mark *marks; /* in order; with durability sync only */
	size_t n_marks, marks_size;
	uint64_t may_write; /* while there are marks: the position up to which bytes may go */
	bool dropped;       /* the client has given its lane back */
	bool in_batch;      /* if it has any there */
	bool counted;       /* its end may be the loss of its grant's last channel */
	bool serving;       /* the batch's end will write */
	bool ended;         /* the peer sends no more; it still gets what is queued */
	bool paused;        /* not read: the peer does not take its replies */
	bool draining;      /* read to the end although its replies pile up */
	bool muted;         /* replies are dropped */
	bool broken;        /* can't or must not be written any more; muted too */
	bool lost;          /* memory was out for a reply: ended as soon as nobody uses it */
};

/* Attaches the descriptor (taken, *fd is -1 then) and says ATTACHED. -ENOMEM. */
int channel_attach(struct service_loop *loop, const Wat__Host__AttachRequest *request, int *fd)
	WAT_MUST_CHECK;
/* Ends without a word. */
struct channel *channel_free(struct channel *channel);
/* GOAWAY as far as it fits, then the end. */
void channel_end(struct channel *channel, wat_status status, const char *text);

/* channel_over.c: from read_at_ns on it has so long; 0: no end. -ENOMEM. */
#define CHANNEL_OVER "the time of the capability is over"
int channel_set_end(struct channel *channel, uint64_t left_ms) WAT_MUST_CHECK;

/* Drain, first step, for all channels: notes what has been sent so far. */
void channel_drain_mark(struct channel *channel);
/* Second step: reads and serves that. The channel may have ended afterwards. */
void channel_drain(struct channel *channel);
/* Third step: nothing is read any more; what is queued goes out. */
void channel_stop_reading(struct channel *channel);
/* Instead: the instance goes on. The channel may have ended afterwards. */
void channel_resume(struct channel *channel);

/* Room for an answer's body of n bytes, which the caller fills at once: REPLY, or FAIL with a
 * status but OK. NULL: the answer is dropped. */
uint8_t *channel_answer(struct channel *channel, uint64_t id, wat_status status, size_t n)
	WAT_MUST_CHECK;
/* What was read since it had nothing in the batch is read again, and what was answered since is
 * taken back. No call up to this id runs a third time. While it serves. */
void channel_rewind(struct channel *channel, uint64_t id);
/* Nothing more of it is written, and its peer is told so by its end: it comes again. */
void channel_break(struct channel *channel);
/* More of the journal is durable: writes what waited for it. The channel may have ended afterwards.
 */
void channel_durable(struct channel *channel);

#endif
