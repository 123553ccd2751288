/* resolve.c - names to addresses. The asking thread and the wat that wants to know share a
 * resolution; whoever lets go of it last frees it. */
#include "client/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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
	pthread_t thread;     /* that asks */
	bool asked;           /* the thread runs, or has ended and was not waited for */
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

static struct resolution *let_go(struct resolution *resolution)
{
	if (atomic_fetch_sub(&resolution->n_holders, 1) > 1)
		return NULL;
	if (resolution->found)
		freeaddrinfo(resolution->found);
	fd_close(resolution->wake);
	free(resolution->port);
	free(resolution);
	return NULL;
}

struct resolution *resolution_free(struct resolution *resolution)
{
	if (!resolution)
		return NULL;
	/* Nobody waits for an answer that nobody wants. */
	if (resolution->asked)
		(void)pthread_detach(resolution->thread);
	return let_go(resolution);
}

bool resolution_done(struct resolution *resolution, int *ret_error, struct addrinfo **ret_found)
{
	if (!atomic_load(&resolution->done))
		return false;
	/* It has a write left to do, and lets go: nothing of it outlives whoever asked. */
	if (resolution->asked)
		(void)pthread_join(resolution->thread, NULL);
	resolution->asked = false;
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
	let_go(resolution);
	return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(struct resolution *resolution)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&resolution->thread, NULL, run, resolution);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	resolution->asked = r == 0;
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
