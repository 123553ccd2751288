/* session_bind.c - BIND: verify, then a handle (node, admin) or a channel to the host (user). Loop
 * thread. A BIND that waits for its instance owns a copy of its frame. */
#include "daemon/supervisor/session_bind.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wat/host.pb-c.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/overloads.h"
#include "daemon/supervisor/owner.h"
#include "proto/check.h"
#include "proto/failure.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

#define PARK_DEFAULT_MS 30000u

struct parked_bind {
	struct list link; /* session->parked */
	struct instance *instance;
	uint8_t lane[WAT_ID_SIZE];
	bool resumes; /* that lane */
	struct instance_waiter waiter;
	struct session *session;
	struct event *timer;
	struct origin origin;
	struct frame frame;
	uint8_t body[];
};

/* A BIND on its way. */
struct bind {
	struct session *session;
	const struct frame *frame;
	const uint8_t *body;
	const Wat__Envelope__Bind *message;
	struct origin origin;
	struct token token;
	struct token_terms terms; /* of its last block */
	struct grant *grant;
	struct instance *instance;
};

static void refuse(const struct bind *bind, wat_status status, const char *text)
{
	session_send_fail(bind->session, bind->frame->id, 0, status, text, NULL);
}

static struct parked_bind *parked_free(struct parked_bind *parked)
{
	list_remove(&parked->link);
	list_remove(&parked->waiter.link);
	parked->session->n_parked--;
	if (parked->timer)
		event_free(parked->timer);
	free(parked);
	return NULL;
}

void session_bind_forget(struct session *session)
{
	struct list *first;

	while ((first = list_first(&session->parked)))
		parked_free(container_of(first, struct parked_bind, link));
}

static void on_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct parked_bind *parked = arg;

	(void)fd;
	(void)what;
	session_send_fail(parked->session, parked->frame.id, 0, WAT_UNAVAILABLE,
			  "the instance is not ready and was not within the time of this call",
			  NULL);
	parked_free(parked);
}

static void bind_run(struct session *session,
		     const struct origin *origin,
		     const struct frame *frame,
		     const uint8_t *body);

static void on_settled(struct instance_waiter *waiter)
{
	struct parked_bind *parked = container_of(waiter, struct parked_bind, waiter);

	bind_run(parked->session, &parked->origin, &parked->frame, parked->body);
	parked_free(parked);
}

/* A call of the lane that waits will not be run again, and why: the rest of the lane waits on. */
static void tell_verdict(const struct parked_bind *parked)
{
	const struct instance *instance = parked->instance;
	Wat__Envelope__Died died = WAT__ENVELOPE__DIED__INIT;
	struct frame frame = {.type = FRAME_DIED,
			      .flags = FRAME_FLAG_SKIPPABLE,
			      .id = parked->frame.id,
			      .budget = WAT_SERVER_DIED};

	if (!parked->resumes || !instance->verdict ||
	    memcmp(parked->lane, instance->running.lane, sizeof parked->lane) != 0)
		return;
	died.call = instance->running.id;
	died.failure = instance->verdict;
	session_send(parked->session, &frame, &died.base, -1);
}

static void on_judged(struct instance_waiter *waiter)
{
	tell_verdict(container_of(waiter, struct parked_bind, waiter));
}

static void note_lane(struct parked_bind *parked, const Wat__Envelope__Bind *message)
{
	parked->resumes = message->role == WAT__ENVELOPE__ROLE__USER &&
			  message->lane_mode == WAT__ENVELOPE__LANE_MODE__RESUME &&
			  message->lane.len == sizeof parked->lane;
	if (parked->resumes)
		memcpy(parked->lane, message->lane.data, sizeof parked->lane);
}

