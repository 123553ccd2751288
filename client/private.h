/* private.h - inside of libwat, for its own files. Everything is guarded by wat->lock unless it
 * says otherwise. */
#ifndef WAT_CLIENT_PRIVATE_H
#define WAT_CLIENT_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <wat/envelope.pb-c.h>
#include <wat/raw.h>
#include <wat/token.h>

#include "client/dial.h"
#include "proto/flat.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"
#include "proto/stream.h"
#include "proto/token.h"

#define TIMEOUT_DEFAULT_MS 30000u
#define RECONNECT_DEFAULT_MS 10000u
#define PAUSE_MIN_MS 5u
#define PAUSE_MAX_MS 500u
#define CALL_ROOM 64u /* bytes for the request, and then the reply, at least */
#define NO_SECRET \
	"this token has no secret (it begins with watc1_): only the holder of its key can use it"

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
	uint64_t id;
	uint64_t at;          /* stream position of its first byte */
	uint64_t deadline_ms; /* monotonic; UINT64_MAX: none */
	wat_raw_done *callback;
	uint8_t *reply; /* data, where the request was, or of its own; NULL: none */
	Wat__Envelope__Failure *failure; /* NULL: none */
	enum call_kind kind;
	int status;
	uint32_t fresh_ms; /* while it is submitted: what is left until deadline_ms; 0: ask a clock
			    */
	uint16_t method;
	bool resend; /* may be written again though it may have run: read-only, or done once by its
			request id */
	bool later;  /* its method may answer later: the answer is kept until it is dropped */
	bool flat;   /* its reply is a flat message; stub.c's */
	bool numbered;  /* id is of the present lane; it is kept when the lane is resumed */
	bool sent;      /* queued on the present connection */
	bool maybe_ran; /* was written, in whole or in part, to a connection that was lost */
	bool done;      /* the answer is there */

	/* From here on nothing is set in a new call: it is written before it is read. */
	size_t n;           /* bytes of the request, in data */
	size_t reply_len;   /* of reply */
	void *arg;          /* of callback */
	const void *key;    /* what wat_cancel knows it by, if it has a callback */
	uint64_t submitted; /* wat->n_submitted when it was */
	uint64_t completed; /* wat->n_completed when its callback was queued */
	/* Between the callback and the typed one; stub.c's. */
	const struct wat_method *typed;
	wat_stub_invoke *invoke;
	void (*typed_done)(void);
	void *typed_arg;
	size_t room; /* of data */
	uint8_t data[];
};

enum binding { UNBOUND, BINDING, ATTACHING, BOUND };

/* A stream in the wat's epoll set. */
struct watch {
	int fd; /* -1: not in the set */
	uint32_t events;
	bool broken; /* can't be written any more: what is left is read, then it ends */
};

/* A call that would be answered later and was given up. The service keeps its answer until it has
 * read the CANCEL, of which an answer to a call from `then` on is the proof. */
struct unwanted {
	uint64_t id, then;
};
/* More can't be kept at the other end: 16 of a lane, the lowest ids first. */
#define UNWANTED_MAX 32u

/* A node, Admin or User. Node and Admin calls go over the control connection, User calls over a
 * channel. */
/* What an Admin's stop found. */
struct stopped {
	ProtobufCMessage *reply; /* owns what users point to */
	struct wat_user_left *users;
	size_t n_users, n_left;
};

/* stop.c */
void stopped_free(struct stopped *stopped);

struct wat_capability {
	struct list link;     /* wat->capabilities */
	struct list deferred; /* wat->deferred, while calls wait there to be written */
	wat *owner;
	int role; /* enum token_role */
	struct token token;
	char *service, *instance;
	uint8_t instance_id[16];
	enum binding binding;
	uint32_t handle;
	uint64_t slot; /* of the BIND under way */
	struct stream channel;
	struct watch watch;
	bool multiplexed; /* the channel is open, and its frames go over the control connection,
			     with the handle */
	uint8_t lane[16];
	bool resume; /* the next BIND goes on with the lane, or with the Admin that was held */
	uint64_t next_id;
	struct flat_known flat_replies; /* of the methods that were called by typed functions */
	bool held;             /* calls wait for answers of others: the host keeps so many only */
	bool leaving;          /* a GOAWAY came: nothing new is written to this channel */
	uint64_t last_read_id; /* of that GOAWAY; UINT64_MAX: none came */
	uint64_t retry_at_ms, pause_ms;
	uint64_t lost_ms; /* since when it is not bound; 0: was never */
	struct list calls;
	struct unwanted unwanted[UNWANTED_MAX]; /* of the present lane, in the order of giving up */
	size_t n_unwanted;
	struct stopped stopped;
};

