/* sockets.c - the sockets that a watd, or its gate, listens on. Loop thread. */
#include "daemon/supervisor/sockets.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/descriptors.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/activation.h"
#include "daemon/supervisor/gate.h"
#include "daemon/supervisor/listener.h"
#include "daemon/supervisor/lock.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "proto/support/cleanup.h"

static int fail(int r, const char *what, const char *path)
{
	log_error(what, "path", path, "error", strerror(-r));
	return r;
}

/* What was passed is consumed. */
static int open_one(struct node *node,
		    int *passed,
		    const char *path,
		    bool admin,
		    struct listener **ret)
{
	int r;

	if (*passed >= 0)
		r = listener_adopt(node, fd_take(passed), admin, ret);
	else
		r = listener_new(node, path, admin ? 0600 : 0660, admin, ret);
	if (r == -ENAMETOOLONG)
		return fail(r, "a socket's path may have 107 bytes", path);
	if (r < 0 && admin)
		return fail(r, "the admin socket can't be opened", path);
	return r < 0 ? fail(r, "the client socket can't be opened", path) : 0;
}

static int open_both(struct node *node, struct activation *passed)
{
	const struct options *options = node->options;
	bool no_client = passed->client < 0, no_admin = passed->admin < 0;
	int r = 0;

	if (no_client != no_admin)
		log_warning("one of two sockets was passed to watd; the other is its own",
			    "missing", no_client ? "client" : "admin", "path",
			    no_client ? options->socket : options->admin_socket);
	if (no_client || no_admin)
		r = make_directory(options->runtime_dir, 0755);
	if (r < 0)
		return fail(r, "the runtime directory can't be made", options->runtime_dir);
	r = open_one(node, &passed->client, options->socket, false, &node->client);
	if (r < 0)
		return r;
	return open_one(node, &passed->admin, options->admin_socket, true, &node->admin);
}

int sockets_open(struct node *node)
{
	struct activation passed = ACTIVATION_NONE;
	int r = activation_take(&passed);

	if (r < 0)
		return r;
	(void)descriptors_raise();
	r = open_both(node, &passed);
	if (r == 0)
		r = gate_new(node, &passed, &node->gate);
	activation_deinit(&passed);
	return r;
}
