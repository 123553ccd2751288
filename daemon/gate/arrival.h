/* arrival.h - one who has just connected: where it comes from, and whether it may stay. */
#ifndef WAT_GATE_ARRIVAL_H
#define WAT_GATE_ARRIVAL_H

#include <stdbool.h>
#include <sys/socket.h>

#include "daemon/base/sources.h"
#include "daemon/gate/refusals.h"
#include "proto/overload.h"
#include "proto/support/must_check.h"

struct gate;

struct arrival {
	bool tcp;
	struct refused who;
	struct source_key key;
	struct source *source; /* once it was admitted */
};

/* address: of TCP; NULL: a unix socket. A negative errno: it has gone. */
int arrival_meet(struct arrival *arrival, int fd, const struct sockaddr *address, socklen_t n)
	WAT_MUST_CHECK;
/* OVERLOAD_NONE: it may stay, and counts from here on. One of those who proved nothing may have had
 * to go for it. */
enum overload arrival_admit(struct gate *gate, struct arrival *arrival) WAT_MUST_CHECK;
/* Tells it which limit is in its way, as far as that goes, and watd. Its socket is closed after it.
 */
void arrival_refuse(struct gate *gate, const struct arrival *arrival, int fd, enum overload limit);

#endif
