/* crash_point.c - places where a process dies on purpose. Any thread. */
#include "daemon/base/crash_point.h"

#ifdef WAT_DEBUG
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {
#define CRASH_POINT_NAME(name, program, text) #name,
	CRASH_POINTS(CRASH_POINT_NAME)
#undef CRASH_POINT_NAME
};

/* Somebody was here before. */
static bool is_done(void)
{
	const char *path = getenv("WAT_CRASH_FLAG");
	int fd;

	if (!path)
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return true;
	(void)close(fd);
	return false;
}

bool crash_point_is_due(enum crash_point point)
{
	static _Atomic unsigned n_reached;
	const char *at = getenv("WAT_CRASH_AT"), *colon;
	size_t n;

	if (!at)
		return false;
	colon = strchr(at, ':');
	n = colon ? (size_t)(colon - at) : strlen(at);
	if (strlen(names[point]) != n || memcmp(at, names[point], n) != 0)
		return false;
	if (atomic_fetch_add(&n_reached, 1) + 1 < (colon ? (unsigned)atoi(colon + 1) : 1u))
		return false;
	return !is_done();
}

void crash_point_die(void)
{
	(void)kill(getpid(), SIGKILL);
}
#endif
