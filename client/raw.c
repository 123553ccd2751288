/* raw.c - calls with messages as bytes, and the Admin's and node's own. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/admin.pb-c.h>
#include <wat/node.pb-c.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

/* In the order of the .proto files. */
enum { ADMIN_PROVISION, ADMIN_DEPROVISION, ADMIN_RELEASE = 3 };
enum {
	NODE_SPAWN = 6,
	NODE_START = 7,
	NODE_KILL = 8,
	NODE_OPEN_ADMIN = 10,
	NODE_IMPORT = 22,
	NODE_RESTART = 24,
	NODE_RESET_FAILED = 25,
	NODE_RELEASE = 26,
	NODE_REVOKE_ALL = 27,
	NODE_REVOKE_KEY = 30
};

/* Node and Admin requests may hold a whole state. */
static bool is_too_large(const wat_capability *capability, size_t n)
{
	size_t max = capability->role == TOKEN_USER ? WAT_BODY_MAX : WAT_CONTROL_BODY_MAX;

	if (n <= max)
		return false;
	(void)failure_set(WAT_TOO_LARGE, NULL, "a request of %zu bytes; at most %zu are possible",
			  n, max);
	return true;
}

int method_call(wat_capability *capability,
		uint16_t method,
		uint32_t flags,
		uint32_t deadline_ms,
		size_t n,
		call_maker *make,
		struct call **ret_call)
{
	uint64_t timeout_ms = capability->owner->timeout_ms;
	struct call *call;

	if (is_too_large(capability, n))
		return WAT_TOO_LARGE;
	call = make(capability, CALL_METHOD, method, n);
	if (!call)
		return failure_set_errno(-ENOMEM, "a call");
	call->resend = (flags & WAT_METHOD_READ_ONLY) != 0;
	call->later = (flags & WAT_METHOD_LATER) != 0;
	if (deadline_ms > 0 && (timeout_ms == 0 || deadline_ms < timeout_ms))
		call_limit(call, deadline_ms);
	*ret_call = call;
	return 0;
}

/* The reply, for the caller to free. */
static int take_reply(struct call *call, uint8_t **ret_reply, size_t *ret_n)
{
	uint8_t *reply = call->reply == call->data ? malloc(call->reply_len + 1) : call->reply;

	if (!reply)
		return failure_set_errno(-ENOMEM, "an answer");
	if (call->reply == call->data)
		memcpy(reply, call->data, call->reply_len);
	call->reply = NULL;
	*ret_reply = reply;
	*ret_n = call->reply_len;
	return 0;
}

static int call_bytes(wat_capability *capability,
		      uint16_t method,
		      uint32_t flags,
		      uint32_t deadline_ms,
		      const void *request,
		      size_t n,
		      uint8_t **ret_reply,
		      size_t *ret_n)
{
	struct call *call;
	int r = method_call(capability, method, flags, deadline_ms, n, call_new, &call);

	if (r != 0)
		return r;
	if (n > 0)
		memcpy(call->data, request, n);
	r = call_run(call);
	if (r == 0)
		r = take_reply(call, ret_reply, ret_n);
	call_free(call);
	return r;
}

int wat_call_raw(wat_capability *user,
		 uint16_t method,
		 uint32_t flags,
		 uint32_t deadline_ms,
		 const void *request,
		 size_t n,
		 uint8_t **ret_reply,
		 size_t *ret_n)
{
	return call_bytes(user, method, flags, deadline_ms, request, n, ret_reply, ret_n);
}

static void ignore(void *arg,
		   int status,
		   const uint8_t *reply,
		   size_t n,
		   const struct wat_failure *failure)
{
	(void)arg;
	(void)status;
	(void)reply;
	(void)n;
	(void)failure;
}

void method_send(struct call *call, wat_raw_done *done, void *arg, const void *key)
{
	wat *w = call->capability->owner;

	call->callback = done ? done : ignore;
	call->arg = arg;
	call->key = key;
	w->outstanding++;
	call_submit(call);
}

