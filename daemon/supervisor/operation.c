/* operation.c - mutating calls that happen once. Loop thread. */
#include "daemon/supervisor/operation.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/nospace.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

static struct operation *operation_free(struct operation *operation)
{
	list_remove(&operation->link);
	list_remove(&operation->waiter.link);
	free(operation->reply);
	free(operation);
	return NULL;
}

static struct operation *find(struct node *node, const uint8_t request_id[16])
{
	list_for_each (i, &node->operations) {
		struct operation *operation = container_of(i, struct operation, link);

		if (memcmp(operation->request_id, request_id, 16) == 0)
			return operation;
	}
	return NULL;
}

static wat_status refuse_other_use(struct control_call *call)
{
	dispatch_set_failure(
		&call->base, WAT_INVALID_ARGUMENT,
		"request_id: was used for another call; expected 16 fresh random bytes");
	return WAT_INVALID_ARGUMENT;
}

static wat_status answer_again(struct control_call *call, const struct answer *answer, int kind)
{
	const ProtobufCMessageDescriptor *type = call->base.base.method->output;
	ProtobufCMessage *reply;

	if (answer->method != kind || memcmp(answer->owner, call->binding.grant_id, 16) != 0)
		return refuse_other_use(call);
	reply = protobuf_c_message_unpack(type, &call->arena.allocator, answer->n, answer->reply);
	if (!reply) {
		dispatch_set_failure(&call->base, WAT_DATA_LOSS, "the stored answer can't be read");
		return WAT_DATA_LOSS;
	}
	return call->base.base.api->reply(&call->base.base, reply);
}

static wat_status join(struct control_call *call, struct operation *operation, int kind)
{
	if (operation->answer != kind || memcmp(operation->owner, call->binding.grant_id, 16) != 0)
		return refuse_other_use(call);
	list_append(&operation->calls, &call->of_operation);
	return call->base.base.api->take(&call->base.base);
}

static struct operation *operation_new(struct control_call *call,
				       int kind,
				       const uint8_t request_id[16])
{
	struct operation *operation = calloc(1, sizeof *operation);

	if (!operation)
		return NULL;
	operation->node = call->node;
	memcpy(operation->request_id, request_id, 16);
	memcpy(operation->owner, call->binding.grant_id, 16);
	operation->origin = call->origin;
	operation->answer = kind;
	operation->reply_type = call->base.base.method->output;
	list_init(&operation->calls);
	list_init(&operation->waiter.link);
	list_append(&operation->calls, &call->of_operation);
	list_append(&call->node->operations, &operation->link);
	(void)call->base.base.api->take(&call->base.base);
	return operation;
}

struct operation *operation_begin(struct wat_call *base,
				  int kind,
				  const ProtobufCBinaryData *request_id,
				  wat_status *ret_status)
{
	struct control_call *call = control_call_of(base);
	struct operation *operation;
	const struct answer *answer;

	if (request_id->len != 16) {
		dispatch_set_failure(&call->base, WAT_INVALID_ARGUMENT,
				     "request_id: expected 16 bytes, got %zu", request_id->len);
		*ret_status = WAT_INVALID_ARGUMENT;
		return NULL;
	}
	answer = answers_find(&call->node->answers, request_id->data);
	operation = find(call->node, request_id->data);
	if (answer) {
		*ret_status = answer_again(call, answer, kind);
		return NULL;
	}
	if (operation) {
		*ret_status = join(call, operation, kind);
		return NULL;
	}
	if (nospace_refuses(call->node, kind)) {
		dispatch_set_failure(&call->base, WAT_RESOURCE_EXHAUSTED, NOSPACE_TEXT);
		*ret_status = WAT_RESOURCE_EXHAUSTED;
		return NULL;
	}
	operation = operation_new(call, kind, request_id->data);
	*ret_status = operation ? WAT_OK : WAT_OVERLOADED;
	return operation;
}

struct operation *operation_own(struct node *node,
				int answer,
				operation_finished *finished,
				void *arg)
{
	struct operation *operation = calloc(1, sizeof *operation);

	if (!operation)
		return NULL;
	operation->node = node;
	operation->origin = origin_new(node);
	operation->answer = answer;
	operation->finished = finished;
	operation->finished_arg = arg;
	list_init(&operation->link);
	list_init(&operation->calls);
	list_init(&operation->waiter.link);
	return operation;
}

static void to_row(const struct operation *operation, struct store_answer *ret_row)
{
	*ret_row = (struct store_answer){
		.method = operation->answer,
		.reply = operation->reply,
		.reply_len = operation->reply_len,
		.at_ms = clock_unix_ms(),
	};
	memcpy(ret_row->request_id, operation->request_id, 16);
	memcpy(ret_row->owner, operation->owner, 16);
}

int operation_decide(struct operation *operation,
		     const ProtobufCMessage *reply,
		     struct store_txn *txn)
{
	struct store_answer row;

	free(operation->reply);
	operation->reply_len = protobuf_c_message_get_packed_size(reply);
	operation->reply = malloc(operation->reply_len + 1);
	if (!operation->reply)
		return -ENOMEM;
	protobuf_c_message_pack(reply, operation->reply);
	if (operation->finished)
		return 0;
	to_row(operation, &row);
	return store_txn_put_answer(txn, &row);
}

static void answer_calls(struct operation *operation)
{
	struct store_answer row;
	struct list *first;

	to_row(operation, &row);
	/* Without its copy in memory an answer is still in the store. */
	if (answers_add(&operation->node->answers, &row) < 0)
		log_warning("an answer is not kept in memory", "why", "no memory");
	while ((first = list_first(&operation->calls))) {
		struct control_call *call = container_of(first, struct control_call, of_operation);
		ProtobufCMessage *reply =
			protobuf_c_message_unpack(operation->reply_type, &call->arena.allocator,
						  operation->reply_len, operation->reply);

		list_remove(first);
		if (reply)
			(void)call->base.base.api->reply(&call->base.base, reply);
		else
			(void)call->base.base.api->fail(
				&call->base.base, WAT_RESOURCE_EXHAUSTED,
				"done, but there is no memory for the reply");
	}
}

void operation_conclude(struct operation *operation)
{
	if (operation->finished)
		operation->finished(operation->finished_arg, operation, WAT_OK, "");
	else
		answer_calls(operation);
	operation_free(operation);
}

void operation_fail(struct operation *operation,
		    wat_status status,
		    const Wat__Envelope__Failure *failure,
		    const char *format,
		    ...)
{
	char text[WAT_FAILURE_TEXT_MAX];
	va_list arguments;
	struct list *first;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	while ((first = list_first(&operation->calls))) {
		struct control_call *call = container_of(first, struct control_call, of_operation);

		list_remove(first);
		call->failure = failure ? failure_copy(failure) : NULL;
		(void)call->base.base.api->fail(&call->base.base, status, "%s", text);
	}
	if (operation->finished)
		operation->finished(operation->finished_arg, operation, status, text);
	operation_free(operation);
}

void operation_forget(struct operation *operation)
{
	struct list *first;

	while ((first = list_first(&operation->calls)))
		list_remove(first);
	operation_free(operation);
}

static void on_settled(struct instance_waiter *waiter)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	operation->retry(operation);
}

void operation_wait(struct operation *operation,
		    struct instance *instance,
		    void (*retry)(struct operation *))
{
	operation->instance = instance;
	operation->retry = retry;
	operation->waiter.settled = on_settled;
	list_append(&instance->waiters, &operation->waiter.link);
}
