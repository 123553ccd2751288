/* sandbox_calls.h - the lists of system calls that a host may make. Pure. */
#ifndef WAT_HOST_SANDBOX_CALLS_H
#define WAT_HOST_SANDBOX_CALLS_H

#include <stdbool.h>

#include "daemon/base/call_filter.h"

struct sandbox_calls {
	bool stage_two;    /* loaded: nothing executable is mapped, no path is looked at */
	bool to_be_closed; /* stage two comes */
	/* Beside that, because a plugin needs it. */
	bool reads, writes, net;
};

void sandbox_calls_fill(struct call_filter *filter, const struct sandbox_calls *calls);

#endif
