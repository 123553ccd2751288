/* peer.h - one connection of a client, the control connection to watd that it gets, and the
 * channels that watd gave it. Frames go from one to the other; the peer owns them all. Every event
 * ends with peer_settle, which may free the peer, or pass it on: it is that of one thread at a
 * time.
 */
#ifndef WAT_GATE_PEER_H
#define WAT_GATE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <wat/gate.pb-c.h>

#include "daemon/gate/bulk.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/refusals.h"
#include "daemon/gate/side.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

#define PEER_CHANNELS_MAX 256u
#define PEER_TO_CLIENT_MAX (256u * 1024u)    /* beyond it nothing is read for the client */
#define PEER_TO_SERVICES_MAX (1024u * 1024u) /* beyond it nothing is read from the client */
#define PEER_STRANGER_MAX (64u * 1024u)      /* both of one that has not bound anything */
#define PEER_SHARE_MAX (128u * 1024u)        /* of limits.buffered, when that is used up */
#define PEER_PREFACE_SIZE 8u

struct arrival;
struct channel;
struct event;

struct peer {
	struct list link; /* gate->strangers, then loop->peers, or on its way there */
	struct gate *gate;
	struct loop *loop;        /* whose thread has it */
	struct side client, watd; /* watd's opens with the client's first frame */
	struct event *deadline;   /* of the HELLO; then of the end */
	Wat__Gate__Transport transport;
	struct source *source; /* whose connection it is */
	struct refused who;
	bool decided;        /* the transport is known */
	bool heard;          /* watd said something */
	bool bound;          /* is no stranger */
	struct bulk bulk;    /* does it send much at once? */
	enum overload limit; /* it is in the peer's way, which is told so and ends */
	bool finishing;      /* nothing more is read; what waits for the client still goes out */
	bool broken;         /* the client's socket is of no use any more */
	bool is_shut;        /* all was said, and the client knows */
	bool silent;         /* so much waits for the client that nothing is read for it */
	bool deaf;           /* so much waits for watd and services that nothing is read from it */
	uint8_t preface[PEER_PREFACE_SIZE];
	size_t n_preface;
	struct channel **channels; /* by handle - 1; NULL: none of that handle */
	size_t channels_size, n_channels;
	struct list dirty;  /* channels with frames to write */
	size_t to_services; /* bytes that wait for services */
	uint8_t *held; /* a Stop, header and body, that waits until they are written; NULL: none */
	size_t buffered; /* its share of gate->buffered */
};

/* Takes the socket, and the place of one that was admitted. Negative errno. */
int peer_new(struct gate *gate, int fd, const struct arrival *arrival) WAT_MUST_CHECK;
struct peer *peer_free(struct peer *peer);
void peers_free_all(struct gate *gate);
/* Ends those that did not get as far as watd. */
void peers_end_strangers(struct gate *gate);
/* One of the strangers makes room, and is told for which limit as far as it takes that at once. */
void peers_drop_stranger(struct gate *gate, size_t which, enum overload limit);

/* Writes what is queued, goes on with what had to wait, says what is read from now on; frees the
 * peer at its end, or passes it to the other thread. */
void peer_settle(struct peer *peer);
/* It has been passed to this loop. */
void peer_arrive(struct peer *peer, struct loop *loop);
/* Queues a frame for the client. */
void peer_say(struct peer *peer, const struct frame *frame, const void *body);
/* Tells the client why, and ends the connection after that. */
void peer_go_away(struct peer *peer, unsigned status, const char *text);
/* Nothing more is read from or for the client. */
void peer_finish(struct peer *peer);
/* Does too much wait for the client to read for it, or for watd and services to read from it? Then
 * it stops, until peer_settle finds that little is left. */
bool peer_must_be_silent(struct peer *peer);
bool peer_must_be_deaf(struct peer *peer);
/* A BOUND came: it proved something. */
void peer_is_no_stranger(struct peer *peer);

/* peer_client.c: frames of the client; returns how many. */
size_t peer_take_client_frames(struct peer *peer);
/* Sends the held Stop, if all that came before it is written. */
void peer_release(struct peer *peer);

/* peer_watd.c: the control connection. */
int peer_open_watd(struct peer *peer) WAT_MUST_CHECK;

#endif
