/* resolve.c - names to addresses. The asking thread and the wat that wants to know share a
 * resolution; whoever lets go of it last frees it. */
#include "client/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

struct resolution {
	atomic_int n_holders; /* 2: both, 1: one has let go */
	atomic_bool done;     /* error and found are set */
	int wake;
	int error;
	struct addrinfo *found;
	char *port;
	char host[];
};

static int ask(const char *host, const char *port, int flags, struct addrinfo **ret)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM,
				       .ai_flags = flags | AI_NUMERICSERV};

	return getaddrinfo(host, port, &hints, ret);
}

int resolve_numeric(const char *host, const char *port, struct addrinfo **ret)
{
	return ask(host, port, AI_NUMERICHOST, ret);
}

struct resolution *resolution_free(struct resolution *resolution)
{
	if (!resolution || atomic_fetch_sub(&resolution->n_holders, 1) > 1)
		return NULL;
	if (resolution->found)
		freeaddrinfo(resolution->found);
	fd_close(resolution->wake);
	free(resolution->port);
	free(resolution);
	return NULL;
}

bool resolution_done(struct resolution *resolution, int *ret_error, struct addrinfo **ret_found)
{
	if (!atomic_load(&resolution->done))
		return false;
	/* It has a write left to do, and lets go: nothing of it outlives whoever asked. */
	while (atomic_load(&resolution->n_holders) > 1)
		(void)sched_yield();
	*ret_error = resolution->error;
	*ret_found = TAKE(resolution->found);
	return true;
}

static void *run(void *arg)
{
	const uint64_t one = 1;
	struct resolution *resolution = arg;

	resolution->error = ask(resolution->host, resolution->port, 0, &resolution->found);
	atomic_store(&resolution->done, true);
	/* A full counter wakes already. */
	(void)!write(resolution->wake, &one, sizeof one);
	resolution_free(resolution);
	return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(struct resolution *resolution)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r = pthread_attr_init(&attributes);

	if (r != 0)
		return -r;
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attributes, run, resolution);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return -r;
}

int resolution_new(const char *host, const char *port, int wake, struct resolution **ret)
{
	struct resolution *resolution = calloc(1, sizeof *resolution + strlen(host) + 1);
	int r;

	if (!resolution)
		return -ENOMEM;
	atomic_init(&resolution->n_holders, 1);
	memcpy(resolution->host, host, strlen(host) + 1);
	resolution->port = strdup(port);
	resolution->wake = fcntl(wake, F_DUPFD_CLOEXEC, 0);
	r = resolution->wake < 0 ? -errno : resolution->port ? 0 : -ENOMEM;
	if (r == 0) {
		atomic_store(&resolution->n_holders, 2);
		r = start_thread(resolution);
		if (r < 0)
			atomic_store(&resolution->n_holders, 1);
	}
	if (r < 0)
		resolution_free(resolution);
	else
		*ret = resolution;
	return r;
}
