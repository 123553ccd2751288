/* queue.h - the way from one thread to another: a list under a mutex, and an eventfd that wakes the
 * reader's loop. Any thread may post, one takes. Items embed a struct list; they belong to the
 * queue while they are in it. */
#ifndef WAT_HOST_QUEUE_H
#define WAT_HOST_QUEUE_H

#include <pthread.h>

#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct queue {
	pthread_mutex_t mutex;
	struct list items;
	int eventfd; /* readable when something was posted */
};

int queue_init(struct queue *queue) WAT_MUST_CHECK;
/* Nothing may be left inside. */
void queue_deinit(struct queue *queue);
void queue_post(struct queue *queue, struct list *item);
/* Everything that was posted, in order, into an empty list. */
void queue_take(struct queue *queue, struct list *ret_items);

#endif
