/* socket_path.c - where a client looks for watd when nobody says where it is. Any thread. */
#include "proto/socket_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

#define SYSTEM_SOCKET "/run/watd/watd.sock"

char *socket_path_choose(unsigned uid, const char *runtime_dir, const char *system)
{
	_cleanup_(freep) char *own = NULL;
	int n;

	if (uid == 0)
		return strdup(system);
	/* As watd chooses its own. */
	if (runtime_dir && *runtime_dir)
		n = asprintf(&own, "%s/watd/watd.sock", runtime_dir);
	else
		n = asprintf(&own, "/run/user/%u/watd/watd.sock", uid);
	if (n < 0) {
		own = NULL;
		return NULL;
	}
	if (access(own, F_OK) < 0 && access(system, F_OK) == 0)
		return strdup(system);
	return TAKE(own);
}

char *socket_path_default(void)
{
	return socket_path_choose((unsigned)geteuid(), getenv("XDG_RUNTIME_DIR"), SYSTEM_SOCKET);
}
