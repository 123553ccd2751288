/* request.h - what goes between the control thread and an instance's thread. A request belongs to
 * the control thread, which leaves it alone from the moment it was posted until it comes back with
 * its answer; an event is made by the instance's thread and freed by the control thread. */
#ifndef WAT_HOST_REQUEST_H
#define WAT_HOST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wat/envelope.pb-c.h>
#include <wat/host.pb-c.h>

#include "proto/status.h"
#include "proto/support/list.h"

enum request_kind {
	REQUEST_START,
	REQUEST_ATTACH,
	REQUEST_DETACH,
	REQUEST_DRAIN,
	REQUEST_FINISH,
	REQUEST_PROVISION,
	REQUEST_DEPROVISION,
	REQUEST_SEGMENT,
	REQUEST_SNAPSHOT,
};

/* First in everything that an instance's thread posts to the control thread. */
struct outgoing {
	struct list link;
	bool is_event; /* struct outgoing_event, else struct request */
};

/* A file of the journal. */
struct segment {
	struct list link;
	uint8_t instance_id[16];
	uint64_t number;
	bool fresh;
	int fd;
};

/* A user's handler that succeeded, as the journal says. */
struct recovered_life {
	struct list link;
	uint8_t grant_id[16];
	uint16_t lifecycle; /* enum dispatch_lifecycle */
	char user[];
};

struct request {
	struct outgoing out;
	enum request_kind kind;
	const ProtobufCMessage *in; /* what the kind says */
	int fd; /* ATTACH: the channel's; SEGMENT: the file; whoever uses it sets -1 */

	/* The answer. */
	wat_status status;
	Wat__Envelope__Failure *failure; /* owned; NULL when status is OK, or memory was out */
	Wat__Host__Snapshot *snapshot;   /* owned; NULL: the answer has none */
	struct list lives;               /* struct recovered_life; owned */
	bool ran;                        /* a user's handler */
	struct list segments;            /* struct segment, for START: taken by whoever uses them */
	bool over;                       /* the thread ends with this answer and must be joined */
};

/* fd is taken; -1: none. */
void request_init(struct request *request,
		  enum request_kind kind,
		  const ProtobufCMessage *in,
		  int fd);
/* What the answer holds, and what was not taken. */
void request_deinit(struct request *request);
struct segment *segment_free(struct segment *segment);

struct outgoing_event {
	struct outgoing out;
	uint16_t method; /* of the EVENT frame */
	int fd;          /* that goes with it; -1: none */
	size_t n;
	uint8_t body[];
};

#endif
