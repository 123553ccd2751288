/* harness_call.c - calls over a channel, and what keeps it moving. Test's thread. */
#include <errno.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wat/envelope.pb-c.h>

#include "daemon/harness/harness.h"
#include "daemon/host/service_loop.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

static struct harness_call *find_call(struct wat_test *test, uint64_t id)
{
	list_for_each (i, &test->calls) {
		struct harness_call *call = container_of(i, struct harness_call, link);

		if (call->id == id)
			return call;
	}
	return NULL;
}

static void free_call(struct harness_call *call)
{
	list_remove(&call->link);
	if (call->out)
		protobuf_c_message_free_unpacked(call->out, NULL);
	free(call);
}

void harness_drop_calls(struct wat_test *test)
{
	list_for_each_safe (i, &test->calls)
		free_call(container_of(i, struct harness_call, link));
}

static void set_failure(struct harness_call *call, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message = NULL;

	call->status = (int)frame->budget;
	if (check_unpack(&wat__envelope__failure__descriptor, NULL, body, frame->body_len, &message,
			 NULL) == 0)
		(void)snprintf(call->text, sizeof call->text, "%s",
			       ((Wat__Envelope__Failure *)message)->text);
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

/* A reply was checked before it was sent: what can't be read is for want of memory. */
static void set_reply(struct harness_call *call, const struct frame *frame, const uint8_t *body)
{
	call->status =
		check_unpack(call->method->output, NULL, body, frame->body_len, &call->out, NULL);
}

static void take_frame(struct wat_test *test, const struct frame *frame, const uint8_t *body)
{
	struct harness_call *call = NULL;

	if (frame->type == FRAME_REPLY || frame->type == FRAME_FAIL)
		call = find_call(test, frame->id);
	if (!call)
		return;
	call->answered = true;
	if (frame->type == FRAME_REPLY)
		set_reply(call, frame, body);
	else
		set_failure(call, frame, body);
}

/* What the channel says. False: it has ended. */
static bool read_user(struct wat_test *test, struct harness_user *user, bool *moved)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r;

	while ((r = stream_read(&user->stream)) > 0) {
		*moved = true;
		while (stream_next(&user->stream, &frame, &body, &fd) > 0)
			take_frame(test, &frame, body);
	}
	return r == -EAGAIN;
}

/* Something that the instance has not read yet. */
static bool has_unread(const struct harness_user *user)
{
	int n = 0;

	return stream_pending(&user->stream) > 0 ||
	       (ioctl(user->stream.fd, SIOCOUTQ, &n) == 0 && n > 0);
}

static void write_user(struct harness_user *user)
{
	int r = user->stream.fd >= 0 ? stream_write(&user->stream) : 0;

	/* A channel that has ended is seen when it is read. */
	(void)r;
}

static void write_users(struct wat_test *test)
{
	list_for_each (i, &test->users)
		write_user(container_of(i, struct harness_user, link));
}

static bool read_users(struct wat_test *test)
{
	bool moved = false;

	list_for_each (i, &test->users) {
		struct harness_user *user = container_of(i, struct harness_user, link);

		if (user->stream.fd < 0)
			continue;
		if (!read_user(test, user, &moved))
			harness_disconnect(user);
		else if (has_unread(user))
			moved = true;
	}
	return moved;
}

int harness_pump(struct wat_test *test)
{
	bool moved = true;

	while (moved && test->instance.loop) {
		write_users(test);
		/* -1 is an error of epoll; 1 is no event at all, which can't be. */
		if (event_base_loop(test->instance.loop->base, EVLOOP_NONBLOCK) < 0)
			return -EIO;
		moved = read_users(test);
	}
	return 0;
}

void harness_read_rest(struct wat_test *test)
{
	while (read_users(test))
		;
}

static int queue_call(struct wat_test *test, struct harness_call *call, const ProtobufCMessage *in)
{
	const struct wat_interface *interface = test->instance.service->interface;
	size_t n = in ? protobuf_c_message_get_packed_size(in) : 0;
	struct frame frame = {.type = FRAME_CALL,
			      .id = call->id,
			      .method = (uint16_t)(call->method - interface->methods)};
	uint8_t *room;
	int r;

	if (n > WAT_BODY_MAX)
		return harness_fail(test, WAT_TOO_LARGE,
				    "the request has %zu bytes, at most %u are possible", n,
				    WAT_BODY_MAX);
	r = stream_reserve(&test->acting->stream, &frame, n, &room);
	if (r == 0 && in)
		(void)protobuf_c_message_pack(in, room);
	return r;
}

/* The answer goes to the caller, and the call is over. */
static int give(struct wat_test *test, struct harness_call *call, ProtobufCMessage **ret_out)
{
	int status = call->status;

	if (status == 0 && ret_out)
		*ret_out = TAKE(call->out);
	if (status != 0)
		(void)harness_fail(test, 0, "%s", call->text);
	free_call(call);
	return status;
}

static int send_call(struct wat_test *test,
		     const struct wat_method *method,
		     const ProtobufCMessage *in,
		     struct harness_call **ret_call)
{
	struct harness_call *call = calloc(1, sizeof *call);
	int r;

	if (!call)
		return -ENOMEM;
	list_append(&test->calls, &call->link);
	call->id = ++test->last_id;
	call->method = method;
	r = queue_call(test, call, in);
	if (r == 0)
		r = harness_pump(test);
	if (r != 0)
		free_call(call);
	else
		*ret_call = call;
	return r;
}

int wat_test_call(wat_test *test,
		  uint16_t number,
		  const ProtobufCMessage *in,
		  ProtobufCMessage **ret_out,
		  uint64_t *ret_call)
{
	const struct wat_interface *interface = test->instance.service->interface;
	struct harness_call *call = NULL;
	int r;

	if (!test->instance.loop)
		return harness_fail(test, WAT_STOPPED, "no instance is running");
	if (number >= interface->n_methods)
		return harness_fail(test, WAT_UNIMPLEMENTED, "%s has no method %u", interface->name,
				    number);
	if (!test->acting)
		return harness_fail(test, WAT_FAILED_PRECONDITION,
				    "the user who called is gone; see wat_test_act_as");
	r = harness_connect(test, test->acting);
	if (r == 0)
		r = send_call(test, &interface->methods[number], in, &call);
	if (r != 0)
		return r;
	if (call->answered)
		return give(test, call, ret_out);
	if (ret_call)
		*ret_call = call->id;
	return -EAGAIN;
}

int wat_test_answer(wat_test *test, uint64_t id, ProtobufCMessage **ret_out)
{
	struct harness_call *call = find_call(test, id);

	if (!call)
		return -ENOENT;
	return call->answered ? give(test, call, ret_out) : -EAGAIN;
}
