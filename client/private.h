/* private.h - inside of libwat, for its own files. Everything is guarded by wat->lock unless it
 * says otherwise. */
#ifndef WAT_CLIENT_PRIVATE_H
#define WAT_CLIENT_PRIVATE_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <wat/envelope.pb-c.h>
#include <wat/raw.h>

#include "proto/support/list.h"
#include "proto/support/must_check.h"
#include "proto/stream.h"
#include "proto/token.h"

#define TIMEOUT_DEFAULT_MS 30000u
#define RECONNECT_DEFAULT_MS 10000u
#define PAUSE_MIN_MS 5u
#define PAUSE_MAX_MS 500u

enum call_kind {
	CALL_METHOD, /* of the capability's interface */
	CALL_SCHEMA, /* GetInterface of the session, for the capability's handle */
	CALL_OPEN,   /* done as soon as the capability is bound */
};

/* A call from its beginning to its answer. A blocking caller owns it; one with a callback is freed
 * after the callback. */
struct call {
	struct list link; /* capability->calls, in id order; then wat->completed */
	struct wat_capability *capability;
	enum call_kind kind;
	uint16_t method;
	bool resend; /* may be written again though it may have run: read-only, or done once by its
			request id */
	bool sent;   /* queued on the present connection */
	bool maybe_ran; /* of a lost connection */
	uint64_t id;
	uint64_t at;          /* stream position of its first byte */
	uint64_t deadline_ms; /* monotonic; UINT64_MAX: none */
	uint8_t *request;
	size_t n;
	/* The answer. */
	bool done;
	int status;
	uint8_t *reply;
	size_t reply_len;
	Wat__Envelope__Failure *failure; /* NULL: none */
	wat_raw_done *callback;
	void *arg;
};

enum binding { UNBOUND, BINDING, ATTACHING, BOUND };

/* A node, Admin or User. Node and Admin calls go over the control connection, User calls over a
 * channel. */
/* What an Admin's stop found. */
struct stopped {
	ProtobufCMessage *reply; /* owns what users point to */
	struct wat_user_left *users;
	size_t n_users, n_left;
};

void stopped_free(struct stopped *stopped);

struct wat_capability {
	struct list link; /* wat->capabilities */
	wat *owner;
	int role; /* enum token_role */
	struct token token;
	char *service, *instance;
	uint8_t instance_id[16];
	enum binding binding;
	uint32_t handle;
	uint64_t slot; /* of the BIND under way */
	struct stream channel;
	int poll_index;
	uint8_t lane[16];
	bool resume; /* the next BIND goes on with the lane, or with the Admin that was held */
	uint64_t next_id;
	uint64_t last_read_id; /* of a GOAWAY; UINT64_MAX: none came */
	uint64_t retry_at_ms, pause_ms;
	uint64_t lost_ms; /* since when it is not bound; 0: was never */
	struct list calls;
	struct stopped stopped;
};

struct wat_node {
	wat_capability capability;
};

struct wat {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool polling; /* one thread polls, the others wait for `changed` */
	int wake;     /* eventfd: the poller has to look again */
	char *address;
	uint64_t timeout_ms, reconnect_ms;
	struct stream control;
	bool connected, greeted;
	int control_index;
	uint8_t challenge[32], node_id[16];
	uint64_t last_slot, last_id;
	uint64_t retry_at_ms, pause_ms, lost_ms;
	struct list capabilities;
	struct list completed; /* with a callback */
	size_t outstanding;
	struct pollfd *fds;
	size_t fds_size;
};

/* failure_local.c: this thread's last failure. Each returns the status. */
int failure_set(int status, const Wat__Envelope__Failure *failure, const char *format, ...)
	WAT_PRINTF(3, 4);
int failure_set_errno(int r, const char *format, ...) WAT_PRINTF(2, 3);
/* For callbacks: the public form, valid until the thread's next call into libwat. */
const struct wat_failure *failure_public(int status, const Wat__Envelope__Failure *failure);

/* call.c */
struct call *call_new(wat_capability *capability,
		      enum call_kind kind,
		      uint16_t method,
		      const void *request,
		      size_t n);
struct call *call_free(struct call *call);
/* Ends it: wakes its caller, or queues its callback. failure is copied. */
void call_complete(struct call *call,
		   int status,
		   const Wat__Envelope__Failure *failure,
		   const char *text);
/* Ends all calls of the capability. */
void calls_fail(wat_capability *capability,
		int status,
		const Wat__Envelope__Failure *failure,
		const char *text);
/* Submits and waits. Takes the call back afterwards: its answer stands in it. */
int call_run(struct call *call);
/* Submits a call with a callback. */
void call_submit(struct call *call);
uint64_t now_ms(void);

/* connection.c: the control connection. */
int connection_open(wat *w) WAT_MUST_CHECK;
void connection_lost(wat *w);
void connection_read(wat *w);
/* Writes what is queued; a loss is handled. */
void connection_write(wat *w);

/* channel.c: the stream of a User. */
void channel_open(wat_capability *capability, int fd);
void channel_read(wat_capability *capability);
void channel_write(wat_capability *capability);
/* Reads what is left, forgets the connection; the calls wait for the next binding. */
void channel_lost(wat_capability *capability);

/* bind.c */
/* Does what can be done now: connects, binds, sends. */
void drive(wat *w);
void bind_failed(wat_capability *capability,
		 wat_status status,
		 const Wat__Envelope__Failure *failure);
/* The capability is bound: its waiting calls are written. */
void bind_done(wat_capability *capability);
void capability_send_calls(wat_capability *capability);

/* loop.c */
/* Waits at most timeout_ms (-1: until something happens) and handles what happened. The lock is
 * released while it waits. */
int loop_step(wat *w, int timeout_ms) WAT_MUST_CHECK;
/* Runs the callbacks of completed calls, without the lock. */
void loop_deliver(wat *w);
void loop_wake(wat *w);

/* capability.c */
wat_capability *capability_init(wat_capability *capability, wat *w, int role);
void capability_deinit(wat_capability *capability);

#endif
