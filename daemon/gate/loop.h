/* loop.h - a thread of the gate with its event loop, and how a peer goes from one to the other: it
 * is passed whole, with all that it owns, and from then on only the other thread knows it. */
#ifndef WAT_GATE_LOOP_H
#define WAT_GATE_LOOP_H

#include <pthread.h>
#include <stdbool.h>

#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct channel;
struct event;
struct event_base;
struct peer;

struct loop {
	struct event_base *base; /* its own thread's alone */
	struct list peers;       /* that have bound something and live here; its own thread's */
	struct {
		pthread_mutex_t lock;
		struct list peers, channels; /* on their way here */
		bool end;
		int fd; /* an eventfd: something of it has changed */
	} inbox;
	struct event *inbox_readable;
	bool yields; /* lets others of the machine run after each turn */
};

/* Negative errno; loop_deinit follows in any case. */
int loop_init(struct loop *loop) WAT_MUST_CHECK;
/* Nobody runs it any more, and it has no peers. */
void loop_deinit(struct loop *loop);
/* In the thread that is to be its own, until loop_end or event_base_loopbreak. -EIO. */
int loop_run(struct loop *loop) WAT_MUST_CHECK;
/* Of any thread. */
void loop_end(struct loop *loop);

/* Of the thread that has it so far; none of its events is in a loop. It arrives by peer_arrive. */
void loop_pass_peer(struct loop *to, struct peer *peer);
/* The same of a channel that lingers; it arrives by channel_arrive, before any peer that is passed
 * after it. */
void loop_pass_channel(struct loop *to, struct channel *channel);

#endif
