/* queue.c - items from thread to thread. The mutex is held for a few instructions only. */
#include "daemon/host/queue.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>

#include "proto/support/cleanup.h"

int queue_init(struct queue *queue)
{
	int r;

	queue->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->eventfd < 0)
		return -errno;
	r = pthread_mutex_init(&queue->mutex, NULL);
	if (r != 0) {
		queue->eventfd = fd_close(queue->eventfd);
		return -r;
	}
	list_init(&queue->items);
	return 0;
}

void queue_deinit(struct queue *queue)
{
	assert(list_empty(&queue->items));
	(void)pthread_mutex_destroy(&queue->mutex);
	queue->eventfd = fd_close(queue->eventfd);
}

void queue_post(struct queue *queue, struct list *item)
{
	bool first;

	(void)pthread_mutex_lock(&queue->mutex);
	first = list_empty(&queue->items);
	list_append(&queue->items, item);
	/* Inside the lock: whoever takes the last item may end the queue right after. It fails only
	 * when the counter is full, and then the reader is awake anyway. */
	if (first)
		(void)eventfd_write(queue->eventfd, 1);
	(void)pthread_mutex_unlock(&queue->mutex);
}

void queue_take(struct queue *queue, struct list *ret_items)
{
	eventfd_t count;

	/* Before the items are taken: what is posted in between wakes once more. */
	(void)eventfd_read(queue->eventfd, &count);
	(void)pthread_mutex_lock(&queue->mutex);
	if (!list_empty(&queue->items)) {
		*ret_items = queue->items;
		ret_items->prev->next = ret_items->next->prev = ret_items;
		list_init(&queue->items);
	}
	(void)pthread_mutex_unlock(&queue->mutex);
}
