/* descriptors.c - how many there may be, and one that is kept for when there are no others. */
#include "daemon/base/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "proto/support/cleanup.h"

size_t descriptors_max(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t)limit.rlim_cur : 0;
}

size_t descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return descriptors_max();
}

/* A copy of the socket: nothing need be opened for it, which a sandbox may not allow. */
void spare_keep(int *spare, int listening)
{
	if (*spare < 0)
		*spare = fcntl(listening, F_DUPFD_CLOEXEC, 0);
}

unsigned spare_refuse(int *spare, int listening, unsigned n, void (*refuse)(int fd))
{
	unsigned refused = 0;

	*spare = fd_close(*spare);
	while (refused < n) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			break;
		refuse(fd);
		(void)fd_close(fd);
		refused++;
	}
	spare_keep(spare, listening);
	return refused;
}
