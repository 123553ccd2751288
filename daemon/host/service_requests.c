/* service_requests.c - Start, Attach, Detach, Drain and Finish, as an instance does them. Runs on
 * the instance's thread; the request is the loop's until it was posted back. */
#include "daemon/host/service_requests.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/host/channel.h"
#include "daemon/host/grant.h"
#include "daemon/host/report.h"
#include "daemon/host/service_loop.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

static void fail(struct request *request, wat_status status, const char *text)
{
	request->status = status;
	request->failure = failure_new("%s", text);
}

/* With the chain: which handler of which instance said so. */
static void fail_with_cause(struct service_loop *loop,
			    struct request *request,
			    wat_status status,
			    Wat__Envelope__CauseKind kind,
			    const char *method,
			    const char *text)
{
	struct report report;

	report_init(&report, kind, loop->instance, method, text);
	request->status = status;
	request->failure = failure_copy(&report.failure);
}

/* The answer is the state. */
static bool give_state(struct service_loop *loop, struct request *request)
{
	if (state_pack(&loop->state, &request->state, &request->n_state) == 0)
		return true;
	fail(request, WAT_RESOURCE_EXHAUSTED, "no memory for the state");
	return false;
}

/* Runs START or STOP. False: the request is failed, with the handler's status or the given one. */
static bool run_lifecycle(struct service_loop *loop,
			  struct request *request,
			  enum call_lifecycle which,
			  wat_status status_of_failure)
{
	const char *method = which == CALL_START ? "Start" : "Stop";
	char sentence[WAT_FAILURE_TEXT_MAX];
	const char *text = "";
	bool panicked = false;
	wat_status status = call_run_lifecycle(loop, which, &text, &panicked);

	if (status == WAT_OK)
		return true;
	(void)snprintf(sentence, sizeof sentence, "%s %s: %s", method,
		       panicked ? "panicked" : "failed", text);
	report_clean_text(sentence);
	log_error("a lifecycle handler failed", "instance", loop->instance->name, "status",
		  wat_status_name((int)status), "text", sentence);
	fail_with_cause(loop, request, status_of_failure ? status_of_failure : status,
			panicked ? WAT__ENVELOPE__CAUSE_KIND__PANIC
				 : WAT__ENVELOPE__CAUSE_KIND__FAILURE,
			method, sentence);
	return false;
}

/* The thread ends with this request. */
static void finish_with(struct service_loop *loop, struct request *request)
{
	request->over = true;
	loop->last = request;
	(void)event_base_loopbreak(loop->base);
}

static bool load_state(struct service_loop *loop,
		       struct request *request,
		       const Wat__Host__StartRequest *in)
{
	const struct wat_interface *interface = loop->instance->service->interface;
	char text[768], why[512];
	struct check_error error;
	int r = state_init(&loop->state, interface->state, in->state.data, in->state.len, &error);

	if (r == 0)
		return true;
	if (r == STATE_E_TOO_LARGE) {
		(void)snprintf(text, sizeof text,
			       "the state has %zu bytes, at most %u are possible", in->state.len,
			       WAT_STATE_MAX);
		fail(request, WAT_TOO_LARGE, text);
	} else if (r == STATE_E_FORM) {
		check_error_format(&error, why, sizeof why);
		(void)snprintf(text, sizeof text, "the state is no %s: %s", interface->state->name,
			       why);
		fail(request, WAT_INVALID_ARGUMENT, text);
	} else {
		fail(request, WAT_RESOURCE_EXHAUSTED, "no memory for the state");
	}
	return false;
}

static void start(struct service_loop *loop, struct request *request)
{
	const Wat__Host__StartRequest *in = (const Wat__Host__StartRequest *)request->in;

	if (!load_state(loop, request, in) ||
	    (in->run_start && !run_lifecycle(loop, request, CALL_START, WAT_START_FAILED)) ||
	    !give_state(loop, request))
		finish_with(loop, request);
	else
		loop->started = true;
}

static void attach(struct service_loop *loop, struct request *request)
{
	const Wat__Host__AttachRequest *in = (const Wat__Host__AttachRequest *)request->in;

	if (!loop->started || loop->drained)
		fail(request, WAT_UNAVAILABLE, "the instance is not serving");
	else if (channel_attach(loop, in, &request->fd) < 0)
		fail(request, WAT_OVERLOADED, "no memory for a channel");
	request->fd = fd_close(request->fd);
}

static void detach(struct service_loop *loop, struct request *request)
{
	const Wat__Host__DetachRequest *in = (const Wat__Host__DetachRequest *)request->in;
	struct grant *grant = grant_find(loop, in->grant_id.data);

	if (!grant)
		return;
	call_fail_taken(loop, grant, WAT_ACCESS_DENIED,
			"deprovisioned; the call had been taken and its answer is withheld");
	list_for_each_safe (i, &loop->channels) {
		struct channel *channel = container_of(i, struct channel, link);

		if (channel->grant == grant)
			channel_end(channel, WAT_ACCESS_DENIED, "deprovisioned");
	}
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

static void drain(struct service_loop *loop, struct request *request)
{
	const Wat__Host__DrainRequest *in = (const Wat__Host__DrainRequest *)request->in;

	if (!loop->started || loop->drained) {
		fail(request, WAT_FAILED_PRECONDITION, "the instance is not serving");
		return;
	}
	serve_what_was_sent(loop);
	if ((in->run_stop && !run_lifecycle(loop, request, CALL_STOP, WAT_OK)) ||
	    !give_state(loop, request)) {
		list_for_each_safe (i, &loop->channels)
			channel_resume(container_of(i, struct channel, link));
		return;
	}
	list_for_each (i, &loop->channels)
		channel_stop_reading(container_of(i, struct channel, link));
	(void)event_del(loop->checkpoint);
	loop->drained = true;
	loop->stopped = in->run_stop;
}

static void finish(struct service_loop *loop, struct request *request)
{
	const Wat__Host__FinishRequest *in = (const Wat__Host__FinishRequest *)request->in;
	struct list *first;

	call_fail_taken(loop, NULL, loop->stopped ? WAT_STOPPED : WAT_UNAVAILABLE,
			loop->stopped ? "the instance was stopped before the answer was given"
				      : "the instance goes away before the answer was given");
	while ((first = list_first(&loop->channels)))
		channel_end(container_of(first, struct channel, link), (wat_status)in->status,
			    in->text);
	finish_with(loop, request);
}

void service_loop_serve(struct service_loop *loop, struct request *request)
{
	static void (*const serve[])(struct service_loop *, struct request *) = {
		[REQUEST_START] = start, [REQUEST_ATTACH] = attach, [REQUEST_DETACH] = detach,
		[REQUEST_DRAIN] = drain, [REQUEST_FINISH] = finish,
	};

	if (loop->last)
		fail(request, WAT_NOT_FOUND, "the instance has ended");
	else
		serve[request->kind](loop, request);
	/* The last one goes out when the thread is about to return. */
	if (loop->last != request)
		queue_post(loop->instance->outbox, &request->out.link);
}
