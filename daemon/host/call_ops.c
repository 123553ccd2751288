/* call_ops.c - what handlers reach through their call. Instance's thread. */
#include <execinfo.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/host/call_parts.h"
#include "daemon/host/replay.h"
#include "daemon/host/service_loop.h"
#include "proto/support/bytes.h"
#include "proto/utf8.h"

static struct call *of(struct dispatch_call *base)
{
	return (struct call *)(void *)base;
}

/* The answer is withdrawn if the handler that gives it fails, so it waits for the handler's end. */
static void answer_taken(struct dispatch_call *base)
{
	struct call *call = of(base);

	list_remove(&call->link);
	list_append(&call->loop->answered, &call->link);
}

static void note_stack(struct service_loop *loop)
{
	void *stack[ATTRIBUTION_FRAMES];
	int n = backtrace(stack, ATTRIBUTION_FRAMES);

	for (int i = 0; i < n; i++)
		loop->stack[loop->n_stack++] = (uint64_t)(uintptr_t)stack[i];
}

/* The call named may be another one, which the running handler was about to answer: that one stays
 * open, the running one fails. */
static void __attribute__((noreturn)) leave(struct dispatch_call *base)
{
	struct service_loop *loop = of(base)->loop;
	struct call *running = loop->running;

	if (base != &running->base) {
		dispatch_set_failure(&running->base, base->status, "%s", base->text);
		base->answered = false;
		base->status = WAT_OK;
	}
	loop->n_stack = 0;
	if (running->base.status == WAT_SERVER_DIED)
		note_stack(loop);
	loop->left = true;
	_longjmp(loop->leave, 1);
}

static void log_line(struct dispatch_call *base, int level, const char *format, va_list arguments)
{
	const struct instance *instance = of(base)->loop->instance;
	char text[1024];

	/* It was said when the call ran. */
	if (of(base)->loop->given.replay)
		return;
	(void)vsnprintf(text, sizeof text, format, arguments);
	utf8_clean(text);
	log_write(level, text, "instance", instance->name, (char *)0);
}

static uint64_t now(struct dispatch_call *base)
{
	struct service_loop *loop = of(base)->loop;
	const struct loop_source *source = &loop->source;
	uint64_t now_ns;

	if (loop->given.replay)
		return replay_time(loop->given.replay);
	now_ns = source->now_ns(source->arg);
	call_record_time(of(base), now_ns);
	return now_ns;
}

static void random_bytes(struct dispatch_call *base, void *buffer, size_t n)
{
	struct service_loop *loop = of(base)->loop;
	const struct loop_source *source = &loop->source;

	if (loop->given.replay) {
		replay_random(loop->given.replay, buffer, n);
		return;
	}
	source->random(source->arg, buffer, n);
	call_record_random(of(base), buffer, n);
}

static void fill_context(struct call *call)
{
	const struct instance *instance = call->loop->instance;
	const struct wat_method *method = call->base.base.method;

	if (call->loop->given.replay)
		replay_context(call->loop->given.replay);
	else
		call_record_context(call);
	call->context = (struct wat_context){
		.size = sizeof call->context,
		.service = instance->service->interface->name,
		.instance = instance->name,
		.method = method ? method->name : call->lifecycle,
		.invocation = call->invocation,
		.start_ns = now(&call->base),
		.connection = call->connection,
		.user = call->user,
	};
}

static const struct wat_context *context(struct dispatch_call *base)
{
	struct call *call = of(base);

	if (call->context.size == 0)
		fill_context(call);
	return &call->context;
}

const struct dispatch_ops call_ops = {
	.answer_taken = answer_taken,
	.leave = leave,
	.log = log_line,
	.now = now,
	.random = random_bytes,
	.context = context,
};
