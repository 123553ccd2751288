/* activation.h - listening sockets that the service manager opened and passed. Main thread, at
 * start. */
#ifndef WAT_SUPERVISOR_ACTIVATION_H
#define WAT_SUPERVISOR_ACTIVATION_H

#include <stddef.h>

#include "daemon/supervisor/gate_listen.h"
#include "proto/support/must_check.h"

struct activation {
	int client, admin; /* -1: not passed */
	int tcp[GATE_LISTENERS_MAX];
	size_t n_tcp;
};
#define ACTIVATION_NONE ((struct activation){.client = -1, .admin = -1})

/* Takes the sockets that $LISTEN_FDNAMES calls "client", "admin" and "tcp". -EINVAL: one of them is
 * no listening stream socket, of unix or, for "tcp", of IP; or one of unix comes twice, or there
 * are too many of TCP, or a socket has a name that watd does not know; said in the log. Other
 * descriptors with unknown names, which a newer watd left with the manager, are given up with a
 * warning. The caller closes what it was given. */
int activation_take(struct activation *ret) WAT_MUST_CHECK;
void activation_deinit(struct activation *activation);

#endif
