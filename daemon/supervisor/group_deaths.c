/* group_deaths.c - what a death does to a group: its members are held, or all of it fails. Loop
 * thread. group_steps.c does what follows. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/supervisor/group_parts.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* Its failure as the group's: the same chain, with the group in front. */
static Wat__Envelope__Failure *failure_of(const struct group *group,
					  const struct instance *culprit,
					  const char *why)
{
	const Wat__Envelope__Failure *own = culprit->failure;
	char text[WAT_FAILURE_TEXT_MAX];
	struct failure_cause cause = {
		.kind = WAT__ENVELOPE__CAUSE_KIND__GROUP,
		.service = culprit->service,
		.instance = culprit->name,
		.text = text,
		.generation = culprit->generation,
		.time_ms = clock_unix_ms(),
	};
	Wat__Envelope__Failure *failure;

	(void)snprintf(text, sizeof text, "group %s (%s) failed because of %s, %s%s%s", group->name,
		       group_strategy_name(group->policy.strategy), culprit->name, why,
		       own ? ": " : "", own ? own->text : "");
	failure = failure_retell(own, text);
	(void)snprintf(text, sizeof text, "%s", why);
	if (failure && failure_add_cause(failure, &cause) < 0)
		return failure_free(failure);
	return failure;
}

static bool is_to_be_stopped(const struct instance *instance)
{
	switch (instance->state) {
	case INSTANCE_STARTING:
	case INSTANCE_READY:
	case INSTANCE_RESTARTING:
	case INSTANCE_BACKOFF:
		/* What is not in the store yet is stopped, but not marked there. */
		return !instance->beginning;
	case INSTANCE_STOPPING:
	case INSTANCE_STOPPED:
	case INSTANCE_REMOVING:
	case INSTANCE_SUSPENDED:
	case INSTANCE_FAILED:
	case INSTANCE_QUARANTINED:
	default:
		return false;
	}
}

/* That they are stopped is decided with the death that it is because of, and not once the last of
 * them is. */
static int mark(const struct group *group,
		const struct instance *culprit,
		const Wat__Envelope__Failure *failure,
		struct store_txn *txn)
{
	int r = 0;

	for (size_t m = 0; r == 0 && m < group->n_members; m++) {
		struct instance *member = group_instance(group, m);

		if (!member || member == culprit || !is_to_be_stopped(member))
			continue;
		instance_set_failure(member, failure_copy(failure));
		r = member->failure ? lifecycle_txn_put(txn, member, STORE_RUNNING) : -ENOMEM;
	}
	return r;
}

static void begin_failing(struct group *group, struct instance *culprit)
{
	group->phase = GROUP_FAILING;
	group->origin = culprit->origin;
	(void)event_del(group->pause);
	(void)snprintf(group->culprit, sizeof group->culprit, "%s", culprit->name);
	for (size_t m = 0; m < group->n_members; m++) {
		struct instance *member = group_instance(group, m);

		if (member)
			member->left = false;
	}
}

static void describe_end(const struct group *group, bool often, char *text, size_t size)
{
	if (often)
		(void)snprintf(text, size, "the last of more than %u deaths within %llu s",
			       group->policy.max,
			       (unsigned long long)group->policy.within_ms / 1000);
	else
		(void)snprintf(text, size, "which is not started again");
}

static int add_failing(struct group *group,
		       struct instance *culprit,
		       bool keep,
		       struct store_txn *txn)
{
	char why[96];
	Wat__Envelope__Failure *failure;
	struct audit failing = {
		.kind = AUDIT_GROUP_FAILING, .origin = &group->origin, .instance = culprit};
	int r;

	describe_end(group, group->too_often, why, sizeof why);
	group->too_often = false;
	failure = failure_of(group, culprit, why);
	if (!failure)
		return -ENOMEM;
	failing.detail = failure->text;
	r = mark(group, culprit, failure, txn);
	if (r == 0)
		r = audit_add(txn, &failing);
	if (keep)
		failure_free(failure);
	else
		instance_set_failure(culprit, failure);
	return r;
}

