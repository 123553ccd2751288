/* control.h - the main thread: the socket to watd, wat.host.Host served on it, the instances'
 * threads. Owns all of it. */
#ifndef WAT_HOST_CONTROL_H
#define WAT_HOST_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/host/plugin_load.h"
#include "daemon/host/queue.h"
#include "daemon/host/sandbox.h"
#include "proto/attribution.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"
#include "proto/stream.h"

struct event;
struct event_base;

struct control {
	struct event_base *base;
	struct stream stream;
	struct event *readable, *writable, *posted;
	struct queue inbox; /* of struct outgoing, from the instances' threads */
	struct list instances;
	struct list calls;    /* of struct control_call: being served */
	struct list segments; /* of struct segment: for instances that are about to start */
	struct plugin_table plugins;
	struct attribution *attribution; /* not owned */
	int lifeline;                    /* not owned */
	struct sandbox sandbox;
	bool confined;                     /* plugins may be loaded, */
	char unconfined[SANDBOX_TEXT_MAX]; /* or why not */
	bool pool;                         /* as Confine said it */
	bool single;                       /* a process of its own: it ends with its instance */
	bool ending;                       /* over as soon as everything is written */
	int result;
};

/* Takes the socket. Once the process is confined, the lifeline is watched over (lifeline.h). A
 * negative errno. */
int control_init(struct control *control, int fd, int lifeline, struct attribution *attribution)
	WAT_MUST_CHECK;
/* Serves until the process is to end: 0 in order, or a negative errno. Instances that are still
 * there then run on: the caller ends the process. */
int control_run(struct control *control) WAT_MUST_CHECK;
/* No instance may be left. */
void control_deinit(struct control *control);

/* Queues a frame; written when the loop is idle. Takes the descriptor that goes with it; -1: none.
 */
void control_send(struct control *control,
		  const struct frame *frame,
		  const void *body,
		  size_t n,
		  int fd);

#endif
