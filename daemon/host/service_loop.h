/* service_loop.h - the loop that serves one instance, the same for both tiers. Runs on the
 * instance's thread and owns what is there: the state, the channels, the open calls. */
#ifndef WAT_HOST_SERVICE_LOOP_H
#define WAT_HOST_SERVICE_LOOP_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/host/batch.h"
#include "daemon/host/call.h"
#include "daemon/host/instance.h"
#include "daemon/host/journal.h"
#include "daemon/host/state.h"
#include "proto/arena.h"
#include "proto/stream.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct event;
struct replay;
struct event_base;

/* Where the time and the randomness of handlers come from. */
struct loop_source {
	uint64_t (*now_ns)(void *arg); /* Unix time */
	void (*random)(void *arg, void *buffer, size_t n);
	void *arg;
};

/* What handlers get from outside, of a service whose journal holds calls. */
struct loop_given {
	bool recording; /* the call at hand is recorded */
	bool too_much;  /* it got more than is recorded, or memory was out */
	struct bytes entries;
	struct replay *replay; /* the running handler runs again, and gets what it got; NULL */
};

struct service_loop {
	struct instance *instance;             /* who this is; not owned */
	const struct wat_interface *interface; /* of its service */
	struct event_base *base;
	struct event *posted, *checkpoint, *disconnected, *denied_over;
	struct list channels;
	struct stream_spare spare; /* buffers for channels, which have none while they lie idle */
	struct list grants;        /* those with channels or open calls */
	struct state state;
	struct journal journal;
	struct batch batch;
	uint8_t hash_key[RECORD_KEY_SIZE]; /* of requests, to know them again */
	struct event *durable;             /* more of the journal is; NULL: it always is */
	uint64_t asked_ns;                 /* when watd was asked for a segment; 0: it was not */
	struct loop_given given;
	struct loop_source source; /* the kernel's and libsodium's, unless it is set before Start */
	bool candid;               /* whoever calls is the author: panics are told in full */
	uint64_t checked_replies;  /* bit per method: its reply has strings, or messages inside */
	struct flat_known flat_requests;

	struct call call;                   /* the one at hand, unless its method answers later */
	struct arena arena;                 /* its memory, reset after it */
	struct call *running;               /* whose handler runs; NULL: none */
	jmp_buf leave;                      /* out of the running handler */
	bool left;                          /* the last one was left that way */
	uint64_t stack[ATTRIBUTION_FRAMES]; /* of the last panic, */
	size_t n_stack;                     /* so many */
	struct list taken;                  /* calls that wait for an answer */
	struct list answered; /* by the running handler: they go out when it succeeds */

	void *self;            /* live form of the state; NULL: the service has none */
	struct call self_call; /* load and save run in it */
	struct arena self_arena;
	char self_text[WAT_FAILURE_TEXT_MAX];
	uint64_t invocations; /* handlers run so far */

	bool dirty;           /* the state is not what watd was last given */
	bool started;         /* serving */
	bool drained;         /* the state was given for good: nothing is run any more */
	bool stopped;         /* drained, and the incarnation ends with it */
	struct request *last; /* answered when the thread returns */
};

/* Control thread: before the instance's thread exists, and after it was joined. */
int service_loop_new(struct instance *instance, struct service_loop **ret_loop) WAT_MUST_CHECK;
struct service_loop *service_loop_free(struct service_loop *loop);

/* The thread. Returns after the request that ends the instance was answered. */
void service_loop_run(struct service_loop *loop);

/* The client has given it back, or makes room for another. */
void service_loop_end_lane(struct service_loop *loop, struct lane *lane);
/* Without a word in the journal. Its grant may go with it. Returns NULL. */
struct lane *service_loop_free_lane(struct service_loop *loop, struct lane *lane);
/* Everything is as in the snapshot that the request has; from here on batches are journaled. False:
 * the request is failed. */
struct request;
bool service_loop_begin_journal(struct service_loop *loop, struct request *request) WAT_MUST_CHECK;
/* The journal has grown. */
void service_loop_appended(struct service_loop *loop);

/* What handlers get. */
static inline void *service_loop_live(const struct service_loop *loop)
{
	return loop->self ? loop->self : (void *)loop->state.live;
}

/* Runs the Disconnect handler. */
void service_loop_run_disconnect(struct service_loop *loop, const struct wat_user *user);
/* Everything up to here is with watd: nothing is left for a checkpoint. */
void service_loop_settled(struct service_loop *loop);
/* A call changed the state: it is given to watd in a while. */
void service_loop_changed(struct service_loop *loop);
/* A handler panicked: watd keeps it as the instance's last failure. */
void service_loop_tell_panic(struct service_loop *loop, const char *method, const char *text);
/* An EVENT frame to watd. */
void service_loop_post_event(struct service_loop *loop,
			     uint16_t method,
			     const ProtobufCMessage *message);

#endif
