/* gate.h - program watd-gate: everything that one has. It holds the transport key and nothing that
 * opens a capability: whoever connects proves to watd, through it, what it may do.
 *
 * Two threads, each with a loop of its own. The main thread is the patient one, which gives way to
 * all others of the machine: who comes and has proved nothing, who sends much at once (bulk.h), who
 * ends. The prompt one has those who have bound something and wait for one answer after the other.
 * A peer is passed from one to the other (loop.h). What both use says so; all else is the patient
 * one's. */
#ifndef WAT_GATE_GATE_H
#define WAT_GATE_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wat/gate.pb-c.h>

#include "daemon/base/early_drop.h"
#include "daemon/base/sources.h"
#include "daemon/gate/loop.h"
#include "daemon/gate/refusals.h"
#include "proto/noise.h"
#include "proto/stream.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

#define GATE_LINK_FD 3 /* as watd starts it */

struct event;

struct gate_limits {
	uint32_t connections, connections_of_address, connections_of_uid;
	struct token_rate handshakes; /* of an address or a uid */
	struct early_drop unauthenticated;
	uint32_t hello_s; /* from accept to the first frame */
};

struct gate {
	struct loop patient, prompt;
	pthread_t prompt_thread;
	bool has_prompt_thread;
	struct stream link; /* to watd */
	struct event *link_readable, *link_writable;
	uint8_t *key; /* the transport key; locked memory; NULL: the settings did not come yet */
	struct gate_limits limits;
	bool insecure_loopback;
	bool ending;           /* watd goes: no peer comes any more */
	struct event *overdue; /* the end takes too long */
	struct list listeners; /* accept.c's */
	struct list strangers; /* bound nothing yet */
	struct list lingering; /* channels without a peer */
	struct sources sources;
	struct refusals refusals;
	size_t n_peers, n_strangers, n_lingering; /* peers of both threads */
	/* Of both threads: */
	_Atomic size_t buffered;       /* bytes in the buffers of peers */
	_Atomic uint64_t buffered_max; /* which is a limit */
	_Atomic size_t n_fds;          /* descriptors of peers and channels */
	size_t fds_max;
};

/* Takes the link. Negative errno; gate_deinit follows in any case. */
int gate_init(struct gate *gate, int link) WAT_MUST_CHECK;
/* Starts the prompt thread; the caller's gives way from here on. enter is called by each of the two
 * before it does anything else: negative, and so does this say. */
int gate_start(struct gate *gate, int (*enter)(void)) WAT_MUST_CHECK;
/* Until watd goes. */
int gate_run(struct gate *gate) WAT_MUST_CHECK;
void gate_deinit(struct gate *gate);

/* link.c. Tells watd of a peer; takes fd, watd's end of its control connection. -ENOMEM. */
int gate_announce(struct gate *gate, const Wat__Gate__Peer *peer, int fd) WAT_MUST_CHECK;
/* The same of connections that were refused. */
int gate_tell_refused(struct gate *gate, const Wat__Gate__Refused *refused) WAT_MUST_CHECK;
/* A peer has gone: at the end, was it the last? */
void gate_check_end(struct gate *gate);

/* accept.c. Takes the listening socket. -ENOMEM. */
int accept_from(struct gate *gate, int fd, bool tcp) WAT_MUST_CHECK;
/* Closes all listening sockets. */
void accept_nothing(struct gate *gate);

#endif
