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
};

/* First in everything that an instance's thread posts to the control thread. */
struct outgoing {
	struct list link;
	bool is_event; /* struct outgoing_event, else struct request */
};

struct request {
	struct outgoing out;
	enum request_kind kind;
	const ProtobufCMessage *in; /* what the kind says */
	int fd;                     /* ATTACH: the channel's; whoever uses it sets -1 */

	/* The answer. */
	wat_status status;
	Wat__Envelope__Failure *failure; /* owned; NULL when status is OK, or memory was out */
	uint8_t *state;                  /* owned; the packed state, where the answer has it */
	size_t n_state;
	bool over; /* the thread ends with this answer and must be joined */
};

struct outgoing_event {
	struct outgoing out;
	uint16_t method; /* of the EVENT frame */
	size_t n;
	uint8_t body[];
};

#endif
