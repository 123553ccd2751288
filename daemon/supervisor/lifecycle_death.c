/* lifecycle_death.c - a host has ended: whom it concerns, what they are told, who is started again
 * and when. Loop thread. */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/host_link.h"
#include "daemon/supervisor/isolation.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/stack.h"
#include "daemon/supervisor/stuck.h"
#include "proto/dispatch.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

void lifecycle_give_up(struct instance *instance, Wat__Envelope__Failure *failure)
{
	struct audit failed = {
		.kind = AUDIT_FAILED, .origin = &instance->origin, .instance = instance};

	struct store_txn *txn;

	if (failure)
		instance_set_failure(instance, failure);
	txn = groups_give_up(instance, STORE_FAILED);
	failed.detail = instance->failure ? instance->failure->text : NULL;
	/* Before those who wait go on from there, with changes of their own. */
	lifecycle_commit_with(instance, txn, &failed);
	instance_move(instance, INSTANCE_FAILED);
	node_check_progress(instance->node);
}

void lifecycle_quarantine(struct instance *instance, Wat__Envelope__Failure *failure)
{
	const struct audit quarantined = {.kind = AUDIT_QUARANTINE,
					  .origin = &instance->origin,
					  .instance = instance,
					  .detail = failure ? failure->text : NULL};

	instance_set_failure(instance, failure);
	lifecycle_commit_with(instance, groups_give_up(instance, STORE_QUARANTINED), &quarantined);
	instance_move(instance, INSTANCE_QUARANTINED);
	node_check_progress(instance->node);
}

bool lifecycle_has_diverged(const Wat__Envelope__Failure *failure)
{
	for (size_t i = 0; failure && i < failure->n_chain; i++)
		if (failure->chain[i]->kind == WAT__ENVELOPE__CAUSE_KIND__DIVERGED)
			return true;
	return false;
}

void lifecycle_start_again(struct instance *instance)
{
	instance->held = false;
	instance->generation++;
	instance_move(instance, INSTANCE_STARTING);
	lifecycle_start(instance, false);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct instance *instance = arg;

	(void)fd;
	(void)what;
	if (instance->state == INSTANCE_BACKOFF)
		lifecycle_start_again(instance);
}

void lifecycle_skip_pause(struct instance *instance)
{
	/* Its group starts it in its turn. */
	if (instance->held)
		return;
	(void)event_del(instance->timer);
	lifecycle_start_again(instance);
}

static void start_later(struct instance *instance, uint64_t pause_ms)
{
	struct timeval pause = {.tv_sec = (time_t)(pause_ms / 1000),
				.tv_usec = (long)(pause_ms % 1000) * 1000};

	if (!instance->timer)
		instance->timer = evtimer_new(instance->node->base, on_pause_over, instance);
	instance_move(instance, INSTANCE_BACKOFF);
	if (!instance->timer || evtimer_add(instance->timer, &pause) < 0)
		lifecycle_start_again(instance);
}

static void start_by_policy(struct instance *instance, bool culprit)
{
	const uint64_t now_ms = clock_monotonic_ms();
	const struct restart_death death = {
		.kind = !culprit          ? RESTART_OF_ANOTHER
			: instance->ended ? RESTART_END
					  : RESTART_FAILURE,
		.now_ms = now_ms,
		.ready_ms = instance->ready_at_ms ? now_ms - instance->ready_at_ms : 0,
	};
	const struct restart_decision decision = restart_decide(
		&instance->policy, &instance->restarts, &death, randombytes_random());

	instance->ready_at_ms = 0;
	if (groups_take_death(instance, &death, &decision))
		return;
	if (decision.verdict == RESTART_AGAIN)
		start_later(instance, decision.pause_ms);
	else
		lifecycle_give_up(instance, NULL);
}

void lifecycle_died(struct instance *instance, bool culprit)
{
	if (culprit)
		instance->deaths++;
	if (instance->node->suspending) {
		instance_move(instance, INSTANCE_SUSPENDED);
		node_check_progress(instance->node);
	} else {
		start_by_policy(instance, culprit);
	}
}

