/* service_requests.c - what the control thread asks, as an instance does it. Runs on
 * the instance's thread; the request is the loop's until it was posted back. */
#include "daemon/host/service_requests.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/host/channel.h"
#include "daemon/host/grant.h"
#include "daemon/host/plugin_load.h"
#include "daemon/host/recover.h"
#include "daemon/host/service_lifecycle.h"
#include "daemon/host/service_loop.h"
#include "proto/carried.h"
#include "proto/end_step.h"
#include "proto/support/cleanup.h"

#define EVENT_END_STEP 7

/* The thread ends with this request. */
static void finish_with(struct service_loop *loop, struct request *request)
{
	request->over = true;
	loop->last = request;
	(void)event_base_loopbreak(loop->base);
}

static bool load_state(struct service_loop *loop,
		       struct request *request,
		       const Wat__Host__Snapshot *from)
{
	const struct wat_interface *interface = loop->instance->service->interface;
	char text[768], why[512];
	struct check_error error;
	size_t max = interface_state_max(interface);
	int r = state_init(&loop->state, interface->state, max, loop->instance->service->self,
			   from->state.data, from->state.len, &error);

	if (r == 0)
		return true;
	if (r == STATE_E_TOO_LARGE) {
		(void)snprintf(text, sizeof text,
			       "the state has %zu bytes, at most %zu are possible", from->state.len,
			       max);
		request_fail(request, WAT_TOO_LARGE, text);
	} else if (r == STATE_E_FORM) {
		check_error_format(&error, why, sizeof why);
		(void)snprintf(text, sizeof text, "the state is no %s: %s", interface->state->name,
			       why);
		request_fail(request, WAT_INVALID_ARGUMENT, text);
	} else {
		request_fail(request, WAT_RESOURCE_EXHAUSTED, "no memory for the state");
	}
	return false;
}

static bool recover_all(struct service_loop *loop,
			struct request *request,
			const Wat__Host__StartRequest *in,
			const Wat__Host__Snapshot *from)
{
	const uint64_t up_to = in->replay && !in->replay_to_end ? in->replay_to : UINT64_MAX;
	struct recover_failure failure;
	int r = in->recover_only ? recover_last(loop, from, request, up_to, &failure)
				 : recover(loop, from, in->verdict, request, &failure);

	if (r == 0)
		return true;
	if (failure.differs_in)
		request_fail_with(loop, request, WAT_START_FAILED,
				  WAT__ENVELOPE__CAUSE_KIND__DIVERGED, failure.differs_in,
				  failure.text);
	else
		request_fail(request, r == -ERANGE ? WAT_OUT_OF_RANGE : WAT_START_FAILED,
			     failure.text);
	return false;
}

/* A state between two calls can only be had where there are calls. */
static bool may_replay(const struct service_loop *loop,
		       struct request *request,
		       const Wat__Host__StartRequest *in)
{
	const struct wat_interface *interface = loop->instance->service->interface;
	char text[384];

	if (!in->replay || interface_is_deterministic(interface))
		return true;
	(void)snprintf(text, sizeof text,
		       "%.200s is not deterministic: its journal holds states, and nothing can be "
		       "run again",
		       interface->name);
	request_fail(request, WAT_FAILED_PRECONDITION, text);
	return false;
}

/* A replay is asked for the state only. */
static bool give_last(struct service_loop *loop,
		      struct request *request,
		      const Wat__Host__StartRequest *in)
{
	if (!(loop->self ? request_give_state(loop, request)
			 : request_give_committed(loop, request)))
		return false;
	if (in->replay) {
		free(request->snapshot->lanes.data);
		request->snapshot->lanes = (ProtobufCBinaryData){0};
	}
	return true;
}

/* From the snapshot and the journal to an instance that serves, or that is to answer its last state
 * only. */
static bool begin(struct service_loop *loop,
		  struct request *request,
		  const Wat__Host__StartRequest *in,
		  const Wat__Host__Snapshot *from)
{
	loop->journal.durability = (enum durability)in->durability;
	if (!may_replay(loop, request, in) || !load_state(loop, request, from) ||
	    !recover_all(loop, request, in, from))
		return false;
	if (in->recover_only)
		return give_last(loop, request, in);
	return request_load_self(loop, request) &&
	       (!in->run_start ||
		request_run_lifecycle(loop, request, DISPATCH_START, WAT_START_FAILED)) &&
	       request_give_state(loop, request) && service_loop_begin_journal(loop, request);
}

