/* notify_socket.c - the service manager's datagram socket. Loop thread. */
#include "daemon/supervisor/notify_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/cleanup.h"

int notify_socket_open(struct notify_socket *ret)
{
	struct notify_socket notify = {.fd = -1, .address.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;

	if (n == 0) {
		*ret = notify;
		return 0;
	}
	if ((path[0] != '/' && path[0] != '@') || n >= sizeof notify.address.sun_path)
		return -EINVAL;
	memcpy(notify.address.sun_path, path, n);
	notify.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (path[0] == '@')
		notify.address.sun_path[0] = '\0';
	else
		notify.size++;
	notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify.fd < 0)
		return -errno;
	*ret = notify;
	return 0;
}

void notify_socket_close(struct notify_socket *notify)
{
	notify->fd = fd_close(notify->fd);
}

int notify_socket_send(const struct notify_socket *notify, const char *text)
{
	if (notify->fd < 0)
		return 0;
	if (sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL,
		   (const struct sockaddr *)&notify->address, notify->size) >= 0)
		return 0;
	return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
}