static void how_it_ended(const struct instance *instance,
			 const struct host_death *death,
			 char *text,
			 size_t size)
{
	if (death->because_of && instance->overran)
		(void)snprintf(text, size,
			       "the host of %s was killed, since a handler did not come back",
			       instance->name);
	else if (death->because_of && death->overran)
		(void)snprintf(text, size,
			       "the pool that %s ran in was killed, since a handler of %s did not "
			       "come back",
			       instance->name, death->because_of);
	else if (death->because_of && instance->condemned)
		(void)snprintf(text, size, "the host of %s was killed by an operator",
			       instance->name);
	else if (death->because_of)
		(void)snprintf(text, size,
			       "the pool that %s ran in was killed by an operator, because of %s",
			       instance->name, death->because_of);
	else if (death->signal)
		(void)snprintf(text, size, "the host of %s was killed by signal %d (%s)",
			       instance->name, death->signal, strsignal(death->signal));
	else
		(void)snprintf(text, size, "the host of %s exited with code %d", instance->name,
			       death->exit_code);
}

/* Address and stack of the fault, as far as the host noted them. */
static void add_place(const struct instance *instance,
		      Wat__Envelope__Cause *cause,
		      char *ret_where,
		      size_t size)
{
	const char *innermost;

	stack_add_fault(cause, instance);
	innermost = stack_innermost(cause, instance);
	if (host_fault_address(instance->host, instance->slot, &cause->address))
		(void)snprintf(ret_where, size, " at address 0x%" PRIx64 "%s%s", cause->address,
			       *innermost ? " by " : "", innermost);
	else if (*innermost)
		(void)snprintf(ret_where, size, " by %s", innermost);
}

/* What the host died of, as the instance's failure. */
static Wat__Envelope__Failure *describe(const struct instance *instance,
					const struct host_death *death,
					const char *method)
{
	/* What a pool said before this instance was in it is about others. */
	bool spoke = instance->host->n_words > instance->words_before;
	const char *words = spoke ? death->last_words : "";
	char text[WAT_FAILURE_TEXT_MAX], how[256], where[256] = "";
	Wat__Envelope__Cause place = WAT__ENVELOPE__CAUSE__INIT;
	Wat__Envelope__Failure *failure;

	how_it_ended(instance, death, how, sizeof how);
	add_place(instance, &place, where, sizeof where);
	(void)snprintf(text, sizeof text, "%s%s%s%s%s%s", how, where,
		       *method ? " while it ran " : "", method, *words ? "; its last words: " : "",
		       words);
	failure = lifecycle_failure(instance,
				    death->signal ? WAT__ENVELOPE__CAUSE_KIND__SIGNAL
						  : WAT__ENVELOPE__CAUSE_KIND__EXIT,
				    death->signal, method, text);
	if (failure)
		failure->chain[0]->address = place.address;
	stack_log(&place, instance);
	stack_move(&place, failure ? failure->chain[0] : NULL);
	return failure;
}

const char *lifecycle_method_name(const struct instance *instance, uint32_t running)
{
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;

	if (running == 0)
		return "";
	if (running >= ATTRIBUTION_LIFECYCLE &&
	    running <= ATTRIBUTION_LIFECYCLE + DISPATCH_DISCONNECT)
		return dispatch_lifecycle_name(running - ATTRIBUTION_LIFECYCLE);
	if (running == ATTRIBUTION_SELF)
		return "load or save";
	if (running == ATTRIBUTION_LOAD)
		return "the loading of its plugin";
	if (catalog_find(&instance->node->catalog, instance->service, &file, &service) ==
		    CATALOG_FOUND &&
	    running <= service->n_methods)
		return service->methods[running - 1]->name;
	return "";
}

static void fail_operation(struct instance *instance, const Wat__Envelope__Failure *failure)
{
	struct operation *operation = TAKE(instance->operation);

	if (operation)
		operation_fail(operation, WAT_START_FAILED, failure, "%s",
			       failure ? failure->text : "the host died while it started");
}

/* Clients come back with new channels. */
static void forget_channels(struct instance *instance)
{
	list_for_each (i, &instance->grants)
		container_of(i, struct grant, of_instance)->channels = 0;
}

static void instance_host_died(struct instance *instance,
			       const Wat__Envelope__Failure *failure,
			       bool culprit)
{
	list_remove(&instance->of_host);
	instance->host = NULL;
	instance->condemned = instance->overran = false;
	stuck_forget(instance);
	forget_channels(instance);
	if (lifecycle_stop_host_gone(instance, failure)) {
		/* It had given its final state already. */
	} else if (instance->beginning && instance->operation && instance->operation->reply) {
		/* The beginning is being committed; on_begun goes on from there. */
	} else if (instance->beginning) {
		lifecycle_abandon(instance, WAT_START_FAILED, failure,
				  failure ? failure->text : "the host died while it started");
	} else if (instance->operation && !instance->in_order) {
		lifecycle_audit_death(instance, failure);
		fail_operation(instance, failure);
		lifecycle_give_up(instance, NULL);
	} else {
		instance->in_order = false;
		lifecycle_audit_death(instance, failure);
		fail_operation(instance, failure);
		lifecycle_died(instance, culprit);
	}
}

