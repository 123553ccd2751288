/* accept.c - the listening sockets that watd opened: who may connect. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/base/descriptors.h"
#include "daemon/gate/arrival.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/peer.h"
#include "proto/stream_secure.h"
#include "proto/support/cleanup.h"

#define ACCEPTS_PER_EVENT 16
#define PAUSE_MS 100 /* without descriptors accept would fail again at once */

struct listener {
	struct list link; /* gate->listeners */
	struct gate *gate;
	struct event *acceptable, *resume;
	int fd, spare;
	bool tcp;
};

static struct listener *listener_free(struct listener *listener)
{
	list_remove(&listener->link);
	if (listener->acceptable)
		event_free(listener->acceptable);
	if (listener->resume)
		event_free(listener->resume);
	fd_close(listener->spare);
	fd_close(listener->fd);
	free(listener);
	return NULL;
}

void accept_nothing(struct gate *gate)
{
	struct list *first;

	while ((first = list_first(&gate->listeners)))
		listener_free(container_of(first, struct listener, link));
}

static void on_resume(int fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)what;
	spare_keep(&listener->spare, listener->fd);
	(void)event_add(listener->acceptable, NULL);
}

static void refuse_tcp(int fd)
{
	stream_secure_refuse(fd, OVERLOAD_DESCRIPTORS);
}

static void refuse_unix(int fd)
{
	overload_refuse(fd, OVERLOAD_DESCRIPTORS);
}

static void pause_accepting(struct listener *listener)
{
	static const struct refused unknown = {.uid = (uid_t)-1};
	struct timeval pause = {.tv_usec = PAUSE_MS * 1000};

	(void)spare_refuse(&listener->spare, listener->fd, ACCEPTS_PER_EVENT,
			   listener->tcp ? refuse_tcp : refuse_unix);
	refusals_add(&listener->gate->refusals, OVERLOAD_DESCRIPTORS, &unknown);
	(void)event_del(listener->acceptable);
	(void)event_add(listener->resume, &pause);
}

static void take(struct listener *listener, int fd, const struct sockaddr *address, socklen_t n)
{
	struct gate *gate = listener->gate;
	_cleanup_(fd_closep) int owned = fd;
	struct arrival arrival;
	enum overload limit;

	if (arrival_meet(&arrival, fd, listener->tcp ? address : NULL, n) < 0)
		return;
	limit = arrival_admit(gate, &arrival);
	if (limit != OVERLOAD_NONE)
		arrival_refuse(gate, &arrival, fd, limit);
	else if (peer_new(gate, fd_take(&owned), &arrival) < 0)
		refusals_add(&gate->refusals, OVERLOAD_MEMORY, &arrival.who);
}

static void on_acceptable(int fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage address;
		socklen_t n = sizeof address;
		int client =
			accept4(fd, (struct sockaddr *)&address, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client >= 0) {
			take(listener, client, (const struct sockaddr *)&address, n);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_accepting(listener);
		return;
	}
}

int accept_from(struct gate *gate, int fd, bool tcp)
{
	struct listener *listener = calloc(1, sizeof *listener);

	if (!listener) {
		fd_close(fd);
		return -ENOMEM;
	}
	*listener = (struct listener){.gate = gate, .fd = fd, .spare = -1, .tcp = tcp};
	list_append(&gate->listeners, &listener->link);
	listener->acceptable =
		event_new(gate->patient.base, fd, EV_READ | EV_PERSIST, on_acceptable, listener);
	listener->resume = evtimer_new(gate->patient.base, on_resume, listener);
	spare_keep(&listener->spare, fd);
	if (listener->acceptable && listener->resume && event_add(listener->acceptable, NULL) == 0)
		return 0;
	listener_free(listener);
	return -ENOMEM;
}
