/* gate_listen.c - the TCP sockets that watd-gate accepts connections on. */
#include "daemon/supervisor/gate_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "proto/net_place.h"
#include "proto/support/cleanup.h"

#define BACKLOG 4096
/* How long an address that is in use is waited for. */
#define IN_USE_PAUSE_MS 20
#define IN_USE_PAUSES 150

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t size_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

static uint16_t port_of(const union address *address)
{
	return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port
						       : address->v6.sin6_port);
}

static bool is_any(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

static int parse(const char *text, union address *ret)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *found;
	struct net_place place;

	if (!net_place_parse(text, &place) ||
	    getaddrinfo(place.host, place.port, &hints, &found) != 0)
		return -EINVAL;
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static void name_place(const union address *address, struct gate_place *ret)
{
	char host[256] = "localhost";

	if (is_any(address)) {
		(void)gethostname(host, sizeof host - 1);
		host[sizeof host - 1] = '\0';
	} else if (getnameinfo(&address->any, size_of(address), host, sizeof host, NULL, 0,
			       NI_NUMERICHOST) != 0) {
		*host = '\0';
	}
	(void)snprintf(ret->text, sizeof ret->text, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		       port_of(address));
}

int gate_places(const char *list, struct gate_place ret[static GATE_LISTENERS_MAX], size_t *ret_n)
{
	char word[VALUE_WORD_SIZE];
	union address address;
	size_t n = 0;

	while (value_next(&list, word, sizeof word)) {
		if (n == GATE_LISTENERS_MAX || parse(word, &address) < 0)
			return -EINVAL;
		name_place(&address, &ret[n++]);
	}
	*ret_n = n;
	return 0;
}

static int open_socket(const union address *address)
{
	_cleanup_(fd_closep) int fd =
		socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
		return -errno;
	/* So that [::] and 0.0.0.0 can both be listed. */
	if (address->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
		return -errno;
	if (bind(fd, &address->any, size_of(address)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return fd_take(&fd);
}

/* The gate of a watd that was killed has its sockets until it has ended, too: a moment. */
static int open_when_free(const union address *address, const char *which)
{
	int r = open_socket(address);

	for (unsigned i = 0; r == -EADDRINUSE && i < IN_USE_PAUSES; i++) {
		if (i == 0)
			log_warning("an address is in use; waiting for the gate of a watd before, "
				    "if it is that",
				    "at", which);
		(void)poll(NULL, 0, IN_USE_PAUSE_MS);
		r = open_socket(address);
	}
	return r;
}

int gate_listeners_adopt(struct gate_listeners *listeners, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	union address address = {.any.sa_family = AF_UNSPEC};
	socklen_t size = sizeof address;

	if (listeners->n == GATE_LISTENERS_MAX)
		return -E2BIG;
	/* With the port that it got. */
	if (fcntl(owned, F_SETFL, O_NONBLOCK) < 0 || getsockname(owned, &address.any, &size) < 0)
		return -errno;
	name_place(&address, &listeners->places[listeners->n]);
	listeners->fds[listeners->n++] = fd_take(&owned);
	return 0;
}

int gate_listeners_open(struct gate_listeners *listeners,
			const char *list,
			char ret_which[static VALUE_WORD_SIZE])
{
	union address address;
	int r = 0;

	while (r == 0 && value_next(&list, ret_which, VALUE_WORD_SIZE)) {
		r = parse(ret_which, &address);
		if (r == 0)
			r = open_when_free(&address, ret_which);
		if (r >= 0)
			r = gate_listeners_adopt(listeners, r);
	}
	return r;
}

void gate_listeners_close(struct gate_listeners *listeners)
{
	for (size_t i = 0; i < listeners->n; i++)
		fd_close(listeners->fds[i]);
	listeners->n = 0;
}
