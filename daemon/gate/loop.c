/* loop.c - a thread of the gate with its event loop. */
#include "daemon/gate/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/gate/channel.h"
#include "daemon/gate/peer.h"
#include "proto/support/cleanup.h"

static void wake(struct loop *loop)
{
	const uint64_t one = 1;

	/* It only fails when it is full, and is awake then. */
	(void)!write(loop->inbox.fd, &one, sizeof one);
}

static void pass(struct loop *to, struct list *list, struct list *element)
{
	(void)pthread_mutex_lock(&to->inbox.lock);
	list_append(list, element);
	(void)pthread_mutex_unlock(&to->inbox.lock);
	wake(to);
}

void loop_pass_peer(struct loop *to, struct peer *peer)
{
	list_remove(&peer->link);
	pass(to, &to->inbox.peers, &peer->link);
}

void loop_pass_channel(struct loop *to, struct channel *channel)
{
	pass(to, &to->inbox.channels, &channel->lingering);
}

void loop_end(struct loop *loop)
{
	(void)pthread_mutex_lock(&loop->inbox.lock);
	loop->inbox.end = true;
	(void)pthread_mutex_unlock(&loop->inbox.lock);
	wake(loop);
}

static struct list *take(struct loop *loop, struct list *list)
{
	struct list *first;

	(void)pthread_mutex_lock(&loop->inbox.lock);
	first = list_first(list);
	if (first)
		list_remove(first);
	(void)pthread_mutex_unlock(&loop->inbox.lock);
	return first;
}

/* For each peer, the channels that were passed before it are there already. */
static void take_all(struct loop *loop)
{
	struct list *first;

	while ((first = take(loop, &loop->inbox.peers))) {
		struct list *channel;

		while ((channel = take(loop, &loop->inbox.channels)))
			channel_arrive(container_of(channel, struct channel, lingering));
		peer_arrive(container_of(first, struct peer, link), loop);
	}
	while ((first = take(loop, &loop->inbox.channels)))
		channel_arrive(container_of(first, struct channel, lingering));
}

static void on_inbox(int fd, short what, void *arg)
{
	struct loop *loop = arg;
	uint64_t n;
	bool end;

	(void)what;
	(void)!read(fd, &n, sizeof n);
	take_all(loop);
	(void)pthread_mutex_lock(&loop->inbox.lock);
	end = loop->inbox.end;
	(void)pthread_mutex_unlock(&loop->inbox.lock);
	if (end)
		(void)event_base_loopbreak(loop->base);
}

int loop_init(struct loop *loop)
{
	*loop = (struct loop){.inbox.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	list_init(&loop->peers);
	list_init(&loop->inbox.peers);
	list_init(&loop->inbox.channels);
	(void)pthread_mutex_init(&loop->inbox.lock, NULL);
	if (loop->inbox.fd < 0)
		return -errno;
	loop->base = event_base_new();
	if (!loop->base)
		return -ENOMEM;
	loop->inbox_readable =
		event_new(loop->base, loop->inbox.fd, EV_READ | EV_PERSIST, on_inbox, loop);
	return loop->inbox_readable && event_add(loop->inbox_readable, NULL) == 0 ? 0 : -ENOMEM;
}

int loop_run(struct loop *loop)
{
	do {
		if (event_base_loop(loop->base, loop->yields ? EVLOOP_ONCE : 0) < 0)
			return -EIO;
		if (loop->yields)
			(void)sched_yield();
	} while (!event_base_got_break(loop->base));
	return 0;
}

void loop_deinit(struct loop *loop)
{
	if (loop->inbox_readable)
		event_free(loop->inbox_readable);
	if (loop->base)
		event_base_free(loop->base);
	(void)pthread_mutex_destroy(&loop->inbox.lock);
	loop->inbox.fd = fd_close(loop->inbox.fd);
}
