/* loop.c - waiting: one thread at a time polls for all connections of a wat. */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/private.h"

void loop_wake(wat *w)
{
	const uint64_t one = 1;

	if (w->polling && write(w->wake, &one, sizeof one) < 0)
		return; /* the counter is full: it wakes already */
}

static int add_fd(wat *w, size_t *n, int fd, const struct stream *stream)
{
	if (*n == w->fds_size) {
		size_t size = w->fds_size ? w->fds_size * 2 : 8;
		struct pollfd *grown = reallocarray(w->fds, size, sizeof *grown);

		if (!grown)
			return -ENOMEM;
		w->fds = grown;
		w->fds_size = size;
	}
	w->fds[*n] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (stream && stream_pending(stream) > 0)
		w->fds[*n].events |= POLLOUT;
	return (int)(*n)++;
}

static int gather(wat *w, size_t *ret_n)
{
	size_t n = 0;
	int r = add_fd(w, &n, w->wake, NULL);

	w->control_index = -1;
	if (r >= 0 && w->connected)
		r = w->control_index = add_fd(w, &n, w->control.fd, &w->control);
	list_for_each (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		capability->poll_index = -1;
		if (r >= 0 && capability->channel.fd >= 0)
			r = capability->poll_index =
				add_fd(w, &n, capability->channel.fd, &capability->channel);
	}
	*ret_n = n;
	return r < 0 ? r : 0;
}

static void earlier(uint64_t *at, uint64_t other)
{
	if (other < *at)
		*at = other;
}

/* When something is to be done though nothing arrives: a deadline, another try. */
static uint64_t next_time(const wat *w)
{
	uint64_t at = UINT64_MAX;

	list_for_each (i, &w->capabilities) {
		const wat_capability *capability = container_of(i, wat_capability, link);

		list_for_each (j, &capability->calls) {
			earlier(&at, container_of(j, struct call, link)->deadline_ms);
		}
		if (list_empty(&capability->calls) || capability->binding != UNBOUND)
			continue;
		earlier(&at, w->connected ? capability->retry_at_ms : w->retry_at_ms);
	}
	return at;
}

static int poll_timeout(const wat *w, int timeout_ms)
{
	uint64_t at = next_time(w), now = now_ms(), left;

	if (at == UINT64_MAX)
		return timeout_ms;
	left = at > now ? at - now : 0;
	if (left > 3600000)
		left = 3600000;
	return timeout_ms >= 0 && (uint64_t)timeout_ms < left ? timeout_ms : (int)left;
}

static void expire(wat *w)
{
	uint64_t now = now_ms();

	list_for_each (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		list_for_each_safe (j, &capability->calls) {
			struct call *call = container_of(j, struct call, link);

			if (call->deadline_ms <= now)
				call_complete(call, WAT_DEADLINE_EXCEEDED, NULL,
					      "no answer came within the time of the call");
		}
	}
}

static short revents_of(const wat *w, int index)
{
	return index >= 0 ? w->fds[index].revents : 0;
}

static void handle_events(wat *w)
{
	short events = revents_of(w, w->control_index);
	uint64_t count;

	if (w->fds[0].revents && read(w->wake, &count, sizeof count) < 0)
		w->fds[0].revents = 0;
	if (w->connected && (events & POLLOUT))
		connection_write(w);
	if (w->connected && (events & ~POLLOUT))
		connection_read(w);
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		events = revents_of(w, capability->poll_index);
		capability->poll_index = -1;
		if (capability->channel.fd >= 0 && (events & POLLOUT))
			channel_write(capability);
		if (capability->channel.fd >= 0 && (events & ~POLLOUT))
			channel_read(capability);
	}
}

int loop_step(wat *w, int timeout_ms)
{
	size_t n;
	int r;

	drive(w);
	if (!list_empty(&w->completed))
		timeout_ms = 0;
	r = gather(w, &n);
	if (r < 0)
		return r;
	timeout_ms = poll_timeout(w, timeout_ms);
	(void)pthread_mutex_unlock(&w->lock);
	r = poll(w->fds, n, timeout_ms) < 0 && errno != EINTR ? -errno : 0;
	(void)pthread_mutex_lock(&w->lock);
	if (r < 0)
		return r;
	handle_events(w);
	expire(w);
	drive(w);
	return 0;
}

void loop_deliver(wat *w)
{
	struct list *first;

	while ((first = list_first(&w->completed))) {
		struct call *call = container_of(first, struct call, link);

		list_remove(first);
		(void)pthread_mutex_unlock(&w->lock);
		call->callback(call->arg, call->status, call->reply, call->reply_len,
			       call->status == 0 ? NULL
						 : failure_public(call->status, call->failure));
		call_free(call);
		(void)pthread_mutex_lock(&w->lock);
		w->outstanding--;
	}
}

int wat_dispatch(wat *w, int timeout_ms)
{
	int r = 0;

	(void)pthread_mutex_lock(&w->lock);
	if (w->polling) {
		/* Another thread does it; what it completes is delivered by it or here. */
		if (timeout_ms != 0 && list_empty(&w->completed))
			(void)pthread_cond_wait(&w->changed, &w->lock);
	} else {
		w->polling = true;
		r = loop_step(w, timeout_ms);
		w->polling = false;
		(void)pthread_cond_broadcast(&w->changed);
	}
	loop_deliver(w);
	(void)pthread_mutex_unlock(&w->lock);
	return r < 0 ? failure_set_errno(r, "waiting for answers") : 0;
}

size_t wat_outstanding(wat *w)
{
	size_t n;

	(void)pthread_mutex_lock(&w->lock);
	n = w->outstanding;
	(void)pthread_mutex_unlock(&w->lock);
	return n;
}