static void start(struct service_loop *loop, struct request *request)
{
	const Wat__Host__StartRequest *in = (const Wat__Host__StartRequest *)request->in;
	Wat__Host__Snapshot *from = NULL;
	int r = carried_open(in->from, request->fd, &from);

	request->fd = fd_close(request->fd);
	if (r < 0) {
		request_fail(request, WAT_START_FAILED, "the snapshot that came can't be read");
		finish_with(loop, request);
		return;
	}
	loop->started = begin(loop, request, in, from) && !in->recover_only;
	if (!loop->started)
		finish_with(loop, request);
	wat__host__snapshot__free_unpacked(from, NULL);
}

/* What a journal of calls goes back to is what it began with. Takes the descriptor. */
static int switch_to(struct service_loop *loop, int fd, uint64_t number)
{
	int r;

	if (!bytes_reserve(&loop->batch.committed, state_packed_size(&loop->state))) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	r = journal_switch(&loop->journal, fd, number);
	return r == 0 ? batch_set_committed(loop) : r;
}

/* What was done so far is the snapshot; what comes is in the fresh file. */
static void segment(struct service_loop *loop, struct request *request)
{
	const Wat__Host__SegmentRequest *in = (const Wat__Host__SegmentRequest *)request->in;
	int r;

	if (!loop->started || loop->drained || loop->journal.fd < 0) {
		request_fail(request, WAT_FAILED_PRECONDITION, "the instance has no journal now");
	} else if (!batch_commit(loop)) {
		request_fail(request, WAT_RESOURCE_EXHAUSTED, "its journal can't be written");
	} else if (request_give_state(loop, request)) {
		r = switch_to(loop, fd_take(&request->fd), in->number);
		CRASH_HERE(switch_after);
		if (r < 0)
			request_fail(request, WAT_RESOURCE_EXHAUSTED, strerror(-r));
		else
			service_loop_settled(loop);
	}
	request->fd = fd_close(request->fd);
}

static bool is_serving(const struct service_loop *loop, struct request *request)
{
	if (loop->started && !loop->drained)
		return true;
	request_fail(request, WAT_UNAVAILABLE, "the instance is not serving");
	return false;
}

/* Between two batches. The journal goes on in its segment: recovery passes over what is in the
 * snapshot. */
static void snapshot(struct service_loop *loop, struct request *request)
{
	if (!is_serving(loop, request))
		return;
	if (!batch_commit(loop))
		request_fail(request, WAT_RESOURCE_EXHAUSTED, "its journal can't be written");
	else if (!request_give_state(loop, request))
		log_warning("no snapshot was made", "instance", loop->instance->name);
}

static void attach(struct service_loop *loop, struct request *request)
{
	const Wat__Host__AttachRequest *in = (const Wat__Host__AttachRequest *)request->in;

	if (!loop->started || loop->drained)
		request_fail(request, WAT_UNAVAILABLE, "the instance is not serving");
	else if (channel_attach(loop, in, &request->fd) < 0)
		request_fail(request, WAT_OVERLOADED, "no memory for a channel");
	request->fd = fd_close(request->fd);
}

/* From here on no call of the grant runs. */
static void end_channels(struct service_loop *loop, const uint8_t grant_id[static WAT_ID_SIZE])
{
	struct grant *grant = grant_find(loop, grant_id);

	if (!grant)
		return;
	call_fail_taken(loop, grant, WAT_ACCESS_DENIED,
			"deprovisioned; the call had been taken and its answer is withheld");
	list_for_each_safe (i, &loop->channels) {
		struct channel *channel = container_of(i, struct channel, link);

		if (channel->grant == grant)
			channel_end(channel, WAT_ACCESS_DENIED, "deprovisioned");
	}
	/* It may have gone with its last channel. */
	grant = grant_find(loop, grant_id);
	if (grant)
		grant_end_lanes(loop, grant);
}

/* The key of their tokens is good for nothing: who has another goes on with its lanes. */
static void break_channels(struct service_loop *loop, const uint8_t grant_id[static WAT_ID_SIZE])
{
	const struct grant *grant = grant_find(loop, grant_id);

	list_for_each_safe (i, &loop->channels) {
		struct channel *channel = container_of(i, struct channel, link);

		if (channel->grant == grant)
			channel_end(channel, WAT_UNAVAILABLE,
				    "the key of this token was taken back; bind again");
	}
}

static void detach(struct service_loop *loop, struct request *request)
{
	const Wat__Host__DetachRequest *in = (const Wat__Host__DetachRequest *)request->in;

	(void)request;
	if (in->rebind)
		break_channels(loop, in->grant_id.data);
	else
		end_channels(loop, in->grant_id.data);
}

static void provision(struct service_loop *loop, struct request *request)
{
	const Wat__Host__ProvisionRequest *in = (const Wat__Host__ProvisionRequest *)request->in;
	struct wat_user user = {.name = in->user};

	memcpy(user.id, in->grant_id.data, sizeof user.id);
	if (is_serving(loop, request))
		request_run_provision(loop, request, &user);
}