static void park(const struct bind *bind)
{
	struct session *session = bind->session;
	uint32_t ms = bind->frame->budget ? bind->frame->budget : PARK_DEFAULT_MS;
	struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000};
	struct parked_bind *parked;

	if (session->n_parked >= session->node->options->limits.waiting) {
		refuse(bind, WAT_OVERLOADED, "too many BINDs of this connection wait already");
		return;
	}
	parked = calloc(1, sizeof *parked + bind->frame->body_len);
	if (!parked) {
		refuse(bind, WAT_OVERLOADED, "no memory");
		return;
	}
	parked->session = session;
	parked->instance = bind->instance;
	parked->waiter.settled = on_settled;
	parked->waiter.judged = on_judged;
	note_lane(parked, bind->message);
	parked->origin = bind->origin;
	parked->frame = *bind->frame;
	if (bind->frame->body_len > 0)
		memcpy(parked->body, bind->body, bind->frame->body_len);
	list_append(&session->parked, &parked->link);
	list_append(&bind->instance->waiters, &parked->waiter.link);
	session->n_parked++;
	parked->timer = evtimer_new(session->node->base, on_overdue, parked);
	if (!parked->timer || evtimer_add(parked->timer, &timeout) < 0) {
		refuse(bind, WAT_OVERLOADED, "no memory");
		parked_free(parked);
		return;
	}
	tell_verdict(parked);
}

/* What the token says it is for, whether or not it is true. */
static void deny(const struct bind *bind, wat_status status, const char *why)
{
	const Wat__Envelope__Bind *m = bind->message;
	struct binding claimed = {.role = (int)m->role};
	struct token token;
	bool readable = token_decode(m->token.data, m->token.len, &token) == TOKEN_OK;

	if (readable) {
		memcpy(claimed.instance_id, token.instance_id, sizeof claimed.instance_id);
		memcpy(claimed.grant_id, token.grant_id, sizeof claimed.grant_id);
	}
	sodium_memzero(&token, sizeof token);
	session_deny(bind->session, &bind->origin, readable ? &claimed : NULL, status, why);
	refuse(bind, status, why);
}

/* Only where somebody looks that closely: clients may bind as often as they like. */
static void note_bound(const struct bind *bind, int role)
{
	static const char *const roles[] = {"node", "Admin", "User"};
	const struct audit bound = {
		.kind = AUDIT_BIND,
		.origin = &bind->origin,
		.instance = bind->instance,
		.grant = bind->grant ? &bind->grant->row : NULL,
		.detail = roles[role],
	};

	if (log_level() >= LOG_LEVEL_DEBUG)
		audit_record_later(bind->session->node, &bound);
}

static void send_bound(const struct bind *bind, int role, int channel)
{
	struct binding binding = {.role = role, .not_after = UINT64_MAX, .method_mask = UINT64_MAX};
	const struct instance *instance = bind->instance;
	Wat__Envelope__Bound bound = WAT__ENVELOPE__BOUND__INIT;
	struct frame frame = {.type = FRAME_BOUND, .id = bind->frame->id};

	if (instance)
		memcpy(binding.instance_id, instance->id, 16);
	if (bind->grant) {
		memcpy(binding.grant_id, bind->grant->row.id, 16);
		binding.not_after = bind->terms.not_after;
		binding.method_mask = bind->terms.method_mask;
		memcpy(binding.kid, bind->token.kid, sizeof binding.kid);
		grant_times_used(bind->session->node, bind->grant);
	}
	bound.handle = session_add_binding(bind->session, &binding);
	if (bound.handle == 0) {
		fd_close(channel);
		refuse(bind, WAT_OVERLOADED, "this connection holds too many capabilities");
		return;
	}
	bound.service = (char *)"wat.node.Node";
	if (instance) {
		bound.service = (char *)instance->service;
		bound.instance = (char *)instance->name;
		bound.instance_id = (ProtobufCBinaryData){16, (uint8_t *)instance->id};
		bound.method_mask = bind->terms.method_mask;
	}
	/* Larger frames are for those who proved something. */
	bind->session->stream.body_max = WAT_CONTROL_BODY_MAX;
	bind->session->bound = true;
	admission_remove_stranger(bind->session);
	note_bound(bind, role);
	session_send(bind->session, &frame, &bound.base, channel);
}

