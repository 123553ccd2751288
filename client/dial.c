/* dial.c - reaching a watd over TCP. */
#include "client/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "client/private.h"
#include "client/resolve.h"
#include "proto/support/cleanup.h"

#define GREETING_MAX_MS 10000u /* from connecting to WELCOME */
#define ADDRESS_MAX_MS 3000u   /* the same while there are other addresses to try */
#define KEEP_IDLE_S 15         /* silence after which the kernel asks whether the peer is there */
#define KEEP_INTERVAL_S 5
#define KEEP_COUNT 3
#define UNACKNOWLEDGED_MAX_MS 30000

void dial_init(struct dial *dial)
{
	*dial = (struct dial){.until_ms = UINT64_MAX};
}

void dial_deinit(struct dial *dial)
{
	dial->resolution = resolution_free(dial->resolution);
	if (dial->found)
		freeaddrinfo(dial->found);
	dial_init(dial);
}

int dial_start(struct dial *dial, const struct remote *remote, int wake)
{
	dial_deinit(dial);
	if (resolve_numeric(remote->place.host, remote->place.port, &dial->found) == 0) {
		dial->next = dial->found;
		return 0;
	}
	return resolution_new(remote->place.host, remote->place.port, wake, &dial->resolution);
}

bool dial_goes_on(const struct dial *dial)
{
	return dial->resolution || dial->next;
}

void dial_succeeded(struct dial *dial)
{
	dial_deinit(dial);
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)address)
				     ->sin_addr.s_addr) >>
			       24 ==
		       IN_LOOPBACKNET;
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(
		       &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

/* Small frames go out at once. A peer that vanished without a word is noticed. */
static int set_options(int fd)
{
	int r;

	if ((r = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1)) < 0 ||
	    (r = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1)) < 0 ||
	    (r = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S)) < 0 ||
	    (r = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S)) < 0 ||
	    (r = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT)) < 0)
		return r;
	return set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX_MS);
}

static int begin(const struct addrinfo *address, bool plain)
{
	_cleanup_(fd_closep) int fd = -1;
	int r;

	if (plain && !is_loopback(address->ai_addr))
		return -EACCES;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = set_options(fd);
	if (r < 0)
		return r;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		return -errno;
	return fd_take(&fd);
}

static int take_resolved(struct dial *dial)
{
	int error;

	if (!resolution_done(dial->resolution, &error, &dial->found))
		return -EAGAIN;
	dial->resolution = resolution_free(dial->resolution);
	dial->next = dial->found;
	dial->not_resolved = error;
	return error ? -EHOSTUNREACH : 0;
}

int dial_next(struct dial *dial, const struct remote *remote)
{
	int r = dial->resolution ? take_resolved(dial) : 0;

	if (r < 0)
		return r;
	r = -EHOSTUNREACH;
	while (dial->next) {
		r = begin(dial->next, remote->plain);
		dial->next = dial->next->ai_next;
		if (r < 0)
			continue;
		dial->until_ms = now_ms() + (dial->next ? ADDRESS_MAX_MS : GREETING_MAX_MS);
		return r;
	}
	return r;
}