int wat_send_raw(wat_capability *user,
		 uint16_t method,
		 uint32_t flags,
		 uint32_t deadline_ms,
		 const void *request,
		 size_t n,
		 wat_raw_done *done,
		 void *arg)
{
	struct call *call;
	int r = method_call(user, method, flags, deadline_ms, n, call_new, &call);

	if (r != 0)
		return r;
	if (n > 0)
		memcpy(call->data, request, n);
	(void)pthread_mutex_lock(&user->owner->lock);
	method_send(call, done, arg, arg);
	(void)pthread_mutex_unlock(&user->owner->lock);
	return 0;
}

int call_message(wat_capability *capability,
		 uint16_t method,
		 const ProtobufCMessage *request,
		 const ProtobufCMessageDescriptor *type,
		 ProtobufCMessage **ret)
{
	size_t n = protobuf_c_message_get_packed_size(request), n_reply;
	_cleanup_(freep) uint8_t *body = malloc(n + 1), *reply = NULL;
	int r;

	if (!body)
		return failure_set_errno(-ENOMEM, "a call");
	protobuf_c_message_pack(request, body);
	/* Each carries a request id: sent again, it is done once. */
	r = call_bytes(capability, method, WAT_METHOD_READ_ONLY, 0, body, n, &reply, &n_reply);
	if (r != 0)
		return r;
	r = check_unpack(type, NULL, reply, n_reply, ret, NULL);
	return r < 0 ? failure_set(WAT_INTERNAL, NULL, "watd's answer can't be read") : 0;
}

/* A new holder key; its public half goes to watd, its seed into the token that comes back. */
struct holder {
	uint8_t pk[32], seed[32];
};

static void holder_make(struct holder *holder)
{
	uint8_t sk[64];

	randombytes_buf(holder->seed, sizeof holder->seed);
	crypto_sign_seed_keypair(holder->pk, sk, holder->seed);
	sodium_memzero(sk, sizeof sk);
}

static int take_token(const ProtobufCBinaryData *bytes,
		      const struct holder *holder,
		      char **ret_text)
{
	struct token token;
	char *text;

	if (token_decode(bytes->data, bytes->len, &token) != TOKEN_OK)
		return failure_set(WAT_INTERNAL, NULL, "watd's token can't be read");
	text = malloc(TOKEN_TEXT_MAX);
	if (!text)
		return failure_set_errno(-ENOMEM, "a token's text");
	if (holder) {
		token.has_seed = true;
		memcpy(token.seed, holder->seed, sizeof token.seed);
	}
	token_to_text(&token, text);
	sodium_memzero(&token, sizeof token);
	*ret_text = text;
	return 0;
}

/* Field 22 of proc(5)'s stat; 0: not to be had. */
static uint64_t process_start(uint32_t pid)
{
	char path[32], text[1024];
	unsigned long long start = 0;
	const char *end;
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof path, "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof text - 1, file);
	(void)fclose(file);
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end + 1,
			     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			     "%*d %*d %*d %llu",
			     &start) == 1
		       ? start
		       : 0;
}

