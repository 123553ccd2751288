/* activation.h - listening sockets that the service manager opened and passed. Main thread, at
 * start. */
#ifndef WAT_SUPERVISOR_ACTIVATION_H
#define WAT_SUPERVISOR_ACTIVATION_H

#include "proto/support/must_check.h"

/* -1: not passed. */
struct activation {
	int client, admin;
};

/* Takes the sockets that $LISTEN_FDNAMES calls "client" and "admin". -EINVAL: one of them is no
 * listening unix stream socket, or comes twice, or a socket has a name that watd does not know;
 * said in the log. Other descriptors with unknown names, which a newer watd left with the manager,
 * are given up with a warning. The caller closes what it was given. */
int activation_take(struct activation *ret) WAT_MUST_CHECK;
void activation_deinit(struct activation *activation);

#endif
