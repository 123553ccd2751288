/* flooder.c - somebody who makes trouble, as fast as a process can, until it is killed.
 *
 *   bench-flood connects PLACE      connections that are closed at once
 *   bench-flood garbage PLACE       connections on which 64 KiB that mean nothing come
 *   bench-flood calls PLACE TOKEN   256 calls under way, all the time, of a counter of its own
 *
 * PLACE is the path of a unix socket, a TCP port of 127.0.0.1, or, for calls, what wat_connect
 * takes. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <wat/wat.h>

#include "counter.client.h"

#define IN_FLIGHT 256u

union place {
	struct sockaddr any;
	struct sockaddr_un local;
	struct sockaddr_in port;
};

static socklen_t parse(const char *text, union place *ret)
{
	memset(ret, 0, sizeof *ret);
	if (*text != '/') {
		ret->port.sin_family = AF_INET;
		ret->port.sin_port = htons((uint16_t)strtoul(text, NULL, 10));
		ret->port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof ret->port;
	}
	ret->local.sun_family = AF_UNIX;
	(void)snprintf(ret->local.sun_path, sizeof ret->local.sun_path, "%s", text);
	return sizeof ret->local;
}

static void connect_for_ever(const char *text, const char *bytes, size_t n)
{
	/* The port of a connection that was reset can be used again at once. */
	const struct linger reset = {.l_onoff = 1};
	union place place;
	socklen_t size = parse(text, &place);

	for (;;) {
		int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 && place.any.sa_family == AF_INET)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		/* Whatever becomes of it. */
		if (fd >= 0 && connect(fd, &place.any, size) == 0 && n > 0)
			(void)!send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)close(fd);
	}
}

static void on_value(void *arg,
		     int status,
		     const counter_value *out,
		     const struct wat_failure *failure)
{
	counter_amount one = COUNTER_AMOUNT_INIT;

	(void)out;
	(void)failure;
	one.n = 1;
	if (status == 0)
		(void)counter_increment_send(arg, &one, on_value, arg);
}

static int call_for_ever(const char *place, const char *token)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	counter_user *user;
	wat *w;

	one.n = 1;
	if (wat_connect(place, &w) != 0 || counter_user_open(w, token, &user) != 0)
		return 1;
	for (size_t i = 0; i < IN_FLIGHT; i++)
		(void)counter_increment_send(user, &one, on_value, user);
	while (wat_outstanding(w) > 0 && wat_dispatch(w, -1) == 0)
		;
	return 1;
}

int main(int argc, char **argv)
{
	static char garbage[65536];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof garbage; i++)
		garbage[i] = (char)(i * 7 + 3);
	if (argc == 3 && strcmp(argv[1], "connects") == 0)
		connect_for_ever(argv[2], NULL, 0);
	else if (argc == 3 && strcmp(argv[1], "garbage") == 0)
		connect_for_ever(argv[2], garbage, sizeof garbage);
	else if (argc == 4 && strcmp(argv[1], "calls") == 0)
		return call_for_ever(argv[2], argv[3]);
	fputs("usage: bench-flood connects|garbage|calls PLACE [TOKEN]\n", stderr);
	return 64;
}