struct store_txn *groups_give_up(struct instance *instance, enum store_instance_state state)
{
	size_t member;
	struct group *group = group_of(instance, &member);
	_cleanup_(store_txn_freep) struct store_txn *txn = NULL;

	if (!group || group->phase == GROUP_FAILING ||
	    (!group->too_often && !group_is_linked(group->policy.strategy)))
		return lifecycle_txn(instance, state);
	txn = store_txn_new();
	begin_failing(group, instance);
	groups_changed(group->node);
	/* What a quarantined one says of its journal stays as it is. */
	if (!txn || add_failing(group, instance, state != STORE_FAILED, txn) < 0)
		return NULL;
	return lifecycle_txn_put(txn, instance, state) < 0 ? NULL : TAKE(txn);
}

static void hold(struct instance *instance)
{
	instance->held = true;
	instance_move(instance, INSTANCE_BACKOFF);
}

bool groups_hold(struct instance *instance)
{
	size_t member;
	const struct group *group = group_of(instance, &member);

	if (!group || group->phase != GROUP_ENDING || member < group->from)
		return false;
	hold(instance);
	return true;
}

/* Two that die one after the other wait as long as either has to. */
static void begin_ending(struct group *group,
			 struct instance *culprit,
			 size_t from,
			 uint64_t pause_ms)
{
	bool under_way = group->phase != GROUP_IDLE;

	(void)event_del(group->pause);
	if (!under_way || group->from > from)
		group->from = from;
	if (!under_way || group->pause_ms < pause_ms)
		group->pause_ms = pause_ms;
	if (!under_way || culprit->culprit) {
		group->origin = culprit->origin;
		(void)snprintf(group->culprit, sizeof group->culprit, "%s", culprit->name);
	}
	group->news = group->news || group->phase != GROUP_ENDING;
	group->phase = GROUP_ENDING;
	for (size_t m = 0; m < group->n_members; m++) {
		struct instance *member = group_instance(group, m);

		if (member)
			member->left = false;
	}
	hold(culprit);
	groups_changed(group->node);
}

bool groups_take_death(struct instance *instance,
		       const struct restart_death *death,
		       const struct restart_decision *own)
{
	struct group_death of_member = {
		.kind = death->kind, .own = own->verdict, .now_ms = death->now_ms};
	struct group *group = group_of(instance, &of_member.member);
	struct group_decision decision;

	if (!group)
		return false;
	if (group->phase == GROUP_FAILING) {
		lifecycle_give_up(instance, NULL);
		return true;
	}
	decision = group_decide(&group->policy, &group->history, &of_member);
	switch (decision.verdict) {
	case GROUP_FAILS_OFTEN:
		group->too_often = true;
		lifecycle_give_up(instance, NULL);
		return true;
	case GROUP_RESTARTS:
		begin_ending(group, instance, decision.from, own->pause_ms);
		return true;
	case GROUP_FAILS_LINKED:
		/* Giving it up does the rest. */
	case GROUP_LEAVES:
	default:
		return false;
	}
}

void group_unmark(struct instance *member)
{
	struct store_txn *txn;

	if (!groups_has_failed(member))
		return;
	instance_set_failure(member, NULL);
	if (!is_to_be_stopped(member))
		return;
	txn = store_txn_new();
	if (txn && lifecycle_txn_put(txn, member, STORE_RUNNING) < 0)
		txn = store_txn_free(txn);
	lifecycle_commit(member, txn);
}

void groups_forget(struct instance *instance)
{
	size_t member;
	struct group *group = group_of(instance, &member);

	if (group) {
		group->history = (struct restart_history){0};
		for (size_t m = 0; group->phase == GROUP_FAILING && m < group->n_members; m++) {
			struct instance *other = group_instance(group, m);

			if (other && is_to_be_stopped(other))
				group_unmark(other);
		}
		if (group->phase == GROUP_FAILING)
			group->phase = GROUP_IDLE;
		groups_let_go(group->node);
	}
	if (groups_has_failed(instance))
		instance_set_failure(instance, NULL);
}
