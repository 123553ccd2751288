/* host_link.c - the control socket to a host. Loop thread. */
#include "daemon/supervisor/host_link.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <wat/host.pb-c.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/nospace.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

struct request {
	struct list link;
	uint64_t id;
	host_answered *answered;
	void *arg;
};

static struct request *take_request(struct host *host, uint64_t id)
{
	list_for_each (i, &host->requests) {
		struct request *request = container_of(i, struct request, link);

		if (request->id == id) {
			list_remove(&request->link);
			return request;
		}
	}
	return NULL;
}

static void answer(struct request *request, const struct host_answer *answer)
{
	if (request->answered)
		request->answered(request->arg, answer);
	free(request);
}

static void write_out(struct host *host)
{
	int r = stream_write(&host->control);

	/* A host that has gone is noticed by its pidfd. */
	if (r == -EAGAIN)
		(void)event_add(host->writable, NULL);
	else if (host->ending)
		(void)shutdown(host->control.fd, SHUT_WR);
}

static void handle_reply(struct host *host, const struct frame *frame, const uint8_t *body, int fd)
{
	struct request *request = take_request(host, frame->id);
	struct host_answer said = {.status = WAT_OK, .body = body, .n = frame->body_len, .fd = fd};

	if (request)
		answer(request, &said);
}

static void handle_fail(struct host *host, const struct frame *frame, const uint8_t *body)
{
	struct request *request = take_request(host, frame->id);
	ProtobufCMessage *failure = NULL;
	struct host_answer said = {.status = (wat_status)frame->budget, .fd = -1};

	if (!request)
		return;
	if (said.status == WAT_OK)
		said.status = WAT_INTERNAL;
	if (check_unpack(&wat__envelope__failure__descriptor, NULL, body, frame->body_len, &failure,
			 NULL) == 0)
		said.failure = (Wat__Envelope__Failure *)failure;
	answer(request, &said);
	if (failure)
		protobuf_c_message_free_unpacked(failure, NULL);
}

