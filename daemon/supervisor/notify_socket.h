/* notify_socket.h - the service manager's datagram socket. sd_notify waits when its queue is full,
 * and then watd would stand still with the manager; this does not. Loop thread. */
#ifndef WAT_SUPERVISOR_NOTIFY_SOCKET_H
#define WAT_SUPERVISOR_NOTIFY_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "proto/support/must_check.h"

struct notify_socket {
	int fd; /* -1: nobody listens */
	struct sockaddr_un address;
	socklen_t size; /* of the address */
};

/* From $NOTIFY_SOCKET, a path or @ and an abstract name; without it nobody listens. -EINVAL for
 * anything else. */
int notify_socket_open(struct notify_socket *ret) WAT_MUST_CHECK;
void notify_socket_close(struct notify_socket *notify);
/* 0: told, or nobody listens. -EAGAIN: not now. */
int notify_socket_send(const struct notify_socket *notify, const char *text) WAT_MUST_CHECK;

#endif
