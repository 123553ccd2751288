/* accept.c - the listening sockets that watd opened: who may connect. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/peer.h"
#include "proto/support/cleanup.h"

#define ACCEPTS_PER_EVENT 64
#define PAUSE_MS 100       /* without descriptors accept would fail again at once */
#define STRANGERS_MAX 512u /* that have not bound anything yet; above it, one of them goes */
#define COMPLAINT_MS 5000  /* a flood is one line so often */

struct listener {
	struct list link; /* gate->listeners */
	struct gate *gate;
	struct event *acceptable, *resume;
	int fd;
	bool tcp;
	uint64_t complained_ms;
};

static struct listener *listener_free(struct listener *listener)
{
	list_remove(&listener->link);
	if (listener->acceptable)
		event_free(listener->acceptable);
	if (listener->resume)
		event_free(listener->resume);
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

static void complain(struct listener *listener, const char *why)
{
	uint64_t now = clock_monotonic_ms();

	if (listener->complained_ms && now - listener->complained_ms < COMPLAINT_MS)
		return;
	listener->complained_ms = now;
	log_warning("connections are refused for the moment", "why", why, "door",
		    listener->tcp ? "tcp" : "unix");
}

static void on_resume(int fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)what;
	(void)event_add(listener->acceptable, NULL);
}

static void pause_accepting(struct listener *listener, int error)
{
	struct timeval pause = {.tv_usec = PAUSE_MS * 1000};

	complain(listener, strerror(error));
	(void)event_del(listener->acceptable);
	(void)event_add(listener->resume, &pause);
}

/* Of those who proved nothing, as likely a newcomer as one that came before: who sends many
 * connections loses many. */
static bool make_room(struct listener *listener)
{
	struct gate *gate = listener->gate;

	if (gate->n_strangers >= STRANGERS_MAX) {
		complain(listener, "too many that prove nothing");
		peers_drop_stranger(gate);
	}
	if (gate->n_peers >= gate->connections_max || gate->n_fds + 2 > gate->fds_max) {
		if (gate->n_strangers == 0)
			return false;
		peers_drop_stranger(gate);
	}
	return true;
}

static void take(struct listener *listener, int fd, const struct sockaddr *address, socklen_t n)
{
	int r;

	if (!make_room(listener)) {
		fd_close(fd);
		complain(listener, "gate-connections are there already");
		return;
	}
	r = peer_new(listener->gate, fd, listener->tcp ? address : NULL, n);
	if (r == -EMFILE)
		complain(listener, "gate-connections-of-address are there already of one address");
	else if (r < 0)
		complain(listener, strerror(-r));
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
			pause_accepting(listener, errno);
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
	*listener = (struct listener){.gate = gate, .fd = fd, .tcp = tcp};
	list_append(&gate->listeners, &listener->link);
	listener->acceptable =
		event_new(gate->base, fd, EV_READ | EV_PERSIST, on_acceptable, listener);
	listener->resume = evtimer_new(gate->base, on_resume, listener);
	if (listener->acceptable && listener->resume && event_add(listener->acceptable, NULL) == 0)
		return 0;
	listener_free(listener);
	return -ENOMEM;
}