static void bind_node(const struct bind *bind)
{
	if (!bind->session->admin) {
		deny(bind, WAT_ACCESS_DENIED,
		     "the node capability is given on the admin socket only; connect to that one");
		return;
	}
	send_bound(bind, TOKEN_NODE, -1);
}

static uint64_t time_left_ms(const struct bind *bind)
{
	uint64_t now = node_time(bind->session->node), end = bind->terms.not_after;

	return end > now ? (end - now) * 1000u : 1;
}

/* The host's end of the channel is on its way before the client hears of it: whatever DETACHes the
 * grant comes after. */
static int attach(const struct bind *bind, int host_end)
{
	Wat__Host__AttachRequest request = WAT__HOST__ATTACH_REQUEST__INIT;

	request.instance_id = (ProtobufCBinaryData){16, bind->instance->id};
	request.grant_id = (ProtobufCBinaryData){16, bind->grant->row.id};
	request.method_mask = bind->terms.method_mask & bind->instance->all_methods;
	request.lane = bind->message->lane;
	request.resume = bind->message->lane_mode == WAT__ENVELOPE__LANE_MODE__RESUME;
	request.time_left_ms = time_left_ms(bind);
	request.rate = bind->grant->row.rate;
	request.in_flight = bind->grant->row.in_flight;
	request.user = bind->grant->row.user;
	request.connection = ++bind->session->node->last_connection;
	request.invocation = bind->origin.invocation;
	request.uid = bind->origin.uid;
	request.pid = (uint32_t)bind->origin.pid;
	request.address = (char *)(uintptr_t)bind->origin.address;
	return host_request(bind->instance->host, HOST_ATTACH, &request.base, host_end, NULL, NULL);
}

static void open_channel(const struct bind *bind)
{
	int pair[2], r;

	if (bind->message->lane.len != WAT_ID_SIZE) {
		refuse(bind, WAT_INVALID_ARGUMENT, "BIND.lane: expected 16 bytes");
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		refuse(bind, WAT_OVERLOADED, "watd has no descriptor left for a channel");
		return;
	}
	r = attach(bind, pair[1]);
	if (r < 0) {
		fd_close(pair[0]);
		refuse(bind, WAT_OVERLOADED, "no memory");
		return;
	}
	send_bound(bind, TOKEN_USER, pair[0]);
}

static void refuse_failed(const struct bind *bind)
{
	const char *text = bind->instance->state == INSTANCE_QUARANTINED
				   ? "the instance is quarantined and is not started by itself"
				   : "the instance has failed and is not started again by itself";
	Wat__Envelope__Failure *failure = failure_for_user(bind->instance->failure, text);

	session_send_fail(bind->session, bind->frame->id, 0, WAT_SERVER_DIED, text, failure);
	failure_free(failure);
}

/* One that was stopped with its group says so: its Admin hears of the death that it is because of.
 */
static void refuse_stopped(const struct bind *bind, int role)
{
	const struct instance *instance = bind->instance;
	const char *text = "the instance was stopped";
	Wat__Envelope__Failure *failure = NULL;

	if (groups_has_failed(instance)) {
		text = "the instance was stopped, since its group has failed";
		failure = role == TOKEN_ADMIN ? failure_copy(instance->failure)
					      : failure_for_user(instance->failure, text);
	}
	session_send_fail(bind->session, bind->frame->id, 0, WAT_STOPPED, text, failure);
	failure_free(failure);
}

static void bind_user(const struct bind *bind)
{
	struct instance *instance = bind->instance;

	if (bind->session->node->suspending) {
		refuse(bind, WAT_UNAVAILABLE, "watd is going down; try again");
		return;
	}
	switch (instance->state) {
	case INSTANCE_READY:
		if (instance_is_doomed(instance) || host_has_ended(instance->host))
			park(bind);
		else
			open_channel(bind);
		return;
	case INSTANCE_STARTING:
	case INSTANCE_BACKOFF:
	case INSTANCE_RESTARTING:
	case INSTANCE_STOPPING:
		park(bind);
		return;
	case INSTANCE_STOPPED:
		refuse_stopped(bind, TOKEN_USER);
		return;
	case INSTANCE_FAILED:
	case INSTANCE_QUARANTINED:
		refuse_failed(bind);
		return;
	case INSTANCE_REMOVING:
		refuse(bind, WAT_UNAVAILABLE, "the instance is being removed");
		return;
	case INSTANCE_SUSPENDED:
	default:
		refuse(bind, WAT_UNAVAILABLE, "the instance is suspended; try again");
	}
}