struct wat_node {
	wat_capability capability;
};

/* What a watd said that did not want the connection. */
struct turned_away {
	int status; /* 0: nothing */
	char text[256];
};

struct wat {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* changed.c's */
	size_t n_waiting;       /* for it */
	bool polling;           /* one thread polls, the others wait for `changed` */
	int epoll;              /* all sockets and `wake`; what wat_fd gives away */
	int wake;               /* eventfd: who polls has to look again */
	char *address;
	struct remote *remote; /* NULL: address is the path of a unix socket */
	struct dial dial;      /* how a remote one is reached */
	int error;             /* why the last attempt to connect came to nothing; 0: it did not */
	struct turned_away turned_away; /* in that attempt */
	_Atomic uint64_t timeout_ms, reconnect_ms;
	struct stream control;
	struct watch watch;
	bool connected, greeted;
	bool handles; /* there are no channels of their own: WELCOME said so */
	bool known;   /* node_id was learned; it never changes afterwards */
	uint8_t challenge[32], node_id[16];
	uint64_t last_id; /* of BINDs and calls alike, so that an answer belongs to one of them */
	uint64_t retry_at_ms, pause_ms, lost_ms;
	uint64_t due_ms;      /* nothing is to be done before, unless something arrives */
	uint64_t promised_ms; /* until when a thread or a foreign loop may sleep; 0: none does */
	struct list capabilities;
	struct list completed;  /* with a callback */
	struct list deliveries; /* callbacks that run now */
	struct list deferred;   /* capabilities whose channel has calls that callbacks sent */
	struct call *spare;     /* of the usual size, for the next one; NULL: none */
	size_t n_callbacks;     /* that ran since the first of them */
	uint64_t n_submitted, n_completed;
	size_t outstanding;
};

/* failure_local.c: this thread's last failure. Each returns the status. */
int failure_set(int status, const Wat__Envelope__Failure *failure, const char *format, ...)
	WAT_PRINTF(3, 4);
int failure_set_errno(int r, const char *format, ...) WAT_PRINTF(2, 3);
/* For callbacks: the public form, valid until the thread's next call into libwat. */
const struct wat_failure *failure_public(int status, const Wat__Envelope__Failure *failure);

/* call.c */
/* With room for a request of n bytes, which the caller writes into call->data. NULL: no memory. The
 * lock need not be held. */
typedef struct call *call_maker(wat_capability *capability,
				enum call_kind kind,
				uint16_t method,
				size_t n);
call_maker call_new;
struct call *call_free(struct call *call);
/* The same with the lock held: what one gives back the next one gets. */
call_maker call_new_locked;
struct call *call_free_locked(wat *w, struct call *call);
/* Ends it: wakes its caller, or queues its callback. failure is copied. */
void call_complete(struct call *call,
		   int status,
		   const Wat__Envelope__Failure *failure,
		   const char *text);
/* Ends it with what the peer said, unless that would claim of a call that may have run that it was
 * not. */
void call_refuse(struct call *call, int status, const Wat__Envelope__Failure *failure);
/* Ends it because the way to the service is lost: DISCONNECTED if it may have run, else
 * UNAVAILABLE. */
void call_lose(struct call *call, const char *why);
/* Ends all calls of the capability in that way; or as call_refuse. */
void calls_lose(wat_capability *capability, const char *why);
void calls_refuse(wat_capability *capability, int status, const Wat__Envelope__Failure *failure);
/* The answer of a call: a reply, or a failure with the status that the peer sent. */
void call_reply(struct call *call, const uint8_t *body, size_t n);
void call_fail(struct call *call, uint32_t status, const uint8_t *body, size_t n);
/* A status from a peer: positive, whatever it sent. */
int call_status(uint32_t sent);
/* Does it go over the control connection? */
static inline bool call_on_control(const struct call *call)
{
	return call->kind == CALL_SCHEMA || call->capability->role != TOKEN_USER;
}
/* Submits and waits. Takes the call back afterwards: its answer stands in it. */
int call_run(struct call *call);
/* Submits a call with a callback. The lock is held. */
void call_submit(struct call *call);
/* From now on; 0: without limit. */
void call_limit(struct call *call, uint64_t timeout_ms);
/* Milliseconds that the caller still waits, at least 1; 0: without limit. */
uint32_t call_budget(const struct call *call);
uint64_t now_ms(void);
/* Monotonic milliseconds; UINT64_MAX for a timeout of 0, which is none. */
uint64_t deadline_after(uint64_t timeout_ms);

