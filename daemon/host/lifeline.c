/* lifeline.c - the end of watd is the end of its hosts. A detached thread that only waits. */
#include "daemon/host/lifeline.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXIT_ORPHANED 1

/* Nobody writes to the lifeline: anything it shows is its end. */
static bool is_cut(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) > 0;
}

static void *watch(void *arg)
{
	int fd = (int)(intptr_t)arg;

	while (!is_cut(fd, -1))
		;
	_exit(EXIT_ORPHANED);
}

int lifeline_hold(int fd)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	/* It may have ended before the kernel was asked to tell. */
	if (getppid() != parent || is_cut(fd, 0))
		_exit(EXIT_ORPHANED);
	return 0;
}

int lifeline_watch(int fd)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int r;

	r = pthread_attr_init(&attributes);
	if (r != 0)
		return -r;
	/* Signals are for the main thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attributes, watch, (void *)(intptr_t)fd);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return -r;
}