/* Whoever held the Admin on a lost connection may fetch the answer of a Stop that was done
 * meanwhile. */
static void bind_admin(const struct bind *bind)
{
	if (bind->instance->state == INSTANCE_STOPPED &&
	    bind->message->lane_mode != WAT__ENVELOPE__LANE_MODE__RESUME)
		refuse_stopped(bind, TOKEN_ADMIN);
	else {
		owner_bound(bind->session, bind->instance);
		send_bound(bind, TOKEN_ADMIN, -1);
	}
}

static void bind_with_token(struct bind *bind)
{
	struct node *node = bind->session->node;
	const Wat__Envelope__Bind *m = bind->message;
	struct verify_request request = {
		.token = m->token.data,
		.token_len = m->token.len,
		.proof = m->proof.data,
		.proof_len = m->proof.len,
		.role = (int)m->role,
		.challenge = bind->session->challenge,
		.slot = bind->frame->id,
	};
	struct verify context;
	const char *why = "";
	wat_status status;

	request.chan_bind = bind->session->chan_bind;
	node_verify_context(node, &context);
	status = verify_bind(&context, &request, &bind->token, &bind->terms, &bind->grant, &why);
	if (status == WAT_OK && grant_process_is_over(bind->grant)) {
		status = WAT_ACCESS_DENIED;
		why = "the process that this capability was for has ended";
	}
	if (status != WAT_OK) {
		deny(bind, status, why);
		return;
	}
	bind->instance = instance_table_by_id(&node->instances, bind->token.instance_id);
	if (!bind->instance)
		refuse(bind, WAT_NOT_FOUND, "there is no such instance");
	else if (bind->token.role == TOKEN_ADMIN)
		bind_admin(bind);
	else if (bind->token.role == TOKEN_USER)
		bind_user(bind);
	else
		deny(bind, WAT_ACCESS_DENIED, "node tokens are not taken by this watd");
}

static void bind_run(struct session *session,
		     const struct origin *origin,
		     const struct frame *frame,
		     const uint8_t *body)
{
	struct bind bind = {.session = session, .frame = frame, .body = body, .origin = *origin};
	struct check_error error;
	ProtobufCMessage *message;
	char text[512];
	int r = check_unpack(&wat__envelope__bind__descriptor, NULL, body, frame->body_len,
			     &message, &error);

	if (r == -EBADMSG) {
		check_error_format(&error, text, sizeof text);
		refuse(&bind, WAT_INVALID_ARGUMENT, text);
		return;
	}
	if (r < 0) {
		refuse(&bind, WAT_OVERLOADED, "no memory");
		return;
	}
	bind.message = (const Wat__Envelope__Bind *)message;
	if (bind.message->role == WAT__ENVELOPE__ROLE__NODE && bind.message->token.len == 0)
		bind_node(&bind);
	else
		bind_with_token(&bind);
	sodium_memzero(&bind.token, sizeof bind.token);
	protobuf_c_message_free_unpacked(message, NULL);
}

void session_bind(struct session *session, const struct frame *frame, const uint8_t *body)
{
	struct origin origin;
	char text[OVERLOAD_TEXT_MAX];

	if (!session_take_id(session, frame->id))
		return;
	origin = session_origin(session);
	if (admission_may_bind(session)) {
		bind_run(session, &origin, frame, body);
		return;
	}
	overloads_add(session->node->overloads, OVERLOAD_BINDS, &origin, 1);
	session_send_fail(session, frame->id, 0, WAT_OVERLOADED,
			  overload_text(OVERLOAD_BINDS, text), NULL);
}
