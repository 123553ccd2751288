/* dispatch.c - decode (checked) -> handler -> reply, and the functions that handlers reach through
 * their call. Runs on the thread of whoever serves the call; owns nothing, the memory is the call's
 * arena. */
#include "proto/dispatch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/check.h"
#include "proto/flat.h"
#include "proto/utf8.h"

static struct dispatch_call *of(struct wat_call *call)
{
	return (struct dispatch_call *)(void *)call;
}

static void set_failure(struct dispatch_call *call,
			wat_status status,
			const char *format,
			va_list arguments)
{
	(void)vsnprintf(call->text, sizeof call->text, format, arguments);
	utf8_clean(call->text);
	call->status = status;
	call->reply = NULL;
	call->answered = true;
}

void dispatch_set_failure(struct dispatch_call *call, wat_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_failure(call, status, format, arguments);
	va_end(arguments);
}

/* The answer of a call that was taken goes out at once; one inside its own handler goes out when
 * that returns. */
static void answered(struct dispatch_call *call)
{
	if (!call->running)
		call->ops->answer_taken(call);
}

static bool is_lifecycle(const struct dispatch_call *call)
{
	return !call->base.method;
}

static bool is_later(const struct dispatch_call *call)
{
	return !is_lifecycle(call) && (call->base.method->flags & WAT_METHOD_LATER);
}

static wat_status api_fail(struct wat_call *base, wat_status status, const char *format, ...)
{
	struct dispatch_call *call = of(base);
	va_list arguments;

	/* A failure without a status would look like success to the caller. */
	if (status == WAT_OK)
		status = WAT_INTERNAL;
	if (!call->running && call->answered)
		return status;
	va_start(arguments, format);
	set_failure(call, status, format, arguments);
	va_end(arguments);
	if (is_later(call))
		answered(call);
	return status;
}

static void *api_alloc(struct wat_call *base, size_t n)
{
	struct dispatch_call *call = of(base);
	void *memory = arena_alloc(call->arena, n);

	if (memory)
		return memory;
	dispatch_set_failure(call, WAT_RESOURCE_EXHAUSTED,
			     "the call needs more than %zu bytes of memory; not applied",
			     call->arena->cap);
	call->ops->leave(call);
}

static char *api_copy_string(struct wat_call *base, const char *string)
{
	size_t n = strlen(string) + 1;

	return memcpy(api_alloc(base, n), string, n);
}

/* Copies the reply into the call's memory, where it outlives the handler. */
static int keep_reply(struct dispatch_call *call, const ProtobufCMessage *reply)
{
	size_t n = protobuf_c_message_get_packed_size(reply);
	uint8_t *bytes = arena_alloc_raw(call->arena, n);

	if (!bytes)
		return -ENOMEM;
	protobuf_c_message_pack(reply, bytes);
	call->reply =
		protobuf_c_message_unpack(reply->descriptor, &call->arena->allocator, n, bytes);
	return call->reply ? 0 : -ENOMEM;
}

static wat_status api_reply(struct wat_call *base, const ProtobufCMessage *reply)
{
	struct dispatch_call *call = of(base);

	if (call->answered)
		return WAT_FAILED_PRECONDITION;
	if (keep_reply(call, reply) < 0) {
		dispatch_set_failure(call, WAT_RESOURCE_EXHAUSTED,
				     "the reply needs more than %zu bytes of memory",
				     call->arena->cap);
	} else {
		call->status = WAT_OK;
		call->answered = true;
	}
	answered(call);
	return WAT_OK;
}

static wat_status api_take(struct wat_call *base)
{
	of(base)->taken = true;
	return WAT_OK;
}

static void __attribute__((noreturn))
api_panic(struct wat_call *base, const char *file, int line, const char *format, ...)
{
	struct dispatch_call *call = of(base);
	va_list arguments;
	size_t n;

	va_start(arguments, format);
	set_failure(call, WAT_SERVER_DIED, format, arguments);
	va_end(arguments);
	n = strlen(call->text);
	(void)snprintf(call->text + n, sizeof call->text - n, " (%s:%d)", file, line);
	utf8_clean(call->text);
	call->ops->leave(call);
}

static void api_log(struct wat_call *base, int level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	of(base)->ops->log(of(base), level, format, arguments);
	va_end(arguments);
}

static uint64_t api_now(struct wat_call *base)
{
	return of(base)->ops->now(of(base));
}

static void api_random(struct wat_call *base, void *buffer, size_t n)
{
	of(base)->ops->random(of(base), buffer, n);
}

static const struct wat_context *api_context(struct wat_call *base)
{
	return of(base)->ops->context(of(base));
}

static const struct wat_call_api api = {
	.version = WAT_CALL_API_VERSION,
	.size = sizeof api,
	.fail = api_fail,
	.alloc = api_alloc,
	.copy_string = api_copy_string,
	.reply = api_reply,
	.take = api_take,
	.panic = api_panic,
	.log = api_log,
	.now = api_now,
	.random = api_random,
	.context = api_context,
};

