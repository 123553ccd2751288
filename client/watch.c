/* watch.c - the epoll set of a wat: its sockets and its wake-up. Guarded by wat->lock; the kernel
 * lets the set change while a thread waits on it. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "client/private.h"
#include "proto/support/cleanup.h"

int watch_init(wat *w)
{
	struct epoll_event event = {.events = EPOLLIN};

	w->watch.fd = -1;
	w->wake = -1;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll >= 0)
		w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->wake < 0)
		return -errno;
	event.data.fd = w->wake;
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->wake, &event) < 0 ? -errno : 0;
}

void watch_deinit(wat *w)
{
	w->epoll = fd_close(w->epoll);
	w->wake = fd_close(w->wake);
}

void watch_update(wat *w, struct watch *watch, const struct stream *stream)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = stream->fd};
	int operation = watch->fd < 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (stream->fd < 0)
		return;
	if (stream_wants_write(stream))
		event.events |= EPOLLOUT;
	if (watch->fd == stream->fd && watch->events == event.events)
		return;
	/* Out of kernel memory, or of max_user_watches: it would never be heard again. */
	if (epoll_ctl(w->epoll, operation, stream->fd, &event) < 0) {
		watch_break(w, watch);
		return;
	}
	watch->fd = stream->fd;
	watch->events = event.events;
}

void watch_remove(wat *w, struct watch *watch)
{
	struct epoll_event unused = {0};

	/* Closing is not enough where a fork has copied the descriptor. */
	if (watch->fd >= 0)
		(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, watch->fd, &unused);
	*watch = (struct watch){.fd = -1};
}

void watch_break(wat *w, struct watch *watch)
{
	if (!watch->broken)
		loop_wake(w);
	watch->broken = true;
}
