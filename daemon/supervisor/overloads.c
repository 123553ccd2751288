/* overloads.c - limits that are reached, at most one event of each in five seconds. Loop thread. */
#include "daemon/supervisor/overloads.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "daemon/supervisor/node.h"

static const struct timeval window = {.tv_sec = 5};

struct overloads {
	struct node *node;
	struct event *over; /* the window; pending: it is open */
	struct limit {
		bool told;       /* in this window */
		uint32_t n_held; /* after that */
		struct store_event last;
	} limits[OVERLOADS_END];
};

/* True: something was held back, so the flood may go on. */
static bool record_held(struct overloads *overloads, struct limit *limit)
{
	if (limit->n_held == 0)
		return false;
	limit->last.count = limit->n_held;
	limit->n_held = 0;
	audit_record_event(overloads->node, &limit->last);
	return true;
}

static bool end_window(struct overloads *overloads)
{
	bool goes_on = false;

	for (size_t i = 0; i < OVERLOADS_END; i++) {
		struct limit *limit = &overloads->limits[i];

		limit->told = record_held(overloads, limit);
		goes_on = goes_on || limit->told;
	}
	return goes_on;
}

static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct overloads *overloads = arg;

	(void)fd;
	(void)what;
	if (end_window(overloads))
		(void)evtimer_add(overloads->over, &window);
}

int overloads_new(struct node *node, struct overloads **ret)
{
	struct overloads *overloads = calloc(1, sizeof *overloads);

	if (!overloads)
		return -ENOMEM;
	overloads->node = node;
	overloads->over = evtimer_new(node->base, on_over, overloads);
	if (!overloads->over) {
		free(overloads);
		return -ENOMEM;
	}
	*ret = overloads;
	return 0;
}

struct overloads *overloads_free(struct overloads *overloads)
{
	if (!overloads)
		return NULL;
	(void)end_window(overloads);
	event_free(overloads->over);
	free(overloads);
	return NULL;
}

void overloads_add(struct overloads *overloads,
		   enum overload number,
		   const struct origin *peer,
		   uint32_t n)
{
	struct limit *limit = &overloads->limits[number];
	char text[OVERLOAD_TEXT_MAX];
	const struct audit reached = {
		.kind = AUDIT_OVERLOAD,
		.origin = peer,
		.status = WAT_OVERLOADED,
		.detail = overload_text(number, text),
	};

	audit_event(&reached, &limit->last);
	if (limit->told && evtimer_pending(overloads->over, NULL)) {
		limit->n_held = n > UINT32_MAX - limit->n_held ? UINT32_MAX : limit->n_held + n;
		return;
	}
	limit->last.count = n;
	audit_record_event(overloads->node, &limit->last);
	limit->told = true;
	if (!evtimer_pending(overloads->over, NULL))
		(void)evtimer_add(overloads->over, &window);
}