void dispatch_call_init(struct dispatch_call *call,
			const struct dispatch_ops *ops,
			struct arena *arena,
			uint64_t id)
{
	call->base = (struct wat_call){.api = &api, .id = id};
	call->ops = ops;
	call->arena = arena;
	call->flat_requests = NULL;
	call->in = call->reply = NULL;
	call->status = WAT_OK;
	call->running = call->taken = call->answered = call->neglected = false;
	call->text[0] = '\0';
}

/* Any request. */
static wat_status decode_generally(struct dispatch_call *call,
				   const struct wat_interface *interface,
				   const uint8_t *body,
				   size_t n)
{
	struct check_error error;
	ProtobufCMessage *in;
	char text[512];
	int r = check_unpack(call->base.method->input, &call->arena->allocator, body, n, &in,
			     &error);

	if (r == -EBADMSG) {
		check_error_format(&error, text, sizeof text);
		dispatch_set_failure(call, WAT_INVALID_ARGUMENT, "%s of %s: %s",
				     call->base.method->name, interface->name, text);
	} else if (r < 0) {
		dispatch_set_failure(call, WAT_RESOURCE_EXHAUSTED,
				     "%s of %s: the request takes more memory than a call may",
				     call->base.method->name, interface->name);
	} else {
		call->in = in;
	}
	return call->status;
}

static wat_status decode(struct dispatch_call *call,
			 const struct wat_interface *interface,
			 const uint8_t *body,
			 size_t n)
{
	const ProtobufCMessageDescriptor *input = call->base.method->input;
	unsigned method = (unsigned)(call->base.method - interface->methods);
	bool is_flat = call->flat_requests ? flat_is_known(call->flat_requests, method, input)
					   : flat_is(input);
	void *in = is_flat ? arena_alloc_raw(call->arena, input->sizeof_message) : NULL;

	if (!in || !flat_unpack(input, body, n, in))
		return decode_generally(call, interface, body, n);
	call->in = in;
	return call->status;
}

wat_status dispatch_decode(struct dispatch_call *call,
			   const struct wat_interface *interface,
			   uint64_t method_mask,
			   uint16_t method,
			   const uint8_t *body,
			   size_t n)
{
	if (method >= interface->n_methods) {
		dispatch_set_failure(call, WAT_UNIMPLEMENTED, "%s has no method %u; it has %u",
				     interface->name, method, interface->n_methods);
		return call->status;
	}
	call->base.method = &interface->methods[method];
	if (!(method_mask >> method & 1)) {
		dispatch_set_failure(call, WAT_ACCESS_DENIED,
				     "this capability does not allow %s of %s",
				     call->base.method->name, interface->name);
		return call->status;
	}
	return decode(call, interface, body, n);
}

static enum dispatch_outcome conclude_later(struct dispatch_call *call, wat_status status)
{
	if (status != WAT_OK) {
		if (call->status == WAT_OK)
			dispatch_set_failure(call, status, "%s", wat_status_text((int)status));
		return DISPATCH_FAILED;
	}
	if (call->answered)
		return call->status == WAT_OK ? DISPATCH_REPLY : DISPATCH_FAILED;
	if (call->taken)
		return DISPATCH_TAKEN;
	call->neglected = true;
	dispatch_set_failure(call, WAT_INTERNAL,
			     "%s returned without an answer and without taking the call",
			     call->base.method->name);
	return DISPATCH_FAILED;
}

static enum dispatch_outcome conclude(struct dispatch_call *call,
				      wat_status status,
				      const ProtobufCMessage *out)
{
	if (status == WAT_OK) {
		call->status = WAT_OK;
		call->reply = out;
		call->answered = true;
		return DISPATCH_REPLY;
	}
	/* A handler may return a bare status. */
	if (call->status != status)
		dispatch_set_failure(call, status, "%s", wat_status_text((int)status));
	return DISPATCH_FAILED;
}

enum dispatch_outcome dispatch_invoke(struct dispatch_call *call,
				      const struct wat_service *service,
				      void *state)
{
	const struct wat_method *method = call->base.method;
	wat_handler *handler = service->handlers[method - service->interface->methods];
	ProtobufCMessage *out = NULL;
	wat_status status;

	if (!is_later(call)) {
		out = arena_alloc_raw(call->arena, method->output->sizeof_message);
		if (!out) {
			dispatch_set_failure(call, WAT_RESOURCE_EXHAUSTED,
					     "the call takes more memory than it may");
			return DISPATCH_FAILED;
		}
		method->output->message_init(out);
	}
	call->running = true;
	status = handler(&call->base, state, call->in, out);
	call->running = false;
	return out ? conclude(call, status, out) : conclude_later(call, status);
}
