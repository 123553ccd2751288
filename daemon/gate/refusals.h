/* refusals.h - what the gate refuses, on its way to watd's log and audit: counted, and told once a
 * second. */
#ifndef WAT_GATE_REFUSALS_H
#define WAT_GATE_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/overload.h"
#include "proto/support/must_check.h"

#define REFUSALS_ADDRESS_MAX 64u

struct event;
struct gate;

/* Who was refused, as it is told. */
struct refused {
	char address[REFUSALS_ADDRESS_MAX]; /* "": a unix socket */
	uid_t uid;                          /* (uid_t)-1: not known */
	pid_t pid;
};

struct refusals {
	struct gate *gate;
	struct event *over; /* the second; pending: something is to be told */
	struct {
		uint32_t n;
		struct refused last;
	} limits[OVERLOADS_END];
};

/* -ENOMEM; refusals_deinit follows in any case. */
int refusals_init(struct refusals *refusals, struct gate *gate) WAT_MUST_CHECK;
void refusals_deinit(struct refusals *refusals);
void refusals_add(struct refusals *refusals, enum overload limit, const struct refused *who);

#endif