bool lifecycle_ended_by_itself(const struct host_death *death)
{
	return death->signal == 0 && death->exit_code == ATTRIBUTION_EXIT_OF_HOST;
}

/* A death counts against the instance that an operator meant, else against those that were running
 * a call, else against all. */
static bool is_culprit(const struct host *host,
		       const struct instance *instance,
		       const struct host_death *death)
{
	bool condemned = false, running = false;

	list_for_each (i, &host->instances) {
		const struct instance *other = container_of(i, struct instance, of_host);

		condemned = condemned || other->condemned;
		running = running || host_running(host, other->slot);
	}
	if (condemned)
		return instance->condemned;
	return !running || lifecycle_ended_by_itself(death) || host_running(host, instance->slot);
}

static const struct instance *find_condemned(const struct host *host)
{
	list_for_each (i, &host->instances) {
		const struct instance *instance = container_of(i, struct instance, of_host);

		if (instance->condemned)
			return instance;
	}
	return NULL;
}

/* A plugin may have taken the handler away that says whose thread it was; often there is but one.
 */
static bool runs_alone(const struct host *host)
{
	size_t n = 0;

	list_for_each (i, &host->instances)
		n += host_running(host, container_of(i, struct instance, of_host)->slot) != 0;
	return n == 1;
}

/* What it ran ended the host, or made somebody end it. */
static bool is_guilty(const struct host *host,
		      const struct instance *instance,
		      const struct host_death *death)
{
	if (host_faulted(host, instance->slot))
		return true;
	if (host_running(host, instance->slot) == 0)
		return false;
	return instance->condemned || (runs_alone(host) && death->signal != SIGKILL &&
				       !death->because_of && !lifecycle_ended_by_itself(death));
}

/* Before anybody is told, every instance knows what it died of. */
static void note_failures(struct host *host, struct host_death *death)
{
	const struct instance *condemned = find_condemned(host);
	struct origin origin = condemned ? condemned->origin : origin_new(host->node);

	death->because_of = condemned ? condemned->name : NULL;
	death->overran = condemned && condemned->overran;
	list_for_each (i, &host->instances) {
		struct instance *instance = container_of(i, struct instance, of_host);

		/* One that begins or ends has its own cause. */
		if (!instance->operation)
			instance->origin = origin;
		instance->culprit = is_culprit(host, instance, death);
		instance->died_in = host_running(host, instance->slot);
		instance->ended = !death->signal && death->exit_code == 0;
		failure_free(instance->death);
		instance->death = describe(
			instance, death,
			lifecycle_method_name(instance, host_running(host, instance->slot)));
		instance->guilty = is_guilty(host, instance, death);
		lifecycle_judge(host, instance);
		if (instance->culprit)
			instance_set_failure(
				instance, instance->death ? failure_copy(instance->death) : NULL);
	}
}

static void log_death(const struct host *host, const struct host_death *death)
{
	char pid[16], how[48];

	(void)snprintf(pid, sizeof pid, "%d", (int)host->pid);
	if (death->signal)
		(void)snprintf(how, sizeof how, "signal %d", death->signal);
	else
		(void)snprintf(how, sizeof how, "exit code %d", death->exit_code);
	log_warning("a host died", "host", pid, "how", how, "tier",
		    host->pool ? "thread" : "process");
}

void lifecycle_host_died(struct host *host, struct host_death *death)
{
	struct node *node = host->node;
	struct list *first;

	/* One that was told to end may still end badly. */
	if (!host->ending || death->signal || death->exit_code)
		log_death(host, death);
	CRASH_HERE(death_seen);
	note_failures(host, death);
	isolation_judge(host, death);
	host_link_fail_requests(host, death);
	while ((first = list_first(&host->instances))) {
		struct instance *instance = container_of(first, struct instance, of_host);
		Wat__Envelope__Failure *failure = TAKE(instance->death);

		instance_host_died(instance, failure, instance->culprit);
		failure_free(failure);
	}
	host_free(host);
	node_check_progress(node);
}