static void deprovision(struct service_loop *loop, struct request *request)
{
	const Wat__Host__DeprovisionRequest *in =
		(const Wat__Host__DeprovisionRequest *)request->in;
	struct wat_user user = {.name = in->user};

	memcpy(user.id, in->grant_id.data, sizeof user.id);
	end_channels(loop, in->grant_id.data);
	if (!is_serving(loop, request))
		return;
	grants_tell_disconnects(loop);
	request_run_deprovision(loop, request, &user);
}

static void tell_step(struct service_loop *loop, enum end_step step, uint64_t n)
{
	Wat__Host__EndStep message = WAT__HOST__END_STEP__INIT;

	message.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, loop->instance->id};
	message.generation = loop->instance->generation;
	message.step = step;
	message.n = n;
	service_loop_post_event(loop, EVENT_END_STEP, &message.base);
}

/* Serves what had been sent when the request came: a peer that never stops sending can't hold it
 * up. */
static void serve_what_was_sent(struct service_loop *loop)
{
	list_for_each (i, &loop->channels)
		channel_drain_mark(container_of(i, struct channel, link));
	list_for_each_safe (i, &loop->channels)
		channel_drain(container_of(i, struct channel, link));
}

static bool run_stop(struct service_loop *loop, struct request *request)
{
	if (!request_run_lifecycle(loop, request, DISPATCH_STOP, WAT_OK))
		return false;
	tell_step(loop, END_HANDLED, 0);
	return true;
}

static void drain(struct service_loop *loop, struct request *request)
{
	const Wat__Host__DrainRequest *in = (const Wat__Host__DrainRequest *)request->in;
	uint64_t before = loop->invocations;

	if (!loop->started || loop->drained) {
		request_fail(request, WAT_FAILED_PRECONDITION, "the instance is not serving");
		return;
	}
	tell_step(loop, END_TOLD, 0);
	serve_what_was_sent(loop);
	grants_tell_disconnects(loop);
	/* The lanes keep that answer: the calls had been taken, and are not run again. */
	if (!in->run_stop)
		call_fail_taken(loop, NULL, WAT_UNAVAILABLE,
				"watd goes down, and the service had taken the call and not "
				"answered it; it is not run again");
	(void)batch_commit(loop);
	tell_step(loop, END_SERVED, loop->invocations - before);
	if ((in->run_stop && !run_stop(loop, request)) || !request_give_state(loop, request)) {
		list_for_each_safe (i, &loop->channels)
			channel_resume(container_of(i, struct channel, link));
		return;
	}
	list_for_each (i, &loop->channels)
		channel_stop_reading(container_of(i, struct channel, link));
	/* The last state is in the answer; what waited for the disk goes out before the end. */
	batch_forget(loop);
	journal_wait(&loop->journal);
	list_for_each_safe (i, &loop->channels)
		channel_durable(container_of(i, struct channel, link));
	service_loop_settled(loop);
	CRASH_HERE(drain_after);
	loop->drained = true;
	loop->stopped = in->run_stop;
}

static void finish(struct service_loop *loop, struct request *request)
{
	const Wat__Host__FinishRequest *in = (const Wat__Host__FinishRequest *)request->in;
	struct list *first;
	uint64_t n = 0;

	call_fail_taken(loop, NULL, loop->stopped ? WAT_STOPPED : WAT_UNAVAILABLE,
			loop->stopped ? "the instance was stopped before the answer was given"
				      : "the instance goes away before the answer was given");
	for (; (first = list_first(&loop->channels)); n++)
		channel_end(container_of(first, struct channel, link), (wat_status)in->status,
			    in->text);
	tell_step(loop, END_SEVERED, n);
	finish_with(loop, request);
}

void service_loop_serve(struct service_loop *loop, struct request *request)
{
	static void (*const serve[])(struct service_loop *, struct request *) = {
		[REQUEST_START] = start,
		[REQUEST_ATTACH] = attach,
		[REQUEST_DETACH] = detach,
		[REQUEST_DRAIN] = drain,
		[REQUEST_FINISH] = finish,
		[REQUEST_PROVISION] = provision,
		[REQUEST_DEPROVISION] = deprovision,
		[REQUEST_SEGMENT] = segment,
		[REQUEST_SNAPSHOT] = snapshot,
	};

	if (loop->last)
		request_fail(request, WAT_NOT_FOUND, "the instance has ended");
	else
		serve[request->kind](loop, request);
	/* What a handler did outside of a call. */
	if (!loop->drained && loop->started)
		(void)batch_commit(loop);
	/* The last one goes out when the thread is about to return. */
	if (loop->last != request)
		queue_post(loop->instance->outbox, &request->out.link);
}
