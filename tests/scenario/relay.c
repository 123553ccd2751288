/* relay.c - a machine on the way. Its thread has one connection at a time. */
#include "tests/scenario/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/scenario/hand.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* False: this direction has ended. */
static bool pass(int from, int to, struct relay_copy *copy)
{
	uint8_t bytes[65536];
	ssize_t n = recv(from, bytes, sizeof bytes, 0);

	if (n <= 0 || send(to, bytes, (size_t)n, MSG_NOSIGNAL) != n)
		return false;
	copy->bytes = realloc(copy->bytes, copy->n + (size_t)n);
	must(copy->bytes != NULL, "realloc");
	memcpy(copy->bytes + copy->n, bytes, (size_t)n);
	copy->n += (size_t)n;
	return true;
}

enum order { CUT = 'c', STOP = 's' };

static char take_order(struct relay *relay)
{
	char order;

	must(read(relay->orders[0], &order, 1) == 1, "read");
	return order;
}

/* Until one of the two ends it, or it is cut. False: the relay is stopped. */
static bool serve(struct relay *relay, int client)
{
	int watd = hand_dial(relay->to);
	struct pollfd fds[] = {{.fd = client, .events = POLLIN},
			       {.fd = watd, .events = POLLIN},
			       {.fd = relay->orders[0], .events = POLLIN}};
	char order = CUT;

	while (poll(fds, 3, -1) > 0) {
		if (fds[2].revents) {
			order = take_order(relay);
			break;
		}
		if (fds[0].revents && !pass(client, watd, &relay->up))
			break;
		if (fds[1].revents && !pass(watd, client, &relay->down))
			break;
	}
	close(watd);
	close(client);
	return order != STOP;
}

static void *run(void *arg)
{
	struct relay *relay = arg;
	struct pollfd fds[] = {{.fd = relay->listener, .events = POLLIN},
			       {.fd = relay->orders[0], .events = POLLIN}};
	bool going = true;

	while (going && poll(fds, 2, -1) > 0) {
		if (fds[1].revents)
			going = take_order(relay) != STOP;
		else
			going = serve(relay, accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC));
	}
	return NULL;
}

void relay_start(struct relay *relay, const char *address)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof own;

	*relay = (struct relay){.to = address};
	relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(relay->listener, (struct sockaddr *)&own, sizeof own) == 0 &&
		     listen(relay->listener, 8) == 0 &&
		     getsockname(relay->listener, (struct sockaddr *)&own, &n) == 0 &&
		     pipe(relay->orders) == 0,
	     "relay");
	snprintf(relay->address, sizeof relay->address, "%.*s@127.0.0.1:%u",
		 (int)strcspn(address, "@"), address, ntohs(own.sin_port));
	must(pthread_create(&relay->thread, NULL, run, relay) == 0, "thread");
}

void relay_cut(struct relay *relay)
{
	must(write(relay->orders[1], "c", 1) == 1, "write");
}

void relay_stop(struct relay *relay)
{
	must(write(relay->orders[1], "s", 1) == 1, "write");
	must(pthread_join(relay->thread, NULL) == 0, "join");
	close(relay->listener);
	close(relay->orders[0]);
	close(relay->orders[1]);
}

void relay_free(struct relay *relay)
{
	free(relay->up.bytes);
	free(relay->down.bytes);
}
