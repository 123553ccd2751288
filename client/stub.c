/* stub.c - what generated functions are made of: pack, call, unpack. */
#include <errno.h>
#include <stdlib.h>

#include "client/private.h"
#include "proto/check.h"
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

int wat_stub_spawn(wat_node *node,
		   const struct wat_interface *interface,
		   const char *name,
		   const struct wat_spawn *spawn,
		   const ProtobufCMessage *state,
		   wat_capability **ret_admin)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	_cleanup_(freep) char *token = NULL;
	size_t n;
	int r = pack(state, &bytes, &n);

	if (r == 0)
		r = wat_spawn_raw(node, interface->name, name, spawn, bytes, n, &token);
	if (r == 0)
		r = wat_capability_open(node->capability.owner, WAT_ROLE_ADMIN, interface->hash,
					token, ret_admin);
	return r;
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

	return r == 0 ? wat_capability_open(admin->owner, WAT_ROLE_USER, interface->hash, token,
					    ret_user)
		      : r;
}

int wat_stub_call(wat_capability *user,
		  const struct wat_interface *interface,
		  uint16_t method,
		  const ProtobufCMessage *in,
		  ProtobufCMessage **ret_out)
{
	const struct wat_method *m = &interface->methods[method];
	_cleanup_(freep) uint8_t *request = NULL, *reply = NULL;
	size_t n, n_reply;
	int r = pack(in, &request, &n);

	if (r == 0)
		r = wat_call_raw(user, method, m->flags, m->deadline_ms, request, n, &reply,
				 &n_reply);
	return r == 0 ? unpack(m->output, reply, n_reply, ret_out) : r;
}

/* Between a queued call and its typed callback. */
struct typed {
	const struct wat_method *method;
	wat_stub_invoke *invoke;
	void (*done)(void);
	void *arg;
};

static void on_done(void *arg,
		    int status,
		    const uint8_t *reply,
		    size_t n,
		    const struct wat_failure *failure)
{
	_cleanup_(freep) struct typed *typed = arg;
	ProtobufCMessage *out = NULL;

	if (!typed->done)
		return;
	if (status == 0) {
		status = unpack(typed->method->output, reply, n, &out);
		failure = status ? wat_failure() : NULL;
	}
	typed->invoke(typed->done, typed->arg, status, out, failure);
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
	_cleanup_(freep) uint8_t *request = NULL;
	struct typed *typed = malloc(sizeof *typed);
	size_t n;
	int r = pack(in, &request, &n);

	if (r == 0 && !typed)
		r = failure_set_errno(-ENOMEM, "a call");
	if (r == 0) {
		*typed = (struct typed){m, invoke, typed_done, arg};
		r = send_keyed(user, method, m->flags, m->deadline_ms, request, n, on_done, typed,
			       arg);
	}
	if (r != 0)
		free(typed);
	return r;
}

int wat_stub_stop(wat_capability *admin,
		  const struct wat_interface *interface,
		  ProtobufCMessage **ret_state)
{
	_cleanup_(freep) uint8_t *state = NULL;
	size_t n;
	int r = wat_stop_raw(admin, &state, &n);

	return r == 0 ? unpack(interface->state, state, n, ret_state) : r;
}
