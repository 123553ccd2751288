/* denials.c - refused capabilities, at most two events per peer and second. Loop thread. */
#include "daemon/supervisor/denials.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/supervisor/node.h"

static const struct timeval window = {.tv_sec = 1};

/* A peer that was refused in this second. */
struct peer {
	struct origin origin;
	uint32_t n_held; /* after the first */
	struct store_event last;
};

struct denials {
	struct node *node;
	struct event *over; /* the second */
	size_t n;
	bool beyond; /* the last place is in use */
	struct peer peers[DENIALS_PEERS_MAX + 1];
};

static void record_held(struct denials *denials, struct peer *peer)
{
	if (peer->n_held == 0)
		return;
	peer->last.count = peer->n_held;
	peer->n_held = 0;
	audit_record_event(denials->node, &peer->last);
}

static void end_window(struct denials *denials)
{
	for (size_t i = 0; i < denials->n; i++)
		record_held(denials, &denials->peers[i]);
	record_held(denials, &denials->peers[DENIALS_PEERS_MAX]);
	denials->n = 0;
	denials->beyond = false;
}

static void on_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_window(arg);
}

int denials_new(struct node *node, struct denials **ret)
{
	struct denials *denials = calloc(1, sizeof *denials);

	if (!denials)
		return -ENOMEM;
	denials->node = node;
	denials->over = evtimer_new(node->base, on_over, denials);
	if (!denials->over) {
		free(denials);
		return -ENOMEM;
	}
	*ret = denials;
	return 0;
}

struct denials *denials_free(struct denials *denials)
{
	if (!denials)
		return NULL;
	end_window(denials);
	event_free(denials->over);
	free(denials);
	return NULL;
}

/* Its place, or that of another process of its uid when they are too many, or the last one. All of
 * the network have one uid. */
static struct peer *find(struct denials *denials, const struct origin *origin)
{
	struct peer *of_uid = NULL;
	size_t n_of_uid = 0;

	for (size_t i = 0; i < denials->n; i++) {
		struct peer *peer = &denials->peers[i];

		if (peer->origin.uid != origin->uid)
			continue;
		if (peer->origin.pid == origin->pid &&
		    strcmp(peer->origin.address, origin->address) == 0)
			return peer;
		of_uid = peer;
		n_of_uid++;
	}
	if (n_of_uid >= DENIALS_PER_UID_MAX)
		return of_uid;
	if (denials->n == DENIALS_PEERS_MAX && denials->beyond)
		return &denials->peers[DENIALS_PEERS_MAX];
	return NULL;
}

static void take_place(struct denials *denials, const struct origin *origin)
{
	size_t i = denials->n;

	if (i == 0)
		(void)evtimer_add(denials->over, &window);
	if (i == DENIALS_PEERS_MAX)
		denials->beyond = true;
	else
		denials->n++;
	denials->peers[i].origin = *origin;
	denials->peers[i].n_held = 0;
}

void denials_add_many(struct denials *denials, const struct audit *what, uint32_t n)
{
	struct store_event event;
	struct peer *peer;

	/* Without memory for the timer it ends here. */
	if (denials->n > 0 && !evtimer_pending(denials->over, NULL))
		end_window(denials);
	peer = find(denials, what->origin);
	audit_event(what, &event);
	event.count = n;
	if (!peer) {
		take_place(denials, what->origin);
		audit_record_event(denials->node, &event);
		return;
	}
	peer->last = event;
	peer->n_held = n > UINT32_MAX - peer->n_held ? UINT32_MAX : peer->n_held + n;
}

void denials_add(struct denials *denials, const struct audit *what)
{
	denials_add_many(denials, what, 1);
}
