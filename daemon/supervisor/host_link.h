/* host_link.h - the control socket to a host: requests out, answers and events in. Loop thread;
 * part of struct host. */
#ifndef WAT_SUPERVISOR_HOST_LINK_H
#define WAT_SUPERVISOR_HOST_LINK_H

#include "daemon/supervisor/host.h"

/* Sets up the events of host->control. */
int host_link_init(struct host *host) WAT_MUST_CHECK;
void host_link_deinit(struct host *host);
/* Handles everything that is still in the socket: called when the process has ended. */
void host_link_drain(struct host *host);
/* Answers every open request with `died`. */
void host_link_fail_requests(struct host *host, const struct host_death *death);

#endif
