/* lifecycle_verdict.c - a call that ran when its host died: whether it may run again. What was
 * found is noted before anybody acts on it, and outlives watd. Loop thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/call_deaths.h"
#include "daemon/supervisor/isolation.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "proto/failure.h"

/* Three deaths with the same call running are its own doing, whoever killed the host. */
#define DEATHS_OF_A_CALL 3u

static void note(struct instance *instance, uint64_t page)
{
	const struct running_call *running = &instance->running;
	struct call_note note = {.page = page,
				 .slot = instance->slot,
				 .id = running->id,
				 .deaths = running->deaths,
				 .judged = running->judged};
	int r;

	memcpy(note.lane, running->lane, sizeof note.lane);
	r = call_deaths_note(instance->node->calls_dir, instance->id, &note);
	if (r < 0)
		log_error("it can't be noted what an instance runs; if watd dies now, a call that "
			  "has killed its host may run once more",
			  "instance", instance->name, "error", strerror(-r));
}

void lifecycle_note_place(struct instance *instance)
{
	note(instance, instance->host ? instance->host->page : 0);
}

/* It is a User who is told. */
static void tell(struct instance *instance, const Wat__Envelope__Failure *cause)
{
	failure_free(instance->verdict);
	instance->verdict = failure_for_user(
		cause, "the service died while it ran this call; its Admin can see why");
	if (instance->verdict)
		instance_tell_verdict(instance);
}

/* The call is sent again, unless it killed its host: then it is answered and never run again. */
static void judge(struct instance *instance,
		  const struct call_found *found,
		  bool own,
		  const Wat__Envelope__Failure *cause)
{
	struct running_call *running = &instance->running;

	if (found->id != running->id ||
	    memcmp(found->lane, running->lane, sizeof running->lane) != 0) {
		*running = (struct running_call){.id = found->id};
		memcpy(running->lane, found->lane, sizeof running->lane);
		instance->verdict = failure_free(instance->verdict);
	}
	running->deaths++;
	if (!own && running->deaths < DEATHS_OF_A_CALL)
		return;
	running->judged = true;
	tell(instance, cause);
}

void lifecycle_judge(const struct host *host, struct instance *instance)
{
	struct call_found found = {.running = host_running(host, instance->slot)};

	if (found.running == 0)
		return;
	host_running_call(host, instance->slot, found.lane, &found.id);
	if (found.id == 0)
		return;
	judge(instance, &found, instance->guilty, instance->death);
	note(instance, 0);
	if (instance->running.judged)
		CRASH_HERE(verdict_noted);
}

/* How its host ended nobody saw. One whose thread raised the signal said so itself. */
static void judge_former(struct instance *instance, const struct call_found *found)
{
	const char *method = lifecycle_method_name(instance, found->running);
	Wat__Envelope__Failure *cause;
	char text[WAT_FAILURE_TEXT_MAX];

	if (found->running == 0 || found->id == 0)
		return;
	(void)snprintf(text, sizeof text,
		       "the host of %s died while it ran %s, and watd before it saw how",
		       instance->name, *method ? method : "a call");
	cause = lifecycle_failure(instance, WAT__ENVELOPE__CAUSE_KIND__EXIT, 0, method, text);
	judge(instance, found, found->faulted, cause);
	log_warning("a host of the watd before died while it ran a call", "instance",
		    instance->name, "method", method, "again",
		    instance->running.judged ? "never" : "yes");
	if (found->faulted)
		isolation_adopt(instance, method);
	if (instance->running.judged)
		instance_set_failure(instance, cause);
	else
		failure_free(cause);
}

static int adopt(struct instance *instance)
{
	const int dir = instance->node->calls_dir;
	struct call_found found;
	struct call_note left;
	int r = call_deaths_read(dir, instance->id, &left);

	if (r < 0)
		return r;
	instance->running =
		(struct running_call){.id = left.id, .deaths = left.deaths, .judged = left.judged};
	memcpy(instance->running.lane, left.lane, sizeof left.lane);
	if (left.judged)
		tell(instance, NULL);
	if (left.page == 0)
		return 0;
	r = call_deaths_read_page(dir, left.page, left.slot, &found);
	if (r == 0)
		judge_former(instance, &found);
	return r;
}

void lifecycle_adopt_verdict(struct instance *instance)
{
	int r;

	if (instance->adopted)
		return;
	instance->adopted = true;
	r = adopt(instance);
	if (r < 0 && r != -ENOENT)
		log_error("what an instance ran under the watd before can't be read; a call that "
			  "killed its host may run once more",
			  "instance", instance->name, "error", strerror(-r));
}

void lifecycle_verdict_stored(struct instance *instance)
{
	/* Without a journal the next host goes back to a checkpoint that does not know it. */
	if (!instance->running.judged || !instance_has_journal(instance))
		return;
	CRASH_HERE(verdict_stored);
	instance->running.judged = false;
	instance->verdict = failure_free(instance->verdict);
	lifecycle_note_place(instance);
}
