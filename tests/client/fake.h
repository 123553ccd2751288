/* fake.h - a watd and a service that are none, for tests of libwat: the control connection is
 * answered by a thread, the channels are given to the test, which speaks on them byte by byte. */
#ifndef WAT_TESTS_FAKE_H
#define WAT_TESTS_FAKE_H

#include <pthread.h>
#include <wat/envelope.pb-c.h>
#include <wat/raw.h>

#include "proto/frame.h"
#include "proto/stream.h"
#include "tests/lib/cases.h"

#define FAKE_BINDS_MAX 64

/* A BIND that was answered with a channel. */
struct fake_bind {
	int lane_mode; /* Wat__Envelope__LaneMode */
	uint8_t lane[16];
	int channel; /* the service's end; the test takes it */
};

struct fake {
	char dir[64], path[108];
	int listener, control; /* control: the connection under way, -1: none */
	pthread_t thread;
	pthread_mutex_t lock;
	struct fake_bind binds[FAKE_BINDS_MAX];
	size_t n_binds, n_taken, n_connections;
	bool dropped[FAKE_BINDS_MAX + 1]; /* by handle, which is the number of the bind */
	int ready[2];                     /* a byte for each bind */
	/* What the test sets; the lock guards it. */
	unsigned refuse_status; /* of the next BINDs; 0: they are bound */
	bool deaf;              /* hangs up on whoever connects */
	unsigned n_stops;       /* Stops of an Admin that were answered */
	unsigned n_hang_ups;    /* so many calls of the node's end the connection, unanswered */
	unsigned n_node_calls;  /* that were read */
};

void fake_start(struct fake *fake);
void fake_stop(struct fake *fake);
void fake_set(struct fake *fake, unsigned refuse_status, bool deaf);
/* Was the handle given back? */
bool fake_dropped(struct fake *fake, size_t handle);
/* Ends the control connection. */
void fake_hang_up(struct fake *fake);

/* A client, and a User of it: bound over a first channel, which is given in *ret and has said
 * ATTACHED new. */
wat *fake_connect(struct fake *fake);
wat_capability *fake_user(struct fake *fake, wat *w, struct stream *ret);

/* An Admin of the same instance: its Stop is answered at once. */
wat_capability *fake_admin(wat *w);
unsigned fake_stops(struct fake *fake);

/* The next n calls of the node's are lost with their connection; others get an empty reply. */
void fake_lose_node_calls(struct fake *fake, unsigned n);
/* How many were read since. */
unsigned fake_node_calls(struct fake *fake);

/* The next channel, bound by the client; nothing was said on it yet. Lets the client work
 * meanwhile. */
void fake_next_channel(struct fake *fake, wat *w, struct stream *ret, struct fake_bind *ret_bind);
void fake_attached(struct stream *channel, int lane, uint64_t last_applied);
/* The next frame on the channel; lets the client work meanwhile. The body is valid until the next.
 */
struct frame fake_frame(wat *w, struct stream *channel, const uint8_t **ret_body);
struct frame fake_expect(wat *w, struct stream *channel, uint8_t type);
void fake_reply(struct stream *channel, uint64_t id, const char *body);
void fake_fail(struct stream *channel, uint64_t id, unsigned status);
void fake_go_away(struct stream *channel, unsigned status, uint64_t last_read_id);
void fake_bytes(struct stream *channel, const void *bytes, size_t n);

/* What became of a call. */
struct outcome {
	unsigned n; /* how often its callback was called */
	int status;
	char reply[64];
	char text[256];
	const char *sequence; /* name; appended to *order when it ends */
	char *order;
};
void fake_send(wat_capability *user, uint32_t flags, const char *body, struct outcome *outcome);
/* Lets the client work until the call has ended. */
void fake_wait(wat *w, struct outcome *outcome);

#endif
