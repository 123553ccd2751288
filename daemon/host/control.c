/* control.c - the main thread's loop. Reads what watd asks, writes what instances answer. */
#include "daemon/host/control.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/host/control_call.h"
#include "daemon/host/request.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

/* A request with a state in it is a little larger than the largest body of a client. */
#define CONTROL_BODY_MAX WAT_CONTROL_BODY_MAX

static void end(struct control *control, int result)
{
	if (!control->result)
		control->result = result;
	(void)event_base_loopbreak(control->base);
}

static void flush(struct control *control)
{
	int r = stream_write(&control->stream);

	if (r == -EAGAIN)
		(void)event_add(control->writable, NULL);
	else if (r < 0)
		end(control, r);
	else if (control->ending)
		end(control, 0);
}

void control_send(struct control *control,
		  const struct frame *frame,
		  const void *body,
		  size_t n,
		  int fd)
{
	/* Without an answer watd would wait for good; without this process it knows. */
	if (stream_queue(&control->stream, frame, body, n, fd) < 0)
		end(control, -ENOMEM);
}

static int handle(struct control *control, const struct frame *frame, const uint8_t *body, int fd)
{
	struct frame pong = {.type = FRAME_PONG, .id = frame->id};

	if (frame->type == FRAME_CALL) {
		control_call_run(control, frame, body, fd);
		return 0;
	}
	fd_close(fd);
	if (frame->type != FRAME_PING)
		return -EPROTO;
	control_send(control, &pong, NULL, 0, -1);
	return 0;
}

static int handle_frames(struct control *control)
{
	struct frame frame;
	const uint8_t *body;
	int fd, r;

	while ((r = stream_next(&control->stream, &frame, &body, &fd)) > 0) {
		r = handle(control, &frame, body, fd);
		if (r < 0)
			return r;
	}
	return r;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;
	int r = stream_read(&control->stream);

	(void)fd;
	(void)what;
	if (r == -EAGAIN)
		return;
	if (r == 0) {
		/* watd wants no more of this host. */
		end(control, list_empty(&control->instances) ? 0 : -EPIPE);
		return;
	}
	if (r > 0)
		r = handle_frames(control);
	if (r < 0)
		end(control, r);
	else
		flush(control);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void forward_event(struct control *control, struct outgoing_event *event)
{
	struct frame frame = {.type = FRAME_EVENT, .method = event->method};

	control_send(control, &frame, event->body, event->n, event->fd);
	free(event);
}

static void on_posted(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;
	struct list items = LIST_INIT(items);
	struct list *first;

	(void)fd;
	(void)what;
	queue_take(&control->inbox, &items);
	while ((first = list_first(&items))) {
		struct outgoing *out = container_of(first, struct outgoing, link);

		list_remove(first);
		if (out->is_event)
			forward_event(control, container_of(out, struct outgoing_event, out));
		else
			control_call_served(control, container_of(out, struct request, out));
	}
	flush(control);
}

static int make_events(struct control *control)
{
	struct event_config *config = event_config_new();

	if (!config)
		return -ENOMEM;
	/* Only this thread uses it, and nobody gives a host an environment. */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	control->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!control->base)
		return -ENOMEM;
	control->readable = event_new(control->base, control->stream.fd, EV_READ | EV_PERSIST,
				      on_readable, control);
	control->writable =
		event_new(control->base, control->stream.fd, EV_WRITE, on_writable, control);
	control->posted = event_new(control->base, control->inbox.eventfd, EV_READ | EV_PERSIST,
				    on_posted, control);
	if (!control->readable || !control->writable || !control->posted ||
	    event_add(control->readable, NULL) < 0 || event_add(control->posted, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int control_init(struct control *control, int fd, int lifeline, struct attribution *attribution)
{
	int r;

	*control = (struct control){
		.attribution = attribution,
		.lifeline = lifeline,
		.sandbox = SANDBOX_INIT,
		.unconfined = "the host was not confined",
	};
	stream_init(&control->stream, fd, CONTROL_BODY_MAX);
	list_init(&control->instances);
	list_init(&control->calls);
	list_init(&control->segments);
	plugin_table_init(&control->plugins);
	r = queue_init(&control->inbox);
	return r < 0 ? r : make_events(control);
}

int control_run(struct control *control)
{
	(void)event_base_dispatch(control->base);
	return control->result;
}

void control_deinit(struct control *control)
{
	assert(list_empty(&control->instances) && list_empty(&control->calls));
	list_for_each_safe (i, &control->segments)
		(void)segment_free(container_of(i, struct segment, link));
	event_free(control->readable);
	event_free(control->writable);
	event_free(control->posted);
	event_base_free(control->base);
	plugin_table_deinit(&control->plugins);
	queue_deinit(&control->inbox);
	stream_deinit(&control->stream);
}
