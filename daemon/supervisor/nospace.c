/* nospace.c - a full disk, from its first failed write until there is room again. Loop thread. */
#include "daemon/supervisor/nospace.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/audit.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include <wat/host.pb-c.h>

static const struct timeval look_after = {.tv_sec = 1};

static void tell_host(struct host *host, bool full)
{
	Wat__Host__SpaceRequest request = WAT__HOST__SPACE_REQUEST__INIT;

	request.full = full;
	if (host_request(host, HOST_SPACE, &request.base, -1, NULL, NULL) < 0)
		log_error("no memory to tell a host of the disk");
}

static void set(struct node *node, bool full)
{
	const struct audit what = {.kind = full ? AUDIT_NO_SPACE : AUDIT_SPACE,
				   .detail = node->options->state_dir};

	node->nospace = full;
	list_for_each (i, &node->hosts) {
		tell_host(container_of(i, struct host, link), full);
	}
	audit_record(node, &what);
	notify_changed(node);
}

/* As much again as the ballast, so that it is not full at once. */
static bool has_room(const struct node *node)
{
	struct statvfs fs;

	if (statvfs(node->options->state_dir, &fs) < 0)
		return false;
	return (uint64_t)fs.f_bavail * fs.f_frsize >= 2 * node->options->limits.ballast;
}

static void look(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	if (node->suspending)
		return;
	if (has_room(node) && store_keep_ballast(node->store, node->options->state_dir,
						 node->options->limits.ballast) == 0)
		set(node, false);
	else
		(void)evtimer_add(node->space, &look_after);
}

void nospace_enter(struct node *node)
{
	if (node->nospace)
		return;
	(void)store_drop_ballast(node->store);
	set(node, true);
	if (!node->space || evtimer_add(node->space, &look_after) < 0)
		log_error("no memory to look for room on the disk again");
}

static void on_full(void *arg)
{
	nospace_enter(arg);
}

void nospace_init(struct node *node)
{
	int r = store_keep_ballast(node->store, node->options->state_dir,
				   node->options->limits.ballast);

	node->space = evtimer_new(node->base, look, node);
	store_observe_full(node->store, on_full, node);
	if (r == 0)
		return;
	log_error("there is no room for the ballast", "path", node->options->state_dir, "error",
		  strerror(-r), "help",
		  "free some of the disk; watctl events shows when it is enough");
	node->nospace = true;
	if (node->space)
		(void)evtimer_add(node->space, &look_after);
}

void nospace_deinit(struct node *node)
{
	if (node->space)
		event_free(node->space);
	node->space = NULL;
}

bool nospace_refuses(const struct node *node, int answer)
{
	if (!node->nospace)
		return false;
	switch (answer) {
	case ANSWER_OF_NODE(NODE_REMOVE):
	case ANSWER_OF_NODE(NODE_RELOAD):
	case ANSWER_OF_ADMIN(ADMIN_DEPROVISION):
	case ANSWER_OF_ADMIN(ADMIN_STOP):
		return false;
	default:
		return true;
	}
}
