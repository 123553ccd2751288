/* owner.c - the end of an instance with its owner. Loop thread. */
#include "daemon/supervisor/owner.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/former_host.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/session.h"
#include "proto/support/cleanup.h"

static int describe(pid_t pid, char *ret, unsigned long size)
{
	struct store_host process;
	int r = pid > 0 ? former_host_describe(pid, &process) : -ESRCH;

	if (r < 0)
		return -ESRCH;
	(void)snprintf(ret, size, "%d %" PRIu64 " %s", process.pid, process.start, process.boot);
	return 0;
}

int owner_describe(const struct session *session, char *ret, unsigned long size)
{
	return describe(session->pid, ret, size);
}

static void on_ended(void *arg,
		     const struct operation *operation,
		     wat_status status,
		     const char *text)
{
	(void)arg;
	if (status != WAT_OK && status != WAT_STOPPED && status != WAT_NOT_FOUND)
		log_warning("an instance without its owner goes on", "instance",
			    operation->instance->name, "why", text, "help",
			    "watctl stop NAME; the next start of watd tries it again");
}

static void end(struct instance *instance)
{
	struct node *node = instance->node;
	struct operation *operation =
		operation_own(node, ANSWER_OF_ADMIN(ADMIN_STOP), on_ended, NULL);
	const struct audit gone = {.kind = AUDIT_OWNER_GONE,
				   .origin = operation ? &operation->origin : NULL,
				   .instance = instance,
				   .detail = instance->owner};

	instance->owner_ended = true;
	audit_record(node, &gone);
	if (!operation) {
		log_error("no memory to end an instance whose owner has gone", "instance",
			  instance->name);
		return;
	}
	operation->instance = instance;
	lifecycle_stop_when_settled(operation);
}

static void owner_lost(struct instance *instance)
{
	owner_forget(instance);
	instance->owner_gone = true;
	/* What is not there yet can't be stopped; watd that goes down notices at its next start. */
	if (!instance->beginning && !instance->node->suspending && !instance->owner_ended &&
	    !instance_is_over(instance))
		end(instance);
}

void owner_session_gone(struct session *session)
{
	list_for_each_safe (i, &session->node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		if (instance->owner_session == session)
			owner_lost(instance);
	}
}

void owner_ready(struct instance *instance)
{
	if (instance->owner_gone && !instance->owner_ended)
		end(instance);
}

void owner_bound(struct session *session, struct instance *instance)
{
	char now[sizeof instance->owner];

	if (!*instance->owner || instance->owner_session || instance->owner_gone ||
	    describe(session->pid, now, sizeof now) < 0 || strcmp(now, instance->owner) != 0)
		return;
	owner_forget(instance);
	instance->owner_session = session;
}

static void on_exited(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	owner_lost(arg);
}

/* The descriptor first: then the process that is described is the one that it names. */
static bool watch(struct instance *instance)
{
	pid_t pid = (pid_t)strtol(instance->owner, NULL, 10);
	char now[sizeof instance->owner];

	instance->owner_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (instance->owner_fd < 0 || describe(pid, now, sizeof now) < 0 ||
	    strcmp(now, instance->owner) != 0)
		return false;
	instance->owner_exited =
		event_new(instance->node->base, instance->owner_fd, EV_READ, on_exited, instance);
	return instance->owner_exited && event_add(instance->owner_exited, NULL) == 0;
}

void owner_resume(struct node *node)
{
	list_for_each_safe (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		if (*instance->owner && !instance_is_over(instance) && !watch(instance))
			owner_lost(instance);
	}
}

void owner_forget(struct instance *instance)
{
	instance->owner_session = NULL;
	if (instance->owner_exited)
		event_free(instance->owner_exited);
	instance->owner_exited = NULL;
	instance->owner_fd = fd_close(instance->owner_fd);
}
