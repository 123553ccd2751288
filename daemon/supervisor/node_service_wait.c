/* node_service_wait.c - Wait of wat.node.Node: until an instance is in a state. Loop thread. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/parked_call.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

struct wait {
	struct parked_call parked; /* in node->waits */
	char name[64];
	enum instance_state target;
};

/* What can be said about a wait by now. */
struct verdict {
	bool over;
	wat_status status;
	char text[256];
};

static struct verdict go_on(void)
{
	return (struct verdict){.over = false};
}

static struct verdict WAT_PRINTF(2, 3) over(wat_status status, const char *format, ...)
{
	struct verdict verdict = {.over = true, .status = status};
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(verdict.text, sizeof verdict.text, format, arguments);
	va_end(arguments);
	return verdict;
}

/* It goes on where only an operator leads out of the state it is in. */
static struct verdict judge(const struct instance *instance,
			    const char *name,
			    enum instance_state target)
{
	if (!instance)
		return over(WAT_NOT_FOUND, "there is no instance \"%s\" (watctl ls lists them)",
			    name);
	if (target == INSTANCE_READY && instance_is_doomed(instance))
		return go_on();
	if (instance->state == target)
		return over(WAT_OK, "%s", "");
	if (instance->state == INSTANCE_FAILED && target == INSTANCE_READY)
		return over(WAT_SERVER_DIED,
			    "\"%s\" has failed, and is not started again by "
			    "itself (watctl start %s)",
			    name, name);
	if (instance->state == INSTANCE_QUARANTINED && target == INSTANCE_READY)
		return over(
			WAT_SERVER_DIED,
			"\"%s\" is quarantined, and is not started again by itself (watctl show "
			"%s)",
			name, name);
	if (instance->state == INSTANCE_STOPPED)
		return over(WAT_STOPPED, "\"%s\" was stopped (watctl start %s)", name, name);
	return go_on();
}

/* Why, where it is a death. */
static const Wat__Envelope__Failure *chain_of(const struct verdict *verdict,
					      const struct instance *instance)
{
	return verdict->status == WAT_SERVER_DIED ? instance->failure : NULL;
}

static bool target_of(const char *text, enum instance_state *ret)
{
	static const enum instance_state targets[] = {INSTANCE_READY, INSTANCE_STOPPED,
						      INSTANCE_FAILED, INSTANCE_QUARANTINED};

	*ret = INSTANCE_READY;
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		if (strcmp(text, instance_state_name(targets[i])) == 0) {
			*ret = targets[i];
			return true;
		}
	return !*text;
}

static void reply(struct wait *wait, const struct instance *instance)
{
	node_instance out = WAT__NODE__INSTANCE__INIT;

	node_describe_instance(instance, &out);
	parked_call_reply(&wait->parked, &out.base);
}

static void look_again(struct wait *wait)
{
	struct node *node = wait->parked.call->node;
	const struct instance *instance = instance_table_by_name(&node->instances, wait->name);
	struct verdict verdict = judge(instance, wait->name, wait->target);

	if (!verdict.over)
		return;
	if (verdict.status == WAT_OK)
		reply(wait, instance);
	else
		parked_call_fail_with(&wait->parked, verdict.status, chain_of(&verdict, instance),
				      verdict.text);
	free(wait);
}

static void on_overdue(struct parked_call *parked)
{
	_cleanup_(freep) struct wait *wait = container_of(parked, struct wait, parked);
	const struct instance *instance =
		instance_table_by_name(&parked->call->node->instances, wait->name);
	char text[256];

	(void)snprintf(text, sizeof text,
		       "\"%s\" is %s, and was not %s within the time of the call", wait->name,
		       instance ? instance_state_name(instance->state) : "gone",
		       instance_state_name(wait->target));
	parked_call_fail_with(parked, WAT_DEADLINE_EXCEEDED, NULL, text);
}

static void on_gone(struct parked_call *parked)
{
	parked_call_drop(parked);
	free(container_of(parked, struct wait, parked));
}

static wat_status park(struct wat_call *call, const char *name, enum instance_state target)
{
	_cleanup_(freep) struct wait *wait = calloc(1, sizeof *wait);

	if (wait) {
		wait->target = target;
		wait->parked.overdue = on_overdue;
		wait->parked.gone = on_gone;
		(void)snprintf(wait->name, sizeof wait->name, "%s", name);
	}
	if (!wait || parked_call_init(&wait->parked, call, &control_call_of(call)->node->waits) < 0)
		return call->api->fail(call, WAT_OVERLOADED, "no memory");
	(void)TAKE(wait);
	return WAT_OK;
}

wat_status node_on_wait(struct node_wait_call *c, wat_empty *state, const node_wait_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	const struct instance *instance = instance_table_by_name(&call->node->instances, in->name);
	node_instance out = WAT__NODE__INSTANCE__INIT;
	const Wat__Envelope__Failure *chain;
	enum instance_state target;
	struct verdict verdict;

	(void)state;
	if (!target_of(in->state, &target))
		return wat_fail(
			c, WAT_INVALID_ARGUMENT,
			"state: expected ready, stopped, failed or quarantined, got \"%.32s\"",
			in->state);
	verdict = judge(instance, in->name, target);
	if (!verdict.over)
		return park(&c->base, in->name, target);
	if (verdict.status != WAT_OK) {
		chain = chain_of(&verdict, instance);
		call->failure = chain ? failure_copy(chain) : NULL;
		return wat_fail(c, verdict.status, "%s", verdict.text);
	}
	node_describe_instance(instance, &out);
	return node_wait_reply(c, &out);
}

static void on_changed(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	list_for_each_safe (i, &node->waits) {
		look_again(container_of(container_of(i, struct parked_call, link), struct wait,
					parked));
	}
}

/* Later, when the step that changes it is done: it may be on its way to the next state. */
void node_wait_notice(struct node *node)
{
	if (node->changed && !list_empty(&node->waits))
		event_active(node->changed, EV_READ, 0);
}

int node_wait_init(struct node *node)
{
	node->changed = event_new(node->base, -1, 0, on_changed, node);
	return node->changed ? 0 : -ENOMEM;
}

void node_wait_deinit(struct node *node)
{
	if (node->changed)
		event_free(node->changed);
	node->changed = NULL;
}
