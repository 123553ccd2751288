/* loop.c - waiting: one thread at a time polls for all connections of a wat, its own or a foreign
 * event loop's. */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "client/private.h"

#define EVENTS_MAX 64
#define SLEEP_MAX_MS 3600000u

void loop_wake(wat *w)
{
	const uint64_t one = 1;

	w->promised_ms = 0;
	if (write(w->wake, &one, sizeof one) < 0)
		return; /* the counter is full: it wakes already */
}

void loop_due(wat *w, uint64_t at_ms)
{
	if (at_ms < w->due_ms)
		w->due_ms = at_ms;
	if (at_ms < w->promised_ms)
		loop_wake(w);
}

static void earlier(uint64_t *at, uint64_t other)
{
	if (other < *at)
		*at = other;
}

/* When something is to be done though nothing arrives: a deadline, another try. */
static uint64_t next_time(const wat *w)
{
	uint64_t at = w->greeted ? UINT64_MAX : w->dial.until_ms;

	list_for_each (i, &w->capabilities) {
		const wat_capability *capability = container_of(i, wat_capability, link);

		list_for_each (j, &capability->calls) {
			earlier(&at, container_of(j, struct call, link)->deadline_ms);
		}
		if (list_empty(&capability->calls) || capability->binding != UNBOUND)
			continue;
		if (!w->connected)
			earlier(&at, w->retry_at_ms);
		else if (w->greeted)
			earlier(&at, capability->retry_at_ms);
	}
	return at;
}

int loop_timeout(const wat *w)
{
	uint64_t now = now_ms();

	if (!list_empty(&w->completed))
		return 0;
	if (w->due_ms == UINT64_MAX)
		return -1;
	if (w->due_ms <= now)
		return 0;
	return (int)(w->due_ms - now > SLEEP_MAX_MS ? SLEEP_MAX_MS : w->due_ms - now);
}

/* timeout_ms, or less if something is due before. */
static int sleep_time(const wat *w, int timeout_ms)
{
	int due = loop_timeout(w);

	if (timeout_ms < 0)
		return due;
	return due >= 0 && due < timeout_ms ? due : timeout_ms;
}

static void promise(wat *w)
{
	if (w->due_ms > w->promised_ms)
		w->promised_ms = w->due_ms;
}

static wat_capability *capability_by_fd(wat *w, int fd)
{
	list_for_each (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (capability->channel.fd == fd)
			return capability;
	}
	return NULL;
}

/* What the event was for may have gone meanwhile, and its number be another's: reading once in vain
 * does no harm. */
static void handle_event(wat *w, const struct epoll_event *event)
{
	wat_capability *capability;
	uint64_t count;

	if (event->data.fd == w->wake) {
		if (read(w->wake, &count, sizeof count) < 0)
			return;
	} else if (w->connected && event->data.fd == w->control.fd) {
		if (event->events & EPOLLOUT)
			connection_write(w);
		if (event->events & ~(uint32_t)EPOLLOUT)
			connection_read(w);
	} else if ((capability = capability_by_fd(w, event->data.fd))) {
		if (event->events & EPOLLOUT)
			channel_write(capability);
		if (event->events & ~(uint32_t)EPOLLOUT)
			channel_read(capability);
	}
}

/* Streams that could not be written: what came before the end is read. Channels that are left, once
 * nothing more is expected from them. */
static void end_streams(wat *w)
{
	if (w->connected && w->watch.broken)
		connection_read(w);
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (capability->multiplexed)
			channel_settle(capability);
		else if (capability->channel.fd >= 0 &&
			 (capability->watch.broken || capability->leaving))
			channel_read(capability);
	}
}

int loop_step(wat *w, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n, r;

	drive(w);
	end_streams(w);
	timeout_ms = sleep_time(w, timeout_ms);
	if (timeout_ms != 0)
		promise(w);
	(void)pthread_mutex_unlock(&w->lock);
	n = epoll_wait(w->epoll, events, EVENTS_MAX, timeout_ms);
	r = n < 0 && errno != EINTR ? -errno : 0;
	(void)pthread_mutex_lock(&w->lock);
	for (int i = 0; i < n; i++)
		handle_event(w, &events[i]);
	end_streams(w);
	if (w->due_ms <= now_ms()) {
		calls_expire(w);
		w->due_ms = next_time(w);
	}
	drive(w);
	return r;
}

int loop_wait(wat *w)
{
	int r;

	send_deferred(w);
	if (w->polling) {
		changed_wait(w, NULL);
		return 0;
	}
	w->polling = true;
	r = loop_step(w, -1);
	w->polling = false;
	changed_tell(w);
	deliver(w);
	return r;
}

/* Until the thread that polls has changed something, but not longer. */
static void wait_for_other(wat *w, int timeout_ms)
{
	struct timespec until;

	if (timeout_ms < 0) {
		changed_wait(w, NULL);
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	changed_wait(w, &until);
}

int wat_dispatch(wat *w, int timeout_ms)
{
	int r = 0;

	(void)pthread_mutex_lock(&w->lock);
	send_deferred(w);
	if (!w->polling) {
		w->polling = true;
		r = loop_step(w, timeout_ms);
		w->polling = false;
		changed_tell(w);
	} else if (timeout_ms != 0 && list_empty(&w->completed)) {
		wait_for_other(w, timeout_ms);
	}
	deliver(w);
	(void)pthread_mutex_unlock(&w->lock);
	return r < 0 ? failure_set_errno(r, "waiting for answers") : 0;
}

int wat_fd(const wat *w)
{
	return w->epoll;
}

int wat_timeout_ms(wat *w)
{
	int timeout_ms;

	(void)pthread_mutex_lock(&w->lock);
	promise(w);
	timeout_ms = loop_timeout(w);
	(void)pthread_mutex_unlock(&w->lock);
	return timeout_ms;
}

size_t wat_outstanding(wat *w)
{
	size_t n;

	(void)pthread_mutex_lock(&w->lock);
	n = w->outstanding;
	(void)pthread_mutex_unlock(&w->lock);
	return n;
}
