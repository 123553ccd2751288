/* dial.h - reaching a watd over TCP: the name's addresses one after the other, each within its
 * time, none of it waiting for anything. Guarded by the lock of the wat. */
#ifndef WAT_CLIENT_DIAL_H
#define WAT_CLIENT_DIAL_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/remote.h"
#include "proto/support/must_check.h"

struct resolution;

struct dial {
	struct resolution *resolution; /* the name is being looked up; NULL: it is not */
	struct addrinfo *found;        /* addresses of the name */
	const struct addrinfo *next;   /* to be tried if the present one comes to nothing */
	uint64_t until_ms;             /* when the present one is given up; UINT64_MAX: never */
	int not_resolved;              /* EAI_ error of the lookup; 0: none */
};

void dial_init(struct dial *dial);
void dial_deinit(struct dial *dial);
/* Begins with the name: 0, or a negative errno. wake: see resolve.h. */
int dial_start(struct dial *dial, const struct remote *remote, int wake) WAT_MUST_CHECK;
/* Is there more to come than the present address? */
bool dial_goes_on(const struct dial *dial);
/* The next address: a socket whose connection is under way, and until_ms. -EAGAIN: not known yet;
 * other negative errnos: there is none any more, and why. */
int dial_next(struct dial *dial, const struct remote *remote) WAT_MUST_CHECK;
/* The present address is the one. */
void dial_succeeded(struct dial *dial);

#endif