/* cancel.c */
/* Tells the peer that the answer is not wanted, if it was asked. */
void call_take_back(struct call *call);
/* Ends the calls whose time is over. */
void calls_expire(wat *w);
/* Nobody waits for the call any more, and its answer may be kept at the other end. */
void unwanted_add(const struct call *call);
/* The call with this id was answered. */
void unwanted_answered(wat_capability *capability, uint64_t id);
/* The lane goes on over a new channel: says so again. */
void unwanted_send(wat_capability *capability);

/* connection.c: the control connection. */
/* Begins; a remote one is not there yet when it returns 0. */
int connection_open(wat *w) WAT_MUST_CHECK;
/* What is to be done for one that is under way. */
void connection_go_on(wat *w);
/* Is there one, or one under way? */
bool connection_is_coming(const wat *w);
void connection_lost(wat *w);
void connection_read(wat *w);
void connection_write(wat *w);
/* Gives a handle back. */
void connection_drop(wat *w, uint32_t handle);
/* connection_frames.c. False: the peer broke the protocol. Takes fd. */
bool connection_handle(wat *w, const struct frame *frame, const uint8_t *body, int fd)
	WAT_MUST_CHECK;

/* channel.c: the stream of a User. */
/* fd -1: it is multiplexed. */
void channel_open(wat_capability *capability, int fd);
void channel_read(wat_capability *capability);
void channel_write(wat_capability *capability);
/* Forgets the stream; the calls wait for the next binding, or end if there is to be none. */
void channel_lost(wat_capability *capability, const char *why);
void channel_close(wat_capability *capability);
bool channel_is_open(const wat_capability *capability);
/* Where frames of the channel are queued, and what handle they carry. */
struct stream *channel_stream(wat_capability *capability);
uint32_t channel_handle_of(const wat_capability *capability);
/* A frame of a multiplexed one. */
void channel_take(wat_capability *capability, const struct frame *frame, const uint8_t *body);
/* Leaves a channel that said GOAWAY, once nothing more is expected from it. */
void channel_settle(wat_capability *capability);
/* channel_frames.c. False: the peer broke the protocol. */
bool channel_handle(wat_capability *capability, const struct frame *frame, const uint8_t *body)
	WAT_MUST_CHECK;

/* bind.c */
/* Can this program prove that it holds the capability? Else its calls end. */
bool bind_possible(wat_capability *capability) WAT_MUST_CHECK;
/* Sends a BIND. */
void bind_send(wat *w, wat_capability *capability);
void bind_failed(wat_capability *capability, int status, const Wat__Envelope__Failure *failure);
/* The capability is bound: its waiting calls are written. */
void bind_done(wat_capability *capability);

/* send.c */
/* Writes what was not yet written of the capability's calls. */
void calls_send(wat_capability *capability);
/* Writes one call of a bound capability. What a callback sends goes with what the next ones send,
 * many calls at a time. */
void call_send(struct call *call);
/* Writes what waits for that. */
void send_deferred(wat *w);
/* The same, unless it was not long ago. After each callback. */
void send_deferred_soon(wat *w);

/* drive.c */
/* Does what can be done now: connects, binds. */
void drive(wat *w);
/* The peer answered: the next loss is tried again without a pause. */
void drive_progress(wat *w, wat_capability *capability);
/* Is the time for trying again over? */
bool drive_given_up(const wat *w, uint64_t lost_ms);

/* watch.c: the epoll set. */
int watch_init(wat *w) WAT_MUST_CHECK;
void watch_deinit(wat *w);
/* Brings the set up to date with the stream: in it while it has a descriptor, for writing while
 * something is queued. */