int wat_provision_raw(wat_capability *admin, const struct wat_grant *given, char **ret_token)
{
	Wat__Admin__ProvisionRequest request = WAT__ADMIN__PROVISION_REQUEST__INIT;
	uint8_t id[16];
	struct wat_grant taken, *grant = &taken;
	struct holder holder;
	ProtobufCMessage *reply;
	int r = grant_take(given, grant);

	if (r != 0)
		return r;
	holder_make(&holder);
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.user = (char *)grant->name;
	request.holder_pk = (ProtobufCBinaryData){32, grant->holder_pk ? (uint8_t *)grant->holder_pk
								       : holder.pk};
	request.method_mask = grant->methods;
	request.not_after = grant->not_after;
	request.session = (grant->flags & WAT_GRANT_SESSION) != 0;
	request.rate = grant->rate;
	request.in_flight = grant->in_flight;
	request.pid = grant->pid;
	request.pid_start = grant->pid ? process_start(grant->pid) : 0;
	r = call_message(admin, ADMIN_PROVISION, &request.base,
			 &wat__admin__provision_reply__descriptor, &reply);
	if (r == 0) {
		r = take_token(&((Wat__Admin__ProvisionReply *)reply)->token,
			       grant->holder_pk ? NULL : &holder, ret_token);
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	sodium_memzero(&holder, sizeof holder);
	return r;
}

int wat_deprovision_raw(wat_capability *admin, const char *user)
{
	Wat__Admin__DeprovisionRequest request = WAT__ADMIN__DEPROVISION_REQUEST__INIT;
	uint8_t id[16];
	ProtobufCMessage *reply;
	int r;

	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.user = (char *)user;
	r = call_message(admin, ADMIN_DEPROVISION, &request.base, &wat__empty__descriptor, &reply);
	if (r == 0)
		protobuf_c_message_free_unpacked(reply, NULL);
	return r;
}

int wat_release_raw(wat_capability *admin)
{
	Wat__Admin__ReleaseRequest request = WAT__ADMIN__RELEASE_REQUEST__INIT;
	uint8_t id[16];
	ProtobufCMessage *reply;
	int r;

	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	r = call_message(admin, ADMIN_RELEASE, &request.base,
			 &wat__admin__release_reply__descriptor, &reply);
	if (r == 0)
		protobuf_c_message_free_unpacked(reply, NULL);
	return r;
}

int wat_node_open(wat *w, wat_node **ret)
{
	wat_node *node = calloc(1, sizeof *node);
	struct call *call;
	int r;

	if (!node)
		return failure_set_errno(-ENOMEM, "a node capability");
	capability_init(&node->capability, w, TOKEN_NODE);
	call = call_new(&node->capability, CALL_OPEN, 0, 0);
	r = call ? call_run(call) : failure_set_errno(-ENOMEM, "a call");
	call_free(call);
	if (r != 0) {
		wat_node_free(node);
		return r;
	}
	*ret = node;
	return 0;
}

wat_node *wat_node_free(wat_node *node)
{
	if (!node)
		return NULL;
	capability_deinit(&node->capability);
	free(node);
	return NULL;
}

/* Reads, and what is done once by its request id or by what it sets. A Kill kills whoever is there.
 * Of a method that is not known here neither is known. */
static bool node_call_may_repeat(uint16_t method)
{
	return (method <= NODE_IMPORT && method != NODE_KILL) || method == NODE_RESTART ||
	       method == NODE_RESET_FAILED || method == NODE_RELEASE ||
	       (method >= NODE_REVOKE_ALL && method <= NODE_REVOKE_KEY);
}

int wat_node_call_raw(wat_node *node,
		      uint16_t method,
		      const void *request,
		      size_t n,
		      uint8_t **ret_reply,
		      size_t *ret_n)
{
	return call_bytes(&node->capability, method,
			  node_call_may_repeat(method) ? WAT_METHOD_READ_ONLY : 0, 0, request, n,
			  ret_reply, ret_n);
}

int wat_spawn_raw(wat_node *node,
		  const char *service,
		  const char *name,
		  const struct wat_spawn *given,
		  const void *state,
		  size_t n,
		  char **ret_token)
{
	Wat__Node__SpawnRequest request = WAT__NODE__SPAWN_REQUEST__INIT;
	struct wat_spawn spawn;
	struct holder holder;
	ProtobufCMessage *reply;
	uint8_t id[16];
	int r = spawn_take(given, &spawn);

	if (r != 0)
		return r;
	holder_make(&holder);
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.service = (char *)service;
	request.name = (char *)name;
	request.tier = (Wat__Node__Tier)spawn.tier;
	request.durability = spawn.durability;
	request.restart = spawn.restart;
	request.attached = (spawn.flags & WAT_SPAWN_ATTACHED) != 0;
	request.state = (ProtobufCBinaryData){n, (uint8_t *)state};
	request.holder_pk = (ProtobufCBinaryData){sizeof holder.pk, holder.pk};
	r = call_message(&node->capability, NODE_SPAWN, &request.base,
			 &wat__node__spawn_reply__descriptor, &reply);
	if (r == 0) {
		r = take_token(&((Wat__Node__SpawnReply *)reply)->token, &holder, ret_token);
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	sodium_memzero(&holder, sizeof holder);
	return r;
}

int wat_start_raw(wat_node *node, const char *name, const struct wat_spawn *given, char **ret_token)
{
	Wat__Node__StartRequest request = WAT__NODE__START_REQUEST__INIT;
	struct wat_spawn spawn;
	struct holder holder;
	ProtobufCMessage *message;
	const ProtobufCBinaryData *token;
	uint8_t id[16];
	int r = start_take(given, &spawn);

	if (r != 0)
		return r;
	holder_make(&holder);
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)name;
	request.tier = (Wat__Node__Tier)spawn.tier;
	request.durability = spawn.durability;
	request.from = spawn.from;
	request.restart = spawn.restart;
	request.holder_pk = (ProtobufCBinaryData){sizeof holder.pk, holder.pk};
	r = call_message(&node->capability, NODE_START, &request.base,
			 &wat__node__start_reply__descriptor, &message);
	if (r == 0) {
		token = &((Wat__Node__StartReply *)message)->token;
		if (token->len > 0)
			r = take_token(token, &holder, ret_token);
		else
			*ret_token = NULL;
		protobuf_c_message_free_unpacked(message, NULL);
	}
	sodium_memzero(&holder, sizeof holder);
	return r;
}

int wat_import_raw(wat_node *node,
		   const void *file,
		   size_t n,
		   const char *name,
		   const struct wat_spawn *given,
		   char **ret_token)
{
	Wat__Node__ImportRequest request = WAT__NODE__IMPORT_REQUEST__INIT;
	struct wat_spawn spawn;
	struct holder holder;
	ProtobufCMessage *reply;
	uint8_t id[16];
	int r = start_take(given, &spawn);

	if (r != 0)
		return r;
	holder_make(&holder);
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.file = (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)file};
	request.name = (char *)(uintptr_t)(name ? name : "");
	request.tier = (Wat__Node__Tier)spawn.tier;
	request.durability = spawn.durability;
	request.holder_pk = (ProtobufCBinaryData){sizeof holder.pk, holder.pk};
	r = call_message(&node->capability, NODE_IMPORT, &request.base,
			 &wat__node__import_reply__descriptor, &reply);
	if (r == 0) {
		r = take_token(&((Wat__Node__ImportReply *)reply)->token, &holder, ret_token);
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	sodium_memzero(&holder, sizeof holder);
	return r;
}

int wat_mint_admin_raw(wat_node *node,
		       const char *name,
		       uint32_t flags,
		       char **ret_token,
		       uint32_t *ret_ended)
{
	Wat__Node__OpenAdminRequest request = WAT__NODE__OPEN_ADMIN_REQUEST__INIT;
	const Wat__Node__OpenAdminReply *reply;
	struct holder holder;
	ProtobufCMessage *message;
	uint8_t id[16];
	int r;

	holder_make(&holder);
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)name;
	request.holder_pk = (ProtobufCBinaryData){sizeof holder.pk, holder.pk};
	request.only = (flags & WAT_ADMIN_ONLY) != 0;
	r = call_message(&node->capability, NODE_OPEN_ADMIN, &request.base,
			 &wat__node__open_admin_reply__descriptor, &message);
	if (r == 0) {
		reply = (const Wat__Node__OpenAdminReply *)message;
		if (ret_ended)
			*ret_ended = reply->ended;
		r = take_token(&reply->token, &holder, ret_token);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	sodium_memzero(&holder, sizeof holder);
	return r;
}
