/* keys_end.c - channels under a revoked key. Loop thread. */
#include "daemon/supervisor/keys_end.h"

#include <stdlib.h>
#include <string.h>
#include <wat/host.pb-c.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "proto/token.h"

struct waiting {
	struct operation *operation; /* NULL: nobody waits */
	size_t n_left;
};

static void leave(struct waiting *waiting)
{
	if (--waiting->n_left > 0)
		return;
	if (waiting->operation)
		operation_conclude(waiting->operation);
	free(waiting);
}

/* Detached, or dead. */
static void on_host_said(void *arg, const struct host_answer *answer)
{
	(void)answer;
	leave(arg);
}

/* A token of before a renewal may be of any key of before. */
static bool is_under(const struct grant *grant, const uint8_t kid[8])
{
	return grant->row.role == TOKEN_USER && grant->row.state == 2 &&
	       (grant->row.has_before || memcmp(grant->row.kid, kid, 8) == 0);
}

static void detach(struct instance *instance, struct grant *grant, struct waiting *waiting)
{
	Wat__Host__DetachRequest request = WAT__HOST__DETACH_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, instance->id};
	request.grant_id = (ProtobufCBinaryData){16, grant->row.id};
	request.rebind = true;
	waiting->n_left++;
	if (host_request(instance->host, HOST_DETACH, &request.base, -1, on_host_said, waiting) ==
	    0)
		return;
	log_error("no memory to end channels under a revoked key; their host is killed", "instance",
		  instance->name);
	host_kill(instance->host);
	leave(waiting);
}

static void detach_all(struct instance *instance, const uint8_t kid[8], struct waiting *waiting)
{
	if (!instance->host || instance->drained || instance->state == INSTANCE_STARTING)
		return;
	list_for_each (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (is_under(grant, kid))
			detach(instance, grant, waiting);
	}
}

void keys_end_channels(struct node *node, const uint8_t kid[8], struct operation *operation)
{
	struct waiting *waiting = calloc(1, sizeof *waiting);

	if (!waiting) {
		log_error("no memory to end channels under a revoked key; they end with their "
			  "clients, or with a restart");
		if (operation)
			operation_fail(operation, WAT_OVERLOADED, NULL,
				       "no memory: the key is revoked, channels under it go on");
		return;
	}
	*waiting = (struct waiting){.operation = operation, .n_left = 1};
	list_for_each (i, &node->instances.all) {
		detach_all(container_of(i, struct instance, all), kid, waiting);
	}
	leave(waiting);
}
