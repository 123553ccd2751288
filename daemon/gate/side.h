/* side.h - a socket in the loop, with the frames on it. Lives inside its owner. */
#ifndef WAT_GATE_SIDE_H
#define WAT_GATE_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/stream.h"
#include "proto/support/must_check.h"

struct event;
struct event_base;

typedef void side_event(int fd, short what, void *arg);

struct side {
	struct stream stream;    /* fd -1: not open */
	struct event *readable;  /* NULL: not open */
	struct event *writable;  /* NULL: it was never waited for, as of most */
	side_event *on_writable; /* with the argument of readable */
	bool reading;            /* readable is in the loop */
};

/* A side that is not open. */
void side_init(struct side *side);
/* Takes the socket, and reads. -ENOMEM; side_close follows in any case. */
int side_open(struct side *side,
	      struct event_base *base,
	      int fd,
	      uint32_t body_max,
	      side_event *readable,
	      side_event *writable,
	      void *arg) WAT_MUST_CHECK;
void side_close(struct side *side);
/* Out of its loop, as it is; and into another, by the thread of that. Whatever is in its buffers is
 * looked at there, if it reads. -ENOMEM. */
void side_leave(struct side *side);
int side_enter(struct side *side, struct event_base *base) WAT_MUST_CHECK;

static inline bool side_is_open(const struct side *side)
{
	return side->stream.fd >= 0;
}

/* Reads from now on, or not any more. When it begins again, readable is called for what is in the
 * buffer already. */
void side_read(struct side *side, bool on);
/* Writes what is queued: 0, also if the socket takes no more for now; else a negative errno. */
int side_write(struct side *side) WAT_MUST_CHECK;

#endif
