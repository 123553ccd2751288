/* instance.h - a running service: who it is, its thread, and the queues to and from it. Made, asked
 * and joined by the control thread, which owns it; the identity is constant, so its own thread
 * reads it too. */
#ifndef WAT_HOST_INSTANCE_H
#define WAT_HOST_INSTANCE_H

#include <pthread.h>
#include <stdint.h>
#include <wat/plugin.h>

#include "daemon/host/queue.h"
#include "daemon/host/request.h"
#include "proto/attribution.h"
#include "proto/limits.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct service_loop;

struct instance {
	struct list link; /* of the control's instances */
	uint8_t id[WAT_ID_SIZE];
	char name[WAT_NAME_MAX + 1];
	uint64_t generation;
	const struct wat_service *service;
	struct attribution_slot *slot;
	struct queue inbox;   /* of struct request, to the thread */
	struct queue *outbox; /* of struct outgoing, from it */
	struct service_loop *loop;
	pthread_t thread;
};

struct instance_identity {
	const uint8_t *id; /* WAT_ID_SIZE */
	const char *name;  /* at most WAT_NAME_MAX */
	uint64_t generation;
	const struct wat_service *service;
	struct attribution_slot *slot;
};

/* With its thread running, which waits for REQUEST_START. A negative errno. */
int instance_new(const struct instance_identity *identity,
		 struct queue *outbox,
		 struct instance **ret_instance) WAT_MUST_CHECK;
/* Hands the request over; it comes back by the outbox. */
void instance_post(struct instance *instance, struct request *request);
/* After a request came back with `over`: joins the thread, which is about to return, and frees.
 * Requests that came too late for it are given back unserved. */
struct instance *instance_free(struct instance *instance, struct list *ret_unserved);

#endif
