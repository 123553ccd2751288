/* service_lifecycle.c - lifecycle handlers as parts of a request. Instance's thread. */
#include "daemon/host/service_lifecycle.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/host/call_self.h"
#include "daemon/host/report.h"
#include "daemon/host/service_loop.h"
#include "daemon/host/snapshot.h"
#include "proto/failure.h"
#include "proto/utf8.h"

void request_fail(struct request *request, wat_status status, const char *text)
{
	request->status = status;
	request->failure = failure_new("%s", text);
}

void request_fail_with(struct service_loop *loop,
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

/* What a lifecycle handler that failed said, as a sentence. */
struct said {
	wat_status status;
	bool panicked;
	char sentence[WAT_FAILURE_TEXT_MAX];
};

/* WAT_OK if there is none. */
static wat_status run(struct service_loop *loop,
		      enum dispatch_lifecycle which,
		      const struct wat_user *user,
		      struct said *said)
{
	const char *method = dispatch_lifecycle_name(which), *text = "";

	said->panicked = false;
	said->status = call_run_lifecycle(loop, which, user, &text, &said->panicked);
	if (said->status == WAT_OK)
		return WAT_OK;
	(void)snprintf(said->sentence, sizeof said->sentence, "%s %s: %s", method,
		       said->panicked ? "panicked" : "failed", text);
	utf8_clean(said->sentence);
	log_error("a lifecycle handler failed", "instance", loop->instance->name, "user",
		  user ? user->name : "", "status", wat_status_name((int)said->status), "text",
		  said->sentence);
	if (said->panicked)
		service_loop_tell_panic(loop, method, text);
	return said->status;
}

bool request_run_lifecycle(struct service_loop *loop,
			   struct request *request,
			   enum dispatch_lifecycle which,
			   wat_status status_of_failure)
{
	struct said said;

	if (run(loop, which, NULL, &said) == WAT_OK)
		return true;
	request_fail_with(loop, request, status_of_failure ? status_of_failure : said.status,
			  said.panicked ? WAT__ENVELOPE__CAUSE_KIND__PANIC
					: WAT__ENVELOPE__CAUSE_KIND__FAILURE,
			  dispatch_lifecycle_name(which), said.sentence);
	return false;
}

bool request_load_self(struct service_loop *loop, struct request *request)
{
	const char *text = "";

	/* A journal of calls was run on it. */
	if (loop->self || call_load_self(loop, &text) == WAT_OK)
		return true;
	request_fail_with(loop, request, WAT_START_FAILED, WAT__ENVELOPE__CAUSE_KIND__FAILURE,
			  "load", text);
	return false;
}

bool request_give_committed(struct service_loop *loop, struct request *request)
{
	request->snapshot = snapshot_new(loop);
	if (request->snapshot)
		return true;
	request_fail(request, WAT_RESOURCE_EXHAUSTED, "no memory for the state");
	return false;
}

bool request_give_state(struct service_loop *loop, struct request *request)
{
	const char *text = "";
	wat_status status = call_save_self(loop, &text);

	if (status != WAT_OK) {
		request_fail_with(loop, request, status, WAT__ENVELOPE__CAUSE_KIND__FAILURE, "save",
				  text);
		return false;
	}
	return request_give_committed(loop, request);
}

/* A user that was let in and can't be told of: it leaves again. */
static void take_back(struct service_loop *loop, const struct wat_user *user)
{
	struct said said;

	(void)run(loop, DISPATCH_DEPROVISION, user, &said);
	service_loop_changed(loop);
}

static void note_life(struct service_loop *loop,
		      enum dispatch_lifecycle which,
		      const struct wat_user *user)
{
	struct record_item item = {.kind = RECORD_LIFE,
				   .grant = user->id,
				   .method = (uint16_t)which,
				   .body = (const uint8_t *)user->name,
				   .n_body = strlen(user->name)};

	batch_note(loop, NULL, &item);
}

/* The journal has what the handler did, or the answer has. False: it was undone. */
static bool keep_life(struct service_loop *loop,
		      struct request *request,
		      enum dispatch_lifecycle which,
		      const struct wat_user *user)
{
	request->ran = true;
	if (loop->journal.fd < 0) {
		if (!request_give_state(loop, request))
			return false;
		service_loop_settled(loop);
		return true;
	}
	note_life(loop, which, user);
	if (batch_commit(loop)) {
		journal_wait(&loop->journal);
		CRASH_HERE(life_after);
		return true;
	}
	request_fail(request, WAT_RESOURCE_EXHAUSTED, "the journal can't be written; not applied");
	return false;
}

void request_run_provision(struct service_loop *loop,
			   struct request *request,
			   const struct wat_user *user)
{
	struct said said;

	if (!dispatch_has_lifecycle(loop->instance->service, DISPATCH_PROVISION))
		return;
	if (run(loop, DISPATCH_PROVISION, user, &said) != WAT_OK)
		request_fail_with(loop, request, said.status,
				  said.panicked ? WAT__ENVELOPE__CAUSE_KIND__PANIC
						: WAT__ENVELOPE__CAUSE_KIND__FAILURE,
				  dispatch_lifecycle_name(DISPATCH_PROVISION), said.sentence);
	else if (!keep_life(loop, request, DISPATCH_PROVISION, user) && loop->journal.fd < 0)
		take_back(loop, user);
}

void request_run_deprovision(struct service_loop *loop,
			     struct request *request,
			     const struct wat_user *user)
{
	struct said said;

	if (!dispatch_has_lifecycle(loop->instance->service, DISPATCH_DEPROVISION))
		return;
	if (run(loop, DISPATCH_DEPROVISION, user, &said) == WAT_OK)
		(void)keep_life(loop, request, DISPATCH_DEPROVISION, user);
	else
		/* It had its one chance: the next generation does not run it again. */
		note_life(loop, DISPATCH_DEPROVISION, user);
}

void service_loop_run_disconnect(struct service_loop *loop, const struct wat_user *user)
{
	struct said said;

	(void)run(loop, DISPATCH_DISCONNECT, user, &said);
}
