/* lifecycle_steps.c - how far an instance's end has come: told at debug level step by step, and
 * kept for whoever waits. Loop thread. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/ending.h"
#include "daemon/supervisor/lifecycle_parts.h"

static const struct {
	const char *name, *sentence, *then;
} steps[] = {
#define END_STEP_TEXTS(name, text, sentence, then) {text, sentence, then},
	END_STEPS(END_STEP_TEXTS)
#undef END_STEP_TEXTS
};

static const char *kind(const struct instance *instance)
{
	if (instance->state == INSTANCE_STOPPING || instance->state == INSTANCE_STOPPED)
		return "stop";
	return instance->state == INSTANCE_RESTARTING ? "restart" : "suspend";
}

static void take(struct instance *instance, enum end_step step, uint64_t n)
{
	char number[24], invocation[24];

	if (step == END_CLOSED) {
		instance->end_since_ms = clock_monotonic_ms();
		ending_watch(instance->node);
	}
	instance->end_step = step;
	(void)snprintf(number, sizeof number, "%" PRIu64, n);
	(void)snprintf(invocation, sizeof invocation, "%016" PRIx64, instance->origin.invocation);
	log_debug(steps[step].sentence, "end", kind(instance), "step", steps[step].name, "n",
		  number, "instance", instance->name, "invocation", invocation);
}

void lifecycle_step(struct instance *instance, enum end_step step)
{
	take(instance, step, 0);
}

void lifecycle_host_step(struct host *host, const Wat__Host__EndStep *message)
{
	struct instance *instance =
		lifecycle_of_event(host, &message->instance_id, message->generation);

	/* Those of its own, and forward only: the host may say anything. */
	if (instance && message->step > instance->end_step && message->step < END_ENDED &&
	    instance->end_step != END_NONE)
		take(instance, (enum end_step)message->step, message->n);
}

const char *lifecycle_under_way(const struct instance *instance)
{
	return steps[instance->end_step].then;
}
