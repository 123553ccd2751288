/* wat.c - a connection to one watd: made, configured, ended. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/address.h"
#include "client/private.h"

static int init_lock(wat *w)
{
	int r = pthread_mutex_init(&w->lock, NULL);

	if (r != 0)
		return -r;
	r = changed_init(w);
	if (r < 0)
		(void)pthread_mutex_destroy(&w->lock);
	return r;
}

static int wat_new(wat **ret)
{
	wat *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return -ENOMEM;
	r = init_lock(w);
	if (r < 0) {
		free(w);
		return r;
	}
	w->timeout_ms = TIMEOUT_DEFAULT_MS;
	w->reconnect_ms = RECONNECT_DEFAULT_MS;
	stream_init(&w->control, -1, 0);
	list_init(&w->capabilities);
	list_init(&w->completed);
	list_init(&w->deliveries);
	list_init(&w->deferred);
	w->due_ms = UINT64_MAX;
	dial_init(&w->dial);
	r = watch_init(w);
	if (r < 0)
		wat_free(w);
	else
		*ret = w;
	return r;
}

/* The first greeting: the node's id is known when wat_connect returns. */
static int wait_greeted(wat *w)
{
	uint64_t until = now_ms() + TIMEOUT_DEFAULT_MS, now;
	int r = 0;

	while (r == 0 && connection_is_coming(w) && !w->greeted && (now = now_ms()) < until)
		r = loop_step(w, (int)(until - now));
	if (r < 0)
		return failure_set_errno(r, "waiting for watd's greeting at %s", w->address);
	if (w->greeted)
		return 0;
	if (connection_is_coming(w))
		return connect_failure(w, -ETIMEDOUT);
	return connect_failure(w, w->error ? w->error : -ECONNRESET);
}

/* A path needs no more than its text. */
static int take_address(wat *w, const char *address)
{
	w->address = address_resolve(address);
	if (!w->address)
		return failure_set_errno(-ENOMEM, "connecting to watd");
	return remote_is(w->address) ? remote_new(w->address, &w->remote) : 0;
}

static int connect_once(wat *w)
{
	int r;

	(void)pthread_mutex_lock(&w->lock);
	r = connection_open(w);
	r = r < 0 ? connect_failure(w, r) : wait_greeted(w);
	(void)pthread_mutex_unlock(&w->lock);
	return r;
}

int wat_connect(const char *address, wat **ret)
{
	wat *w;
	int r;

	if (sodium_init() < 0)
		return failure_set(-ENOSYS, NULL, "no source of randomness");
	r = wat_new(&w);
	if (r < 0)
		return failure_set_errno(r, "connecting to watd");
	r = take_address(w, address);
	if (r == 0)
		r = connect_once(w);
	if (r != 0) {
		wat_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void wat_set_timeout(wat *w, uint64_t timeout_ms)
{
	w->timeout_ms = timeout_ms;
}

void wat_set_reconnect(wat *w, uint64_t reconnect_ms)
{
	w->reconnect_ms = reconnect_ms;
}

const uint8_t *wat_node_id(const wat *w)
{
	return w->node_id;
}

void wat_free(wat *w)
{
	if (!w)
		return;
	(void)pthread_mutex_lock(&w->lock);
	deliver(w);
	(void)pthread_mutex_unlock(&w->lock);
	call_free(w->spare);
	stream_deinit(&w->control);
	watch_deinit(w);
	dial_deinit(&w->dial);
	remote_free(w->remote);
	free(w->address);
	changed_deinit(w);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

void wat_memory_free(void *memory)
{
	free(memory);
}
