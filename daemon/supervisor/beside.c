/* beside.c - where watd's own parts are. Main thread, at start. */
#include "daemon/supervisor/beside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

static int program_dir(char *dir, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	if (n < 0)
		return -errno;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static char *join(const char *dir, const char *place)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, place) < 0 ? NULL : path;
}

int beside_program(const char *const *places, char **ret)
{
	char dir[PATH_MAX];
	int r = program_dir(dir, sizeof dir);

	if (r < 0)
		return r;
	for (const char *const *place = places; *place; place++) {
		_cleanup_(freep) char *path = join(dir, *place);

		if (!path)
			return -ENOMEM;
		*ret = realpath(path, NULL);
		if (*ret)
			return 0;
		if (errno == ENOMEM)
			return -ENOMEM;
	}
	*ret = join(dir, places[0]);
	return *ret ? 0 : -ENOMEM;
}
