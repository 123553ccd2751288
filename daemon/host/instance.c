/* instance.c - an instance and its thread, as the control thread sees them. */
#include "daemon/host/instance.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/host/fault.h"
#include "daemon/host/label.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

static void *run(void *arg)
{
	struct service_loop *loop = arg;

	log_set_instance(loop->instance->name);
	label_thread(loop->instance->name);
	/* Without that stack a fault is told all the same, but not whose it was. */
	if (fault_enter(loop->instance->slot) < 0)
		log_warning("no memory for an instance's fault handler", "instance",
			    loop->instance->name);
	service_loop_run(loop);
	fault_leave();
	return NULL;
}

static int start_thread(struct instance *instance)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	sigset_t others, before;
	int r;

	/* Signals are for the main thread, but not those that a thread brings upon itself. */
	(void)sigfillset(&others);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		(void)sigdelset(&others, own[i]);
	(void)pthread_sigmask(SIG_SETMASK, &others, &before);
	r = pthread_create(&instance->thread, NULL, run, instance->loop);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static int set_up(struct instance *instance)
{
	int r = service_loop_new(instance, &instance->loop);

	if (r < 0)
		return r;
	r = start_thread(instance);
	if (r < 0)
		instance->loop = service_loop_free(instance->loop);
	return r;
}

int instance_new(const struct instance_identity *identity,
		 struct queue *outbox,
		 struct instance **ret_instance)
{
	_cleanup_(freep) struct instance *instance = calloc(1, sizeof *instance);
	int r;

	if (!instance)
		return -ENOMEM;
	memcpy(instance->id, identity->id, sizeof instance->id);
	(void)snprintf(instance->name, sizeof instance->name, "%s", identity->name);
	instance->generation = identity->generation;
	instance->service = identity->service;
	instance->slot = identity->slot;
	atomic_store(&instance->slot->faulted, 0);
	atomic_store(&instance->slot->call_id, 0);
	instance->outbox = outbox;
	list_init(&instance->link);
	r = queue_init(&instance->inbox);
	if (r < 0)
		return r;
	r = set_up(instance);
	if (r < 0) {
		queue_deinit(&instance->inbox);
		return r;
	}
	*ret_instance = TAKE(instance);
	return 0;
}

void instance_post(struct instance *instance, struct request *request)
{
	queue_post(&instance->inbox, &request->out.link);
}

struct instance *instance_free(struct instance *instance, struct list *ret_unserved)
{
	int r = pthread_join(instance->thread, NULL);

	assert(r == 0);
	(void)r;
	instance->loop = service_loop_free(instance->loop);
	queue_take(&instance->inbox, ret_unserved);
	queue_deinit(&instance->inbox);
	list_remove(&instance->link);
	free(instance);
	return NULL;
}
