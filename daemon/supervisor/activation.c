/* activation.c - listening sockets that the service manager passed. Main thread, at start. */
#include "daemon/supervisor/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/log.h"
#include "proto/support/cleanup.h"

static const char *why_unfit(int fd, bool tcp)
{
	bool unix_socket = sd_is_socket(fd, AF_UNIX, 0, -1) > 0;
	bool ip_socket =
		sd_is_socket(fd, AF_INET, 0, -1) > 0 || sd_is_socket(fd, AF_INET6, 0, -1) > 0;

	if (sd_is_socket(fd, AF_UNSPEC, 0, -1) <= 0)
		return "it is no socket";
	if (tcp && !ip_socket)
		return "it is no IP socket";
	if (!tcp && !unix_socket)
		return "it is no unix socket";
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, -1) <= 0)
		return "it is no stream socket";
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return "it does not listen";
	return NULL;
}

static int refuse(const char *name, const char *why)
{
	log_error("a descriptor that was passed to watd is refused", "name", name, "why", why,
		  "expected", "listening stream sockets: client and admin of unix, tcp of IP");
	return -EINVAL;
}

/* A socket that nobody accepts on would let its clients wait for ever; anything else was stored by
 * a watd that knew what for. */
static int take_unknown(int *fd, const char *name)
{
	if (sd_is_socket(*fd, AF_UNSPEC, 0, 1) > 0)
		return refuse(name, "no listening socket has this name");
	log_warning("a stored descriptor is given up: this watd does not know its name", "name",
		    name);
	(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
	*fd = fd_close(*fd);
	return 0;
}

static int take_tcp(struct activation *activation, int *fd)
{
	const char *why = activation->n_tcp == GATE_LISTENERS_MAX ? "there are too many of them"
								  : why_unfit(*fd, true);

	if (why)
		return refuse("tcp", why);
	activation->tcp[activation->n_tcp++] = fd_take(fd);
	return 0;
}

static int take(struct activation *activation, int *fd, const char *name)
{
	int *place = strcmp(name, "client") == 0  ? &activation->client
		     : strcmp(name, "admin") == 0 ? &activation->admin
						  : NULL;
	const char *why;

	if (strcmp(name, "tcp") == 0)
		return take_tcp(activation, fd);
	if (!place)
		return take_unknown(fd, name);
	why = *place >= 0 ? "the name comes twice" : why_unfit(*fd, false);
	if (why)
		return refuse(name, why);
	*place = fd_take(fd);
	return 0;
}

static void free_names(char ***names)
{
	for (char **name = *names; name && *name; name++)
		free(*name);
	free(*names);
}

int activation_take(struct activation *ret)
{
	_cleanup_(activation_deinit) struct activation activation = ACTIVATION_NONE;
	_cleanup_(free_names) char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), r = 0;

	if (n < 0)
		log_error("$LISTEN_FDS can't be read", "error", strerror(-n));
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		_cleanup_(fd_closep) int fd = SD_LISTEN_FDS_START + i;

		if (r == 0)
			r = take(&activation, &fd, names[i]);
	}
	if (r < 0)
		return r;
	*ret = activation;
	activation = ACTIVATION_NONE;
	return 0;
}

void activation_deinit(struct activation *activation)
{
	activation->client = fd_close(activation->client);
	activation->admin = fd_close(activation->admin);
	while (activation->n_tcp > 0)
		fd_close(activation->tcp[--activation->n_tcp]);
}
