/* flooder.c - somebody who makes trouble, as fast as a process can, until it is killed.
 *
 *   bench-flood connects PLACE              connections that are closed at once
 *   bench-flood garbage PLACE               connections on which 64 KiB that mean nothing come
 *   bench-flood handshakes PLACE [SOURCE]   connections on which a handshake begins that is only
 *                                           found to be none by cryptography; from that address
 *   bench-flood calls PLACE TOKEN           256 calls under way, all the time, of a counter of its
 *                                           own
 *
 * PLACE is the path of a unix socket, a TCP port of 127.0.0.1, or, for calls, what wat_connect
 * takes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
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
#define HANDSHAKE_SIZE 48 /* a key and a tag */

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

/* What is sent on each connection, and what of it is waited for. */
struct speech {
	const char *bytes;
	size_t n;
	bool hears; /* the answer, or the end, before the next connection */
};

static void speak(int fd, const struct speech *speech)
{
	char answer[64];

	/* Whatever becomes of it. */
	if (speech->n > 0)
		(void)!send(fd, speech->bytes, speech->n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (speech->hears)
		(void)!recv(fd, answer, sizeof answer, 0);
}

static void connect_for_ever(const char *text, const char *source, const struct speech *speech)
{
	/* The port of a connection that was reset can be used again at once. */
	const struct linger reset = {.l_onoff = 1};
	struct sockaddr_in from = {.sin_family = AF_INET};
	union place place;
	socklen_t size = parse(text, &place);

	if (source && inet_pton(AF_INET, source, &from.sin_addr) != 1)
		return;
	for (;;) {
		int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 && place.any.sa_family == AF_INET)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		if (fd >= 0 && source)
			(void)!bind(fd, (const struct sockaddr *)&from, sizeof from);
		if (fd >= 0 && connect(fd, &place.any, size) == 0)
			speak(fd, speech);
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
	struct speech speech = {.bytes = garbage};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof garbage; i++)
		garbage[i] = (char)(i * 7 + 3);
	if (argc == 3 && strcmp(argv[1], "garbage") == 0)
		speech.n = sizeof garbage;
	if (argc >= 3 && strcmp(argv[1], "handshakes") == 0) {
		garbage[0] = HANDSHAKE_SIZE;
		garbage[1] = 0;
		speech.n = 2 + HANDSHAKE_SIZE;
		speech.hears = true;
	}
	if (argc == 4 && strcmp(argv[1], "calls") == 0)
		return call_for_ever(argv[2], argv[3]);
	if (argc >= 3 && argc <= 4 && (speech.n > 0 || strcmp(argv[1], "connects") == 0))
		connect_for_ever(argv[2], argc == 4 ? argv[3] : NULL, &speech);
	fputs("usage: bench-flood connects|garbage|handshakes|calls PLACE [SOURCE|TOKEN]\n",
	      stderr);
	return 64;
}
