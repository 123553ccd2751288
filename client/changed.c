/* changed.c - waiting for what another thread, which polls or runs callbacks, changes. Guarded by
 * wat->lock, which is released while a thread waits. */
#include <pthread.h>

#include "client/private.h"

int changed_init(wat *w)
{
	pthread_condattr_t attributes;
	int r = pthread_condattr_init(&attributes);

	if (r != 0)
		return -r;
	r = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (r == 0)
		r = pthread_cond_init(&w->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return -r;
}

void changed_deinit(wat *w)
{
	(void)pthread_cond_destroy(&w->changed);
}

void changed_wait(wat *w, const struct timespec *until)
{
	w->n_waiting++;
	if (until)
		(void)pthread_cond_timedwait(&w->changed, &w->lock, until);
	else
		(void)pthread_cond_wait(&w->changed, &w->lock);
	w->n_waiting--;
}