static void handle_checkpoint(struct host *host,
			      const struct frame *frame,
			      const uint8_t *body,
			      int fd)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__host__checkpoint__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return;
	lifecycle_checkpoint(host, (const Wat__Host__Checkpoint *)message, fd);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle_channel_count(struct host *host, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__host__channel_count__descriptor, NULL, body, frame->body_len,
			 &message, NULL) < 0)
		return;
	node_channel_count(host, (const Wat__Host__ChannelCount *)message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle_rebuilt(struct host *host, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__host__rebuilt__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return;
	lifecycle_rebuilt(host, (const Wat__Host__Rebuilt *)message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle_wants_segment(struct host *host, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__host__wants_segment__descriptor, NULL, body, frame->body_len,
			 &message, NULL) < 0)
		return;
	lifecycle_wants_segment(host, (const Wat__Host__WantsSegment *)message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle_panicked(struct host *host, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__host__panicked__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return;
	lifecycle_panicked(host, (const Wat__Host__Panicked *)message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle_denied(struct host *host, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__host__denied__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return;
	lifecycle_denied(host, (const Wat__Host__Denied *)message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle_end_step(struct host *host, const struct frame *frame, const uint8_t *body)
{
	ProtobufCMessage *message;

	if (check_unpack(&wat__host__end_step__descriptor, NULL, body, frame->body_len, &message,
			 NULL) < 0)
		return;
	lifecycle_host_step(host, (const Wat__Host__EndStep *)message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void handle(struct host *host, const struct frame *frame, const uint8_t *body, int fd)
{
	if (frame->type == FRAME_REPLY)
		handle_reply(host, frame, body, fd);
	else if (frame->type == FRAME_FAIL)
		handle_fail(host, frame, body);
	else if (frame->type == FRAME_EVENT && frame->method == 0)
		handle_checkpoint(host, frame, body, fd);
	else if (frame->type == FRAME_EVENT && frame->method == 1)
		handle_channel_count(host, frame, body);
	else if (frame->type == FRAME_EVENT && frame->method == 2)
		handle_rebuilt(host, frame, body);
	else if (frame->type == FRAME_EVENT && frame->method == 3)
		handle_wants_segment(host, frame, body);
	else if (frame->type == FRAME_EVENT && frame->method == 4)
		handle_panicked(host, frame, body);
	else if (frame->type == FRAME_EVENT && frame->method == 5)
		handle_denied(host, frame, body);
	else if (frame->type == FRAME_EVENT && frame->method == 6)
		nospace_enter(host->node);
	else if (frame->type == FRAME_EVENT && frame->method == 7)
		handle_end_step(host, frame, body);
}

/* All whole frames in the buffer. A host that breaks the protocol is ended: it can't be trusted
 * with clients any more. */
static int handle_frames(struct host *host)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r;

	while ((r = stream_next(&host->control, &frame, &body, &fd)) > 0) {
		handle(host, &frame, body, fd);
		fd_close(fd);
	}
	return r;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct host *host = arg;
	int r = stream_read(&host->control);

	(void)fd;
	(void)what;
	if (r == -EAGAIN)
		return;
	if (r > 0)
		r = handle_frames(host);
	else if (r == 0)
		r = -EPIPE;
	if (r >= 0)
		return;
	/* Its end is near or, if it broke the protocol, must be: without the socket it is of no
	 * use. */
	(void)event_del(host->readable);
	if (r != -EPIPE && r != -ECONNRESET) {
		log_error("host breaks the control protocol and is killed", "error", strerror(-r));
		host_kill(host);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_out(arg);
}

int host_link_init(struct host *host)
{
	host->readable = event_new(host->node->base, host->control.fd, EV_READ | EV_PERSIST,
				   on_readable, host);
	host->writable = event_new(host->node->base, host->control.fd, EV_WRITE, on_writable, host);
	if (!host->readable || !host->writable || event_add(host->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void host_link_deinit(struct host *host)
{
	if (host->readable)
		event_free(host->readable);
	if (host->writable)
		event_free(host->writable);
	host->readable = host->writable = NULL;
	stream_deinit(&host->control);
}

void host_link_drain(struct host *host)
{
	int r;

	do {
		r = stream_read(&host->control);
		if (r > 0 && handle_frames(host) < 0)
			return;
	} while (r > 0);
}

void host_link_fail_requests(struct host *host, const struct host_death *death)
{
	const struct host_answer died = {
		.died = true, .death = death, .status = WAT_UNAVAILABLE, .fd = -1};
	struct list *first;

	while ((first = list_first(&host->requests))) {
		struct request *request = container_of(first, struct request, link);

		list_remove(first);
		answer(request, &died);
	}
}

static int queue_request(struct host *host,
			 uint64_t id,
			 uint16_t method,
			 const ProtobufCMessage *message,
			 int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	size_t n = protobuf_c_message_get_packed_size(message);
	_cleanup_(freep) uint8_t *body = malloc(n ? n : 1);
	struct frame frame = {.type = FRAME_CALL, .method = method, .id = id};

	if (!body)
		return -ENOMEM;
	protobuf_c_message_pack(message, body);
	return stream_queue(&host->control, &frame, body, n, fd_take(&owned));
}

int host_request(struct host *host,
		 uint16_t method,
		 const ProtobufCMessage *message,
		 int fd,
		 host_answered *answered,
		 void *arg)
{
	struct request *request = malloc(sizeof *request);
	int r;

	if (!request) {
		fd_close(fd);
		return -ENOMEM;
	}
	*request = (struct request){.id = ++host->next_id, .answered = answered, .arg = arg};
	r = queue_request(host, request->id, method, message, fd);
	if (r < 0) {
		free(request);
		return r;
	}
	list_append(&host->requests, &request->link);
	write_out(host);
	return 0;
}

void host_end(struct host *host)
{
	if (host->ending)
		return;
	host->ending = true;
	write_out(host);
}
