/* capability.c - handles of capabilities: opened by a token, closed in order. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/session.pb-c.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

wat_capability *capability_init(wat_capability *capability, wat *w, int role)
{
	capability->owner = w;
	capability->role = role;
	capability->next_id = 1;
	capability->last_read_id = UINT64_MAX;
	capability->watch.fd = -1;
	stream_init(&capability->channel, -1, 0);
	list_init(&capability->calls);
	list_init(&capability->deferred);
	(void)pthread_mutex_lock(&w->lock);
	list_append(&w->capabilities, &capability->link);
	(void)pthread_mutex_unlock(&w->lock);
	return capability;
}

/* Tells both ends that the lane and the handle are not needed any more. */
static void drop(wat *w, wat_capability *capability)
{
	struct frame frame = {.type = FRAME_DROP};

	if (capability->binding == BOUND && capability->channel.fd >= 0 &&
	    stream_queue(&capability->channel, &frame, NULL, 0, -1) == 0)
		channel_write(capability);
	if (capability->handle && w->connected)
		connection_drop(w, capability->handle);
	capability->handle = 0;
}

static void cancel_all(wat_capability *capability)
{
	struct list *first;

	while ((first = list_first(&capability->calls)))
		call_complete(container_of(first, struct call, link), WAT_CANCELLED, NULL,
			      "the handle was freed before the answer came");
}

void capability_deinit(wat_capability *capability)
{
	wat *w = capability->owner;

	(void)pthread_mutex_lock(&w->lock);
	drop(w, capability);
	cancel_all(capability);
	/* Callbacks name the capability: they run before it goes. */
	deliver_last(capability);
	list_remove(&capability->link);
	channel_close(capability);
	(void)pthread_mutex_unlock(&w->lock);
	sodium_memzero(&capability->token, sizeof capability->token);
	free(capability->service);
	free(capability->instance);
}

wat_capability *wat_capability_free(wat_capability *capability)
{
	if (!capability)
		return NULL;
	capability_deinit(capability);
	stopped_free(&capability->stopped);
	free(capability);
	return NULL;
}

static const char *role_name(int role)
{
	switch (role) {
	case TOKEN_ADMIN:
		return "an Admin, which manages an instance";
	case TOKEN_USER:
		return "a User, which calls an instance's methods";
	default:
		return "of the node";
	}
}

static int check_token(const char *text, int role, uint64_t interface_hash, struct token *ret_token)
{
	if (!text || token_from_text(text, ret_token) != TOKEN_OK)
		return failure_set(WAT_ACCESS_DENIED, NULL,
				   "this is no token; expected a text that begins with wats1_");
	if (!ret_token->has_seed)
		return failure_set(WAT_ACCESS_DENIED, NULL, NO_SECRET);
	if (ret_token->role != role)
		return failure_set(WAT_ACCESS_DENIED, NULL, "this token is %s; expected %s",
				   role_name(ret_token->role), role_name(role));
	if (interface_hash && ret_token->interface_hash != interface_hash)
		return failure_set(
			WAT_ACCESS_DENIED, NULL,
			"this token is for another interface (or another major version of it)");
	return 0;
}

static int run_and_free(struct call *call)
{
	int r;

	if (!call)
		return failure_set_errno(-ENOMEM, "a call");
	r = call_run(call);
	call_free(call);
	return r;
}

int wat_capability_open(wat *w,
			int role,
			uint64_t interface_hash,
			const char *token,
			wat_capability **ret)
{
	wat_capability *capability;
	struct token decoded;
	int r = check_token(token, role, interface_hash, &decoded);

	if (r != 0)
		return r;
	capability = calloc(1, sizeof *capability);
	if (!capability)
		return failure_set_errno(-ENOMEM, "a capability");
	capability_init(capability, w, role);
	capability->token = decoded;
	sodium_memzero(&decoded, sizeof decoded);
	r = run_and_free(call_new(capability, CALL_OPEN, 0, 0));
	if (r != 0) {
		wat_capability_free(capability);
		return r;
	}
	*ret = capability;
	return 0;
}

static int set_names(wat_capability *capability, const char *service, const char *instance)
{
	capability->service = service ? strdup(service) : NULL;
	capability->instance = instance ? strdup(instance) : NULL;
	return (service && !capability->service) || (instance && !capability->instance) ? -ENOMEM
											: 0;
}

int capability_hold(wat *w,
		    int role,
		    const char *token,
		    const char *service,
		    const char *instance,
		    wat_capability **ret)
{
	wat_capability *capability = calloc(1, sizeof *capability);
	struct token decoded;

	if (!capability)
		return failure_set_errno(-ENOMEM, "a capability");
	capability_init(capability, w, role);
	if (token_from_text(token, &decoded) != TOKEN_OK || decoded.role != role ||
	    set_names(capability, service, instance) < 0) {
		wat_capability_free(capability);
		return failure_set(WAT_INTERNAL, NULL, "the new token can't be kept");
	}
	capability->token = decoded;
	sodium_memzero(&decoded, sizeof decoded);
	*ret = capability;
	return 0;
}

int wat_capability_token(const wat_capability *capability, char **ret_text)
{
	char *text = malloc(TOKEN_TEXT_MAX);

	if (!text)
		return failure_set_errno(-ENOMEM, "a token's text");
	token_to_text(&capability->token, text);
	*ret_text = text;
	return 0;
}

const char *wat_capability_service(const wat_capability *capability)
{
	return capability->service ? capability->service : "";
}

const char *wat_capability_instance(const wat_capability *capability)
{
	return capability->instance ? capability->instance : "";
}

static int take_schema(const struct call *call, uint8_t **ret_bytes, size_t *ret_n)
{
	ProtobufCMessage *message;
	const Wat__Session__Description *description;
	uint8_t *copy;
	int r = check_unpack(&wat__session__description__descriptor, NULL, call->reply,
			     call->reply_len, &message, NULL);

	if (r < 0)
		return failure_set(WAT_INTERNAL, NULL,
				   "watd's description of the interface can't be read");
	description = (const Wat__Session__Description *)message;
	copy = malloc(description->schema.len + 1);
	if (copy) {
		memcpy(copy, description->schema.data, description->schema.len);
		*ret_bytes = copy;
		*ret_n = description->schema.len;
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return copy ? 0 : failure_set_errno(-ENOMEM, "an interface's description");
}

int wat_capability_schema(wat_capability *capability, uint8_t **ret_bytes, size_t *ret_n)
{
	struct call *call = call_new(capability, CALL_SCHEMA, 0, 0);
	int r;

	if (!call)
		return failure_set_errno(-ENOMEM, "a call");
	call->resend = true;
	r = call_run(call);
	if (r == 0)
		r = take_schema(call, ret_bytes, ret_n);
	call_free(call);
	return r;
}
