/* echo.c - the least that a server can do: reads up to 64 KiB of what came and writes it back.
 *
 *   bench-echo SOCKET        a unix socket
 *   bench-echo --tcp PORT    of 127.0.0.1 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE 65536u
#define EVENTS_MAX 64

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0)
		return -1;
	return fd;
}

static int listen_tcp(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0)
		return -1;
	return fd;
}

static int take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;

	/* Of a unix socket it means nothing. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return fd < 0 ? -1 : epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Blocks if the peer does not take it: this one serves nobody else meanwhile. */
static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = send(fd, bytes, n, MSG_NOSIGNAL);

		if (written < 0)
			return -1;
		bytes += written;
		n -= (size_t)written;
	}
	return 0;
}

static void echo(int fd)
{
	static char buffer[READ_SIZE];
	ssize_t n = read(fd, buffer, sizeof buffer);

	if (n <= 0 || write_all(fd, buffer, (size_t)n) < 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX];
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener = -1;

	if (argc == 2)
		listener = listen_at(argv[1]);
	else if (argc == 3 && strcmp(argv[1], "--tcp") == 0)
		listener = listen_tcp(argv[2]);
	if (epoll < 0 || watch(epoll, listener) < 0) {
		fprintf(stderr, "usage: bench-echo SOCKET | --tcp PORT (%s)\n", strerror(errno));
		return 1;
	}
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd != listener)
				echo(events[i].data.fd);
			else
				(void)watch(epoll, take(listener));
	}
}
