/* address.c - where watd listens, and whether it is who it should be. Any thread. */
#include "client/address.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/socket_path.h"
#include "proto/support/cleanup.h"

char *address_resolve(const char *address)
{
	if (!address)
		address = getenv("WAT_SOCKET");
	return address && *address ? strdup(address) : socket_path_default();
}

/* The account that watd runs as when it is a system service. */
static bool is_watd_account(uid_t uid)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];

	return getpwnam_r("watd", &entry, buffer, sizeof buffer, &found) == 0 && found &&
	       found->pw_uid == uid;
}

static bool is_named(uid_t uid)
{
	const char *text = getenv("WAT_SERVER_UID");
	char *end;
	unsigned long named;

	if (!text || !*text)
		return false;
	named = strtoul(text, &end, 10);
	return *end == '\0' && named == uid;
}

/* A proof given to an impostor could be used by it, once, elsewhere. */
static int check_peer(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return -errno;
	if (peer.uid == 0 || peer.uid == geteuid() || is_named(peer.uid) ||
	    is_watd_account(peer.uid))
		return 0;
	return -EPERM;
}

int address_connect(const char *path)
{
	_cleanup_(fd_closep) int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	r = check_peer(fd);
	return r < 0 ? r : fd_take(&fd);
}
