/* stub.c - what generated functions are made of: pack, call, unpack. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/private.h"
#include "proto/check.h"
#include "proto/flat.h"
#include "proto/support/bytes.h"
#include "proto/support/cleanup.h"

/* NULL is the message with no field set. */
static int pack(const ProtobufCMessage *message, uint8_t **ret, size_t *ret_n)
{
	size_t n = message ? protobuf_c_message_get_packed_size(message) : 0;
	uint8_t *bytes = malloc(n + 1);

	if (!bytes)
		return failure_set_errno(-ENOMEM, "a message");
	if (message)
		protobuf_c_message_pack(message, bytes);
	*ret = bytes;
	*ret_n = n;
	return 0;
}

static int unpack(const ProtobufCMessageDescriptor *type,
		  const uint8_t *bytes,
		  size_t n,
		  ProtobufCMessage **ret)
{
	struct check_error error;
	char text[512];
	int r;

	if (!ret)
		return 0;
	r = check_unpack(type, NULL, bytes, n, ret, &error);
	if (r == 0)
		return 0;
	if (r != -EBADMSG)
		return failure_set_errno(r, "an answer");
	check_error_format(&error, text, sizeof text);
	return failure_set(WAT_INTERNAL, NULL, "the answer can't be read: %s", text);
}

/* It was made, whatever becomes of binding it: if that fails now, the first use tries again. */
static int open_new(wat *w,
		    int role,
		    const struct wat_interface *interface,
		    const char *instance,
		    const char *token,
		    wat_capability **ret)
{
	if (wat_capability_open(w, role, interface->hash, token, ret) == 0)
		return 0;
	return capability_hold(w, role, token, interface->name, instance, ret);
}

int wat_stub_spawn(wat_node *node,
		   const struct wat_interface *interface,
		   const char *name,
		   const struct wat_spawn *spawn,
		   const ProtobufCMessage *state,
		   wat_capability **ret_admin)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	_cleanup_(freep) char *token = NULL;
	size_t n = 0;
	int r = pack(state, &bytes, &n);

	if (r == 0)
		r = wat_spawn_raw(node, interface->name, name, spawn, bytes, n, &token);
	if (r != 0)
		return r;
	return open_new(node->capability.owner, WAT_ROLE_ADMIN, interface, name, token, ret_admin);
}

int wat_stub_open(wat *w,
		  const struct wat_interface *interface,
		  int role,
		  const char *token,
		  wat_capability **ret)
{
	return wat_capability_open(w, role, interface->hash, token, ret);
}

int wat_stub_provision(wat_capability *admin,
		       const struct wat_interface *interface,
		       const struct wat_grant *grant,
		       wat_capability **ret_user)
{
	_cleanup_(freep) char *token = NULL;
	int r = wat_provision_raw(admin, grant, &token);

	if (r != 0)
		return r;
	return open_new(admin->owner, WAT_ROLE_USER, interface, admin->instance, token, ret_user);
}

/* A call of the method, with the request in it. */
static int packed_call(wat_capability *user,
		       const struct wat_method *m,
		       uint16_t method,
		       const uint8_t *request,
		       size_t n,
		       call_maker *make,
		       struct call **ret_call)
{
	int r = method_call(user, method, m->flags, m->deadline_ms, n, make, ret_call);

	if (r == 0)
		bytes_copy((*ret_call)->data, request, n);
	return r;
}

static int message_call(wat_capability *user,
			const struct wat_method *m,
			uint16_t method,
			const ProtobufCMessage *in,
			struct call **ret_call)
{
	size_t n = protobuf_c_message_get_packed_size(in);
	int r = method_call(user, method, m->flags, m->deadline_ms, n, call_new, ret_call);

	if (r == 0)
		protobuf_c_message_pack(in, (*ret_call)->data);
	return r;
}

/* NULL is the message with no field set. */
static bool pack_flat(const ProtobufCMessage *in, uint8_t *flat, size_t *ret_n)
{
	*ret_n = 0;
	return !in || flat_pack(in, flat, ret_n);
}

int wat_stub_call(wat_capability *user,
		  const struct wat_interface *interface,
		  uint16_t method,
		  const ProtobufCMessage *in,
		  ProtobufCMessage **ret_out)
{
	const struct wat_method *m = &interface->methods[method];
	uint8_t flat[FLAT_PACKED_MAX];
	struct call *call;
	size_t n;
	int r = pack_flat(in, flat, &n) ? packed_call(user, m, method, flat, n, call_new, &call)
					: message_call(user, m, method, in, &call);

	if (r != 0)
		return r;
	r = call_run(call);
	if (r == 0)
		r = unpack(m->output, call->reply, call->reply_len, ret_out);
	call_free(call);
	return r;
}

static void on_done(void *arg,
		    int status,
		    const uint8_t *reply,
		    size_t n,
		    const struct wat_failure *failure)
{
	const struct call *call = arg;
	ProtobufCMessage *out = NULL;
	union flat_message flat;

	if (status == 0 && call->flat && flat_unpack(call->typed->output, reply, n, &flat)) {
		call->invoke(call->typed_done, call->typed_arg, 0, &flat.base, NULL);
		return;
	}
	if (status == 0) {
		status = unpack(call->typed->output, reply, n, &out);
		failure = status ? wat_failure() : NULL;
	}
	call->invoke(call->typed_done, call->typed_arg, status, out, failure);
	if (out)
		protobuf_c_message_free_unpacked(out, NULL);
}

int wat_stub_send(wat_capability *user,
		  const struct wat_interface *interface,
		  uint16_t method,
		  const ProtobufCMessage *in,
		  wat_stub_invoke *invoke,
		  void (*typed_done)(void),
		  void *arg)
{
	const struct wat_method *m = &interface->methods[method];
	uint8_t flat[FLAT_PACKED_MAX];
	struct call *call;
	size_t n;
	bool is_flat = pack_flat(in, flat, &n);
	int r = is_flat ? 0 : message_call(user, m, method, in, &call);

	if (r != 0)
		return r;
	(void)pthread_mutex_lock(&user->owner->lock);
	if (is_flat)
		r = packed_call(user, m, method, flat, n, call_new_locked, &call);
	if (r == 0) {
		call->typed = m;
		call->flat = flat_is_known(&user->flat_replies, method, m->output);
		call->invoke = invoke;
		call->typed_done = typed_done;
		call->typed_arg = arg;
		method_send(call, typed_done ? on_done : NULL, call, arg);
	}
	(void)pthread_mutex_unlock(&user->owner->lock);
	return r;
}

int wat_stub_stop(wat_capability *admin,
		  const struct wat_interface *interface,
		  ProtobufCMessage **ret_state)
{
	_cleanup_(freep) uint8_t *state = NULL;
	size_t n = 0;
	int r = wat_stop_raw(admin, &state, &n);

	return r == 0 ? unpack(interface->state, state, n, ret_state) : r;
}
