/* innocent.c - a client that works beside a bad one, in a thread of its own. */
#include "tests/scenario/innocent.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/cases.h"

static void fail_innocent(int r, uint64_t expected, uint64_t got)
{
	fprintf(stderr, "the innocent: %d (%s), expected %llu, got %llu\n", r,
		r ? wat_failure()->text : "", (unsigned long long)expected,
		(unsigned long long)got);
	abort();
}

/* What was planted is what this client planted: none of the flood's calls was taken for another. */
static void *work(void *arg)
{
	struct innocent *innocent = arg;
	forest_tree tree = FOREST_TREE_INIT;
	bool stop = false;

	while (!stop) {
		forest_number *number = NULL;
		int r = forest_plant(innocent->user, &tree, &number);

		if (r != 0 || number->n != innocent->n + 1)
			fail_innocent(r, innocent->n + 1, number ? number->n : 0);
		forest_number_free(number);
		(void)pthread_mutex_lock(&innocent->lock);
		innocent->n++;
		stop = innocent->stop;
		(void)pthread_cond_signal(&innocent->moved);
		(void)pthread_mutex_unlock(&innocent->lock);
	}
	return NULL;
}

void innocent_await(struct innocent *innocent)
{
	uint64_t n;

	(void)pthread_mutex_lock(&innocent->lock);
	n = innocent->n;
	while (innocent->n < n + 2)
		(void)pthread_cond_wait(&innocent->moved, &innocent->lock);
	(void)pthread_mutex_unlock(&innocent->lock);
}

void innocent_start(struct innocent *innocent, const char *socket, const char *token)
{
	assert_int_equal(wat_connect(socket, &innocent->client), 0);
	assert_int_equal(forest_user_open(innocent->client, token, &innocent->user), 0);
	assert_int_equal(pthread_mutex_init(&innocent->lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&innocent->moved, NULL), 0);
	assert_int_equal(pthread_create(&innocent->thread, NULL, work, innocent), 0);
}

void innocent_stop(struct innocent *innocent)
{
	(void)pthread_mutex_lock(&innocent->lock);
	innocent->stop = true;
	(void)pthread_mutex_unlock(&innocent->lock);
	(void)pthread_join(innocent->thread, NULL);
	forest_user_free(innocent->user);
	wat_free(innocent->client);
}
