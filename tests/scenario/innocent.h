/* innocent.h - a client that works beside a bad one: it plants tree after tree in an instance of
 * forest.Forest, and ends the test if one of its calls fails or if another one planted, too. */
#ifndef WAT_TESTS_INNOCENT_H
#define WAT_TESTS_INNOCENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "forest.client.h"

struct innocent {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t n; /* calls that were answered */
	bool stop;
	forest_user *user;
	wat *client;
};

/* Begins to work, in a thread of its own, in an instance where nothing is planted yet. */
void innocent_start(struct innocent *innocent, const char *socket, const char *token);
/* Waits until one more of its calls was begun and answered. */
void innocent_await(struct innocent *innocent);
void innocent_stop(struct innocent *innocent);

#endif
