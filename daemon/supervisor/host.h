/* host.h - a watd-host process: starting it, its control socket, its output, its end. Loop thread.
 * The node owns hosts. */
#ifndef WAT_SUPERVISOR_HOST_H
#define WAT_SUPERVISOR_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <wat/envelope.pb-c.h>

#include "daemon/supervisor/confinement.h"
#include "daemon/supervisor/host_output.h"
#include "proto/attribution.h"
#include "proto/status.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"
#include "proto/stream.h"

struct event;
struct instance;
struct node;

struct host {
	struct list link; /* node->hosts */
	struct node *node;
	pid_t pid;
	int pidfd;
	bool pool;
	struct confinement confinement;
	bool ending; /* told to end: its exit is no death */
	bool killed; /* by us: its exit is near */
	struct stream control;
	struct event *readable, *writable, *exited;
	struct host_output out, err;
	char last_words[HOST_LINE_MAX];  /* last line on stderr */
	uint64_t n_words;                /* lines that were that so far */
	uint64_t page;                   /* number of the file that it is in; 0: none yet */
	int page_fd;                     /* and that, which the host maps */
	struct attribution *attribution; /* a copy of what was in it when it was last read, which
					    may be anything; NULL: nobody has read it */
	uint8_t slots[ATTRIBUTION_SLOTS / 8]; /* bit: taken */
	struct list instances;
	struct list requests;
	uint64_t next_id;
};

struct host_death;

/* What a host said to a request; valid during the callback. */
struct host_answer {
	bool died;                      /* the host ended before it answered, */
	const struct host_death *death; /* and how */
	wat_status status;
	const Wat__Envelope__Failure *failure; /* NULL: none */
	const uint8_t *body;
	size_t n;
	int fd; /* that came with it, closed afterwards; -1: none */
};
typedef void host_answered(void *arg, const struct host_answer *answer);

/* How a host ended. */
struct host_death {
	int signal; /* 0: it exited */
	int exit_code;
	const char *last_words;
	const char *because_of; /* instance because of which it was killed; NULL: it was not */
	bool overran;           /* by watd, and not by an operator */
};

/* Forks and executes watd-host with exactly: 0 /dev/null, 1 and 2 pipes, 3 control, 4 lifeline, 5
 * attribution page; and asks it to be confined, which also whoever fails takes. */
int host_new(struct node *node, bool pool, struct confinement *confinement, struct host **ret_host)
	WAT_MUST_CHECK;
/* It gets no more than that of a resource (RLIMIT_...), and keeps less if it has less. */
int host_limit(const struct host *host, int resource, uint64_t most) WAT_MUST_CHECK;
/* After its exit was reaped. */
struct host *host_free(struct host *host);

/* Sends a request of wat.host.Host. fd (consumed) goes with it, -1: none. answered (may be NULL) is
 * called once, not from here. */
int host_request(struct host *host,
		 uint16_t method,
		 const ProtobufCMessage *request,
		 int fd,
		 host_answered *answered,
		 void *arg) WAT_MUST_CHECK;

/* A free place in the attribution page, which also says how many instances a host takes. -ENOSPC.
 */
int host_take_slot(struct host *host, uint32_t *ret_slot) WAT_MUST_CHECK;
void host_release_slot(struct host *host, uint32_t slot);
/* Reads the page: host->attribution, NULL: no memory. What follows is of the last time. */
struct attribution *host_page(struct host *host);
/* Which handler ran in the slot when the host died: method + 1, 0 for none. */
uint32_t host_running(const struct host *host, uint32_t slot);
/* What runs in the slot just now: as host_running, and which one it is of those that ran there,
 * since only another one has another number. Both 0: nothing does, or it can't be read. */
void host_runs_now(const struct host *host,
		   uint32_t slot,
		   uint32_t *ret_running,
		   uint32_t *ret_begun);
/* Which call that was; id 0: none. */
void host_running_call(const struct host *host,
		       uint32_t slot,
		       uint8_t ret_lane[static 16],
		       uint64_t *ret_id);
/* Its thread raised the signal. */
bool host_faulted(const struct host *host, uint32_t slot);
/* The address that the thread of the slot touched, or was at, when it raised the signal. */
bool host_fault_address(const struct host *host, uint32_t slot, uint64_t *ret_address);

/* Reads what it wrote before this. */
void host_catch_up(struct host *host);
/* host->n_words, with what was written before this and not read yet: nobody who comes into the host
 * from here on has said it. */
uint64_t host_words(struct host *host);

/* Closes the control socket once everything is written: the host then ends by itself. */
void host_end(struct host *host);
/* It has, and its end is about to be told. */
bool host_has_ended(const struct host *host);
/* It ends whatever it does; what it hosts is as good as dead (instance_is_doomed). */
void host_kill(struct host *host);

#endif
