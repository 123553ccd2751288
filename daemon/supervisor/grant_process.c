/* grant_process.c - processes that grants end with, by pidfd. Loop thread. */
#include "daemon/supervisor/grant_process.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/former_host.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/user_end.h"
#include "proto/support/cleanup.h"

struct grant_process {
	struct node *node;
	struct grant *grant;
	struct event *ended;
	int pidfd;
};

/* The descriptor first: then the process that is described is the one that it names. */
static int open_process(const struct store_host *wanted, struct store_host *ret, int *ret_pidfd)
{
	_cleanup_(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, wanted->pid, 0);
	struct store_host now;
	int r;

	if (pidfd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	r = former_host_describe((pid_t)wanted->pid, &now);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	if ((wanted->start && now.start != wanted->start) ||
	    (*wanted->boot && strcmp(now.boot, wanted->boot) != 0))
		return -ESRCH;
	*ret = now;
	*ret_pidfd = fd_take(&pidfd);
	return 0;
}

int grant_process_describe(uint32_t pid, uint64_t start, struct store_host *ret)
{
	const struct store_host wanted = {.pid = (int)pid, .start = start};
	_cleanup_(fd_closep) int pidfd = -1;

	return pid == 0 || pid > INT32_MAX ? -ESRCH : open_process(&wanted, ret, &pidfd);
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct grant_process *process = arg;
	struct grant *grant = process->grant;

	(void)fd;
	(void)what;
	if (grant->row.state == 2)
		user_end(process->node, grant, NULL, "its process has ended");
}

static int watch(struct grant_process *process)
{
	struct event_base *base = process->node->base;

	process->ended = event_new(base, process->pidfd, EV_READ, on_ended, process);
	return process->ended && event_add(process->ended, NULL) == 0 ? 0 : -ENOMEM;
}

int grant_process_watch(struct node *node, struct grant *grant)
{
	struct grant_process *process;
	struct store_host now;
	int r;

	if (node->n_grant_processes >= GRANT_PROCESSES_MAX)
		return -ENOSPC;
	process = calloc(1, sizeof *process);
	if (!process)
		return -ENOMEM;
	*process = (struct grant_process){.node = node, .grant = grant, .pidfd = -1};
	node->n_grant_processes++;
	grant->process = process;
	r = open_process(&grant->row.process, &now, &process->pidfd);
	if (r == 0)
		r = watch(process);
	if (r < 0)
		grant_process_free(grant);
	return r;
}

void grant_process_free(struct grant *grant)
{
	struct grant_process *process = TAKE(grant->process);

	if (!process)
		return;
	if (process->ended)
		event_free(process->ended);
	(void)fd_close(process->pidfd);
	process->node->n_grant_processes--;
	free(process);
}

bool grant_process_is_over(const struct grant *grant)
{
	struct pollfd pollfd = {.events = POLLIN};

	if (grant->row.process.pid == 0)
		return false;
	/* It is about to end. */
	if (!grant->process)
		return true;
	pollfd.fd = grant->process->pidfd;
	return poll(&pollfd, 1, 0) != 0;
}

static void begin_one(struct node *node, struct grant *grant)
{
	int r;

	if (grant->row.process.pid == 0 || grant->row.state != 2)
		return;
	r = grant_process_watch(node, grant);
	if (r == 0)
		return;
	/* One that can't be watched would go on for good. */
	if (r != -ESRCH)
		log_error("the process that a User ends with can't be watched, so it ends now",
			  "user", grant->row.user, "error", strerror(-r));
	user_end(node, grant, NULL, "its process has ended");
}

void grant_process_begin(struct node *node)
{
	list_for_each (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		list_for_each_safe (j, &instance->grants)
			begin_one(node, container_of(j, struct grant, of_instance));
	}
}
