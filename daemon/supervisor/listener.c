/* listener.c - listening unix sockets. Loop thread. */
#include "daemon/supervisor/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/descriptors.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/overloads.h"
#include "daemon/supervisor/session.h"
#include "proto/support/cleanup.h"

#define BACKLOG 512
#define ACCEPTS_PER_EVENT 64
#define PAUSE_MS 100 /* without descriptors accept would fail again at once */

struct listener {
	struct node *node;
	struct event *acceptable, *resume;
	struct sockaddr_un address;
	int fd, spare;
	bool admin, bound;
};

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)what;
	spare_keep(&listener->spare, listener->fd);
	(void)event_add(listener->acceptable, NULL);
}

static void refuse(int fd)
{
	overload_refuse(fd, OVERLOAD_DESCRIPTORS);
}

static void pause_accepting(struct listener *listener)
{
	static const struct origin unknown = {.uid = (uid_t)-1};
	struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
	unsigned n = spare_refuse(&listener->spare, listener->fd, ACCEPTS_PER_EVENT, refuse);

	overloads_add(listener->node->overloads, OVERLOAD_DESCRIPTORS, &unknown, n ? n : 1);
	(void)event_del(listener->acceptable);
	(void)event_add(listener->resume, &pause);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client >= 0) {
			if (session_new(listener->node, client, listener->admin) < 0)
				log_warning("a connection is refused", "why", "no memory");
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_accepting(listener);
		return;
	}
}

/* A child that a killed watd had just forked has its sockets until it executes the host, and nobody
 * accepts there. Who called listen is in the credentials; unknown counts as there. */
static bool is_listener_there(int connected)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || peer.pid <= 0 ||
	       kill(peer.pid, 0) == 0 || errno != ESRCH;
}

/* A socket file left by a watd that was killed: nobody answers there. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_(fd_closep) int probe =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (probe < 0)
		return -errno;
	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0) {
		if (is_listener_there(probe))
			return -EADDRINUSE;
	} else if (errno != ECONNREFUSED) {
		return errno == EAGAIN ? -EADDRINUSE : -errno;
	}
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

/* root's sockets belong to the group watd, if there is one: its members may connect. */
static int give_to_group(const char *path)
{
	const struct group *group = geteuid() == 0 ? getgrnam("watd") : NULL;

	if (!group)
		return 0;
	return chown(path, (uid_t)-1, group->gr_gid) < 0 ? -errno : 0;
}

static int bind_path(struct listener *listener, unsigned mode)
{
	const char *path = listener->address.sun_path;
	mode_t mask;
	int r = remove_stale(&listener->address);

	if (r < 0)
		return r;
	/* Never open to more than its mode, not even between bind and chmod. */
	mask = umask(0177);
	r = bind(listener->fd, (struct sockaddr *)&listener->address, sizeof listener->address) < 0
		    ? -errno
		    : 0;
	umask(mask);
	if (r < 0)
		return r;
	listener->bound = true;
	if (mode & 070)
		r = give_to_group(path);
	if (r < 0)
		return r;
	if (chmod(path, (mode_t)mode) < 0 || listen(listener->fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

static struct listener *alloc_listener(struct node *node, int fd, bool admin)
{
	struct listener *listener = calloc(1, sizeof *listener);

	if (!listener) {
		fd_close(fd);
		return NULL;
	}
	listener->node = node;
	listener->admin = admin;
	listener->fd = fd;
	listener->spare = -1;
	return listener;
}

static int accept_connections(struct listener *listener)
{
	listener->acceptable = event_new(listener->node->base, listener->fd, EV_READ | EV_PERSIST,
					 on_acceptable, listener);
	listener->resume = evtimer_new(listener->node->base, on_resume, listener);
	spare_keep(&listener->spare, listener->fd);
	if (!listener->acceptable || !listener->resume || event_add(listener->acceptable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int listener_new(struct node *node,
		 const char *path,
		 unsigned mode,
		 bool admin,
		 struct listener **ret)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct listener *listener;
	int r;

	if (fd < 0)
		return -errno;
	listener = alloc_listener(node, fd, admin);
	if (!listener)
		return -ENOMEM;
	listener->address.sun_family = AF_UNIX;
	r = strlen(path) < sizeof listener->address.sun_path ? 0 : -ENAMETOOLONG;
	if (r == 0) {
		memcpy(listener->address.sun_path, path, strlen(path) + 1);
		r = bind_path(listener, mode);
	}
	if (r == 0)
		r = accept_connections(listener);
	if (r < 0) {
		listener_free(listener);
		return r;
	}
	*ret = listener;
	return 0;
}

int listener_adopt(struct node *node, int fd, bool admin, struct listener **ret)
{
	struct listener *listener = alloc_listener(node, fd, admin);
	socklen_t n = sizeof listener->address - 1;
	int r;

	if (!listener)
		return -ENOMEM;
	/* A client that hangs up between poll and accept must not hold the loop. */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    getsockname(fd, (struct sockaddr *)&listener->address, &n) < 0)
		r = -errno;
	else
		r = accept_connections(listener);
	if (r < 0) {
		listener_free(listener);
		return r;
	}
	*ret = listener;
	return 0;
}

const char *listener_path(const struct listener *listener)
{
	return listener->address.sun_path;
}

struct listener *listener_free(struct listener *listener)
{
	if (!listener)
		return NULL;
	if (listener->acceptable)
		event_free(listener->acceptable);
	if (listener->resume)
		event_free(listener->resume);
	if (listener->bound)
		(void)unlink(listener->address.sun_path);
	fd_close(listener->spare);
	fd_close(listener->fd);
	free(listener);
	return NULL;
}

void listener_lend(struct listener *listener)
{
	listener->spare = fd_close(listener->spare);
	(void)event_del(listener->acceptable);
}

int listener_fd(const struct listener *listener)
{
	return listener->fd;
}
