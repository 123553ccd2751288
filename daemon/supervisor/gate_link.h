/* gate_link.h - the inside of struct gate, and the socket between watd and the gate: settings and
 * listening sockets one way, peers the other. Loop thread. */
#ifndef WAT_SUPERVISOR_GATE_LINK_H
#define WAT_SUPERVISOR_GATE_LINK_H

#include <sys/types.h>

#include "daemon/caps/transport_key.h"
#include "daemon/supervisor/gate.h"
#include "daemon/supervisor/gate_listen.h"
#include "daemon/supervisor/listener.h"
#include "daemon/supervisor/restart.h"
#include "proto/stream.h"
#include "proto/support/must_check.h"

struct event;

struct gate {
	struct node *node;
	struct gate_listeners listeners;
	struct listener *socket; /* gate.sock; NULL: none */
	struct transport_key *key;
	pid_t pid;
	int pidfd; /* -1: it does not run */
	struct event *exited;
	struct stream link;
	struct event *readable, *writable;
	struct event *timer, *end;
	struct restart_history deaths;
	bool has_tcp, ending;
};

/* Takes our end of the socket; sends settings and listening sockets. -ENOMEM. */
int gate_link_open(struct gate *gate, int fd) WAT_MUST_CHECK;
void gate_link_close(struct gate *gate);
void gate_link_stop_accepting(struct gate *gate);
/* They are different. */
void gate_link_tell_limits(struct gate *gate);
/* Nothing more comes from us. */
void gate_link_end(struct gate *gate);

/* gate.c: of a gate that broke the protocol between us. */
void gate_kill(struct gate *gate);

#endif