void watch_update(wat *w, struct watch *watch, const struct stream *stream);
/* Before the stream's descriptor is closed. */
void watch_remove(wat *w, struct watch *watch);
/* The stream can't be written: the next step reads what is left and ends it. */
void watch_break(wat *w, struct watch *watch);

/* changed.c: one thread polls or runs callbacks, others wait for what comes of it. */
int changed_init(wat *w) WAT_MUST_CHECK;
void changed_deinit(wat *w);
/* until: monotonic; NULL: without limit. */
void changed_wait(wat *w, const struct timespec *until);
static inline void changed_tell(wat *w)
{
	if (w->n_waiting > 0)
		(void)pthread_cond_broadcast(&w->changed);
}

/* connect_failure.c: why an attempt to connect came to nothing (a negative errno), in a sentence;
 * and the same as this thread's failure, with the status that is returned. */
void connect_reason(const wat *w, int r, char *text, size_t size);
int connect_failure(const wat *w, int r);
/* Notes the GOAWAY that a watd greets with, or the limit that it named in place of the handshake.
 */
void connect_turned_away(wat *w, const uint8_t *body, size_t n);
void connect_overloaded(wat *w, unsigned overload);

/* loop.c */
/* Waits at most timeout_ms (-1: until something happens) and handles what happened. The lock is
 * released while it waits. */
int loop_step(wat *w, int timeout_ms) WAT_MUST_CHECK;
/* Polls, or waits for the thread that does, until something changed. Runs callbacks. */
int loop_wait(wat *w) WAT_MUST_CHECK;
/* Something is to be done at that time (monotonic milliseconds). */
void loop_due(wat *w, uint64_t at_ms);
void loop_wake(wat *w);
/* How long to sleep, at most; -1: no limit. */
int loop_timeout(const wat *w);

/* deliver.c */
/* Runs the callbacks of completed calls, without the lock: those that are queued now. */
void deliver(wat *w);
/* Is this thread inside a callback? */
bool deliver_is_here(const wat *w);
/* Runs those of one capability, and waits for those that other threads run. */
void deliver_last(wat_capability *capability);

/* arguments.c: copies of what a caller gave (NULL: the defaults), whatever version of wat.h it was
 * compiled with. 0, or a status that is told. */
int spawn_take(const struct wat_spawn *given, struct wat_spawn *ret) WAT_MUST_CHECK;
/* The same for what can't be attached. */
int start_take(const struct wat_spawn *given, struct wat_spawn *ret) WAT_MUST_CHECK;
int grant_take(const struct wat_grant *given, struct wat_grant *ret) WAT_MUST_CHECK;
int attenuation_take(const struct wat_attenuation *given, struct wat_attenuation *ret)
	WAT_MUST_CHECK;

/* raw.c */
/* A call of a method, with room for a request of n bytes, which the caller writes into call->data.
 * flags: enum wat_method_flags. deadline_ms: 0, or a limit of the method's own. make: call_new or
 * call_new_locked. TOO_LARGE or -ENOMEM, with wat_failure. */
int method_call(wat_capability *capability,
		uint16_t method,
		uint32_t flags,
		uint32_t deadline_ms,
		size_t n,
		call_maker *make,
		struct call **ret_call) WAT_MUST_CHECK;
/* Sends it; done is called once. Takes the call. key: what wat_cancel knows it by. The lock is
 * held.
 */
void method_send(struct call *call, wat_raw_done *done, void *arg, const void *key);
/* Calls a method of watd's own; the reply is checked and unpacked. */
int call_message(wat_capability *capability,
		 uint16_t method,
		 const ProtobufCMessage *request,
		 const ProtobufCMessageDescriptor *type,
		 ProtobufCMessage **ret) WAT_MUST_CHECK;

/* token.c: its text, for wat_memory_free. */
int token_give(const struct token *token, char **ret) WAT_MUST_CHECK;

/* capability.c */
/* A handle that is bound when it is first used. The token is of that role. service and instance may
 * be NULL: not known before. */
int capability_hold(wat *w,
		    int role,
		    const char *token,
		    const char *service,
		    const char *instance,
		    wat_capability **ret) WAT_MUST_CHECK;
wat_capability *capability_init(wat_capability *capability, wat *w, int role);
void capability_deinit(wat_capability *capability);

#endif
