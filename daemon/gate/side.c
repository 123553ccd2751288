/* side.c - a socket in the loop. */
#include "daemon/gate/side.h"

#include <errno.h>
#include <event2/event.h>

void side_init(struct side *side)
{
	*side = (struct side){.readable = NULL};
	stream_init(&side->stream, -1, 0);
}

int side_open(struct side *side,
	      struct event_base *base,
	      int fd,
	      uint32_t body_max,
	      side_event *readable,
	      side_event *writable,
	      void *arg)
{
	stream_init(&side->stream, fd, body_max);
	side->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable, arg);
	side->on_writable = writable;
	if (!side->readable || event_add(side->readable, NULL) < 0)
		return -ENOMEM;
	side->reading = true;
	return 0;
}

void side_close(struct side *side)
{
	if (side->readable)
		event_free(side->readable);
	if (side->writable)
		event_free(side->writable);
	stream_deinit(&side->stream);
	side_init(side);
}

void side_leave(struct side *side)
{
	if (!side_is_open(side))
		return;
	(void)event_del(side->readable);
	if (side->writable)
		(void)event_del(side->writable);
}

static int await_writable(struct side *side)
{
	if (!side->writable && side->readable)
		side->writable =
			event_new(event_get_base(side->readable), side->stream.fd, EV_WRITE,
				  side->on_writable, event_get_callback_arg(side->readable));
	return side->writable && event_add(side->writable, NULL) == 0 ? 0 : -ENOMEM;
}

int side_enter(struct side *side, struct event_base *base)
{
	if (!side_is_open(side))
		return 0;
	if (event_base_set(base, side->readable) < 0 ||
	    (side->writable && event_base_set(base, side->writable) < 0))
		return -EINVAL;
	if (stream_wants_write(&side->stream) && await_writable(side) < 0)
		return -ENOMEM;
	if (!side->reading)
		return 0;
	if (event_add(side->readable, NULL) < 0)
		return -ENOMEM;
	event_active(side->readable, EV_READ, 0);
	return 0;
}

void side_read(struct side *side, bool on)
{
	if (!side_is_open(side) || side->reading == on)
		return;
	side->reading = on;
	if (!on)
		(void)event_del(side->readable);
	else if (event_add(side->readable, NULL) == 0)
		event_active(side->readable, EV_READ, 0);
}

int side_write(struct side *side)
{
	int r;

	if (!side_is_open(side) || !stream_wants_write(&side->stream))
		return 0;
	r = stream_write(&side->stream);
	if (r == -EAGAIN)
		return await_writable(side);
	return r;
}
