/* worker.c - a program of its own that shares a service with others: worker SOCKET TOKEN THREADS
 * CALLS. Its threads share one connection and one handle; each increments by 1, half of them
 * pipelined. Exit 0: every call was answered, with a number greater than the one before. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "counter.client.h"

static wat *shared_wat;
static counter_user *shared_user;
static long n_calls;

struct thread {
	pthread_t id;
	long done;
	int64_t last;
	int failed;
};

static void take(struct thread *t, int status, int64_t value)
{
	t->done++;
	if (status != 0 || value <= t->last)
		t->failed = 1;
	t->last = value;
}

static void *block(void *arg)
{
	struct thread *t = arg;

	for (long i = 0; i < n_calls; i++) {
		int64_t value = 0;
		int r = counter_increment_with(shared_user, 1, &value);

		take(t, r, value);
	}
	return NULL;
}

/* Each callback may run on any of the threads; they run in order, and the count is read by its own
 * thread only when it is complete. */
struct pipelined {
	pthread_mutex_t lock;
	struct thread *thread;
};

static void on_done(void *arg,
		    int status,
		    const counter_value *out,
		    const struct wat_failure *failure)
{
	struct pipelined *p = arg;

	(void)failure;
	pthread_mutex_lock(&p->lock);
	/* Two threads may deliver two answers at once: their order is then not the calls'. */
	p->thread->done++;
	if (status != 0 || !out || out->value <= 0)
		p->thread->failed = 1;
	pthread_mutex_unlock(&p->lock);
}

static long done_of(struct pipelined *p)
{
	long done;

	pthread_mutex_lock(&p->lock);
	done = p->thread->done;
	pthread_mutex_unlock(&p->lock);
	return done;
}

static void *pipeline(void *arg)
{
	struct pipelined p = {PTHREAD_MUTEX_INITIALIZER, arg};
	counter_amount one = COUNTER_AMOUNT_INIT;

	one.n = 1;
	for (long i = 0; i < n_calls; i++) {
		if (counter_increment_send(shared_user, &one, on_done, &p) != 0)
			p.thread->failed = 1;
		while (i + 1 - done_of(&p) > 64)
			if (wat_dispatch(shared_wat, -1) != 0)
				abort();
	}
	while (done_of(&p) < n_calls)
		if (wat_dispatch(shared_wat, -1) != 0)
			abort();
	return NULL;
}

int main(int argc, char **argv)
{
	struct thread threads[64] = {0};
	int n = argc == 5 ? atoi(argv[3]) : 0, failed = 0;

	if (n < 1 || n > 64)
		return 64;
	n_calls = atol(argv[4]);
	if (wat_connect(argv[1], &shared_wat) != 0 ||
	    counter_user_open(shared_wat, argv[2], &shared_user) != 0) {
		fprintf(stderr, "%s\n", wat_failure()->text);
		return 1;
	}
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i].id, NULL, i % 2 ? pipeline : block, &threads[i]) !=
		    0)
			return 1;
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i].id, NULL);
		failed += threads[i].failed || threads[i].done != n_calls;
	}
	counter_user_free(shared_user);
	wat_free(shared_wat);
	return failed ? 1 : 0;
}
