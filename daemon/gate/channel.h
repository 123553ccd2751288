/* channel.h - a channel to a service, which a client uses by its handle. The peer owns it, and it
 * is the peer's thread's; without a peer it lingers, in the patient loop, until what the client
 * sent is written. */
#ifndef WAT_GATE_CHANNEL_H
#define WAT_GATE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/gate/peer.h"
#include "daemon/gate/side.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

#define CHANNELS_LINGERING_MAX 1024u

struct channel {
	struct list dirty;     /* peer->dirty */
	struct list lingering; /* gate->lingering, or on its way there */
	struct gate *gate;
	struct peer *peer; /* NULL: it lingers */
	uint32_t handle;
	struct side side; /* not open: the service ended it */
	size_t pending;   /* its share of peer->to_services */
};

/* Takes the descriptor. -EMFILE: there are too many; -ENOMEM; -EEXIST: the handle is in use. */
int channel_new(struct peer *peer, uint32_t handle, int fd) WAT_MUST_CHECK;
struct channel *channel_free(struct channel *channel);
struct channel *channel_by_handle(const struct peer *peer, uint32_t handle);

/* A frame of the client; written by channels_write. */
void channel_send(struct channel *channel, const struct frame *frame, const uint8_t *body);
void channels_write(struct peer *peer);
/* The peer lets go of it. orderly: its lane ends too. */
void channel_leave(struct channel *channel, bool orderly);
/* Reads from all of the peer's, or from none. */
void channels_read(struct peer *peer, bool on);
/* As side_leave and side_enter. */
void channels_leave_loop(struct peer *peer);
int channels_enter_loop(struct peer *peer, struct event_base *base) WAT_MUST_CHECK;
/* One that lingers comes to the patient loop. */
void channel_arrive(struct channel *channel);
void channels_free_lingering(struct gate *gate);

#endif
