/* groups.c - the groups of the configuration: which there are, who is in them. Loop thread. */
#include "daemon/supervisor/groups.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/config/order.h"
#include "daemon/supervisor/group_parts.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/options.h"
#include "proto/support/cleanup.h"

void groups_init(struct groups *groups)
{
	*groups = (struct groups){0};
	list_init(&groups->all);
}

static struct group *group_free(struct group *group)
{
	if (!group)
		return NULL;
	list_remove(&group->link);
	if (group->pause)
		event_free(group->pause);
	free(group->members);
	free(group->stand);
	free(group);
	return NULL;
}
DEFINE_CLEANUP(struct group *, group_free);

void groups_deinit(struct groups *groups)
{
	list_for_each_safe (i, &groups->all) {
		group_free(container_of(i, struct group, link));
	}
	if (groups->step)
		event_free(groups->step);
	groups->step = NULL;
}

static struct group *find(const struct node *node, const char *name)
{
	list_for_each (i, &node->groups.all) {
		struct group *group = container_of(i, struct group, link);

		if (strcmp(group->name, name) == 0)
			return group;
	}
	return NULL;
}

struct group *group_of(const struct instance *instance, size_t *ret_member)
{
	list_for_each (i, &instance->node->groups.all) {
		struct group *group = container_of(i, struct group, link);

		for (size_t m = 0; m < group->n_members; m++)
			if (strcmp(group->members[m], instance->name) == 0) {
				*ret_member = m;
				return group;
			}
	}
	return NULL;
}

struct instance *group_instance(const struct group *group, size_t member)
{
	return instance_table_by_name(&group->node->instances, group->members[member]);
}

static struct group *group_new(struct node *node, const char *name)
{
	_cleanup_(group_freep) struct group *group = calloc(1, sizeof *group);

	if (!group)
		return NULL;
	group->node = node;
	list_init(&group->link);
	(void)snprintf(group->name, sizeof group->name, "%s", name);
	group->pause = evtimer_new(node->base, group_on_pause, group);
	if (!group->pause)
		return NULL;
	list_append(&node->groups.all, &group->link);
	return TAKE(group);
}

static bool is_member(const struct config_section *instance, const struct group *group)
{
	const char *of = config_text(instance, INSTANCE_KEY_group);

	return of && strcmp(of, group->name) == 0;
}

/* In the order of their starts. */
static int take_members(struct group *group, const struct config_section **order, size_t n)
{
	char(*members)[WAT_NAME_MAX + 1] = calloc(n + 1, sizeof *members);
	enum group_member *stand = calloc(n + 1, sizeof *stand);
	size_t n_members = 0;

	if (!members || !stand) {
		free(members);
		free(stand);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		if (is_member(order[i], group))
			(void)snprintf(members[n_members++], sizeof *members, "%s", order[i]->name);
	free(group->members);
	free(group->stand);
	group->members = members;
	group->stand = stand;
	group->n_members = n_members;
	group->from = 0;
	return 0;
}

static int take_one(struct node *node,
		    const struct config_section *section,
		    const struct config_section **order,
		    size_t n)
{
	struct group *group = find(node, section->name);

	if (!group)
		group = group_new(node, section->name);
	if (!group)
		return -ENOMEM;
	group->policy.strategy = group_strategy_of(config_text(section, GROUP_KEY_strategy));
	group->policy.max = (uint32_t)config_number(section, GROUP_KEY_intensity);
	group->policy.within_ms = config_number(section, GROUP_KEY_period) * 1000u;
	return take_members(group, order, n);
}

void groups_let_go(struct node *node)
{
	list_for_each_safe (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);
		struct group *group;
		size_t member;

		if (!instance->held)
			continue;
		group = group_of(instance, &member);
		if (!group || group->phase == GROUP_IDLE)
			lifecycle_start_again(instance);
	}
}

int groups_take(struct node *node)
{
	const struct config *config = node->options->config;
	_cleanup_(freep) const struct config_section **order =
		calloc(config->n_sections + 1, sizeof(*order));
	size_t n;
	int r = 0;

	if (!order)
		return -ENOMEM;
	n = order_make(config, order);
	if (!node->groups.step)
		node->groups.step = event_new(node->base, -1, 0, groups_on_step, node);
	if (!node->groups.step)
		return -ENOMEM;
	list_for_each_safe (i, &node->groups.all) {
		struct group *group = container_of(i, struct group, link);

		if (!config_find(config, CONFIG_GROUP, group->name))
			group_free(group);
	}
	config_for_each (section, config, CONFIG_GROUP) {
		if (r == 0)
			r = take_one(node, section, order, n);
	}
	groups_let_go(node);
	groups_changed(node);
	return r;
}

bool groups_has_failed(const struct instance *instance)
{
	return instance->failure && instance->failure->n_chain > 0 &&
	       instance->failure->chain[0]->kind == WAT__ENVELOPE__CAUSE_KIND__GROUP;
}

void groups_resume(struct node *node)
{
	list_for_each (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);
		struct group *group;
		size_t member;

		if (instance->state != INSTANCE_STARTING || !groups_has_failed(instance))
			continue;
		group = group_of(instance, &member);
		if (!group || group->phase == GROUP_FAILING)
			continue;
		group->phase = GROUP_FAILING;
		group->origin = node->start;
		(void)snprintf(group->culprit, sizeof group->culprit, "%s",
			       instance->failure->chain[0]->instance);
		log_warning("a group was failing when watd ended; that is gone on with", "group",
			    group->name, "culprit", group->culprit);
	}
	groups_changed(node);
}

static const char *state_of(const struct group *group)
{
	static const char *const names[] = {
		[GROUP_IDLE] = "",           [GROUP_ENDING] = "ending",
		[GROUP_PAUSING] = "pausing", [GROUP_STARTING] = "starting",
		[GROUP_FAILING] = "failing",
	};

	if (group->phase != GROUP_IDLE)
		return names[group->phase];
	for (size_t m = 0; m < group->n_members; m++) {
		const struct instance *member = group_instance(group, m);

		if (member && groups_has_failed(member))
			return "failed";
	}
	return "";
}

struct group_view groups_view(const struct instance *instance)
{
	size_t member;
	const struct group *group = group_of(instance, &member);

	if (!group)
		return (struct group_view){"", "", ""};
	return (struct group_view){group->name, group_strategy_name(group->policy.strategy),
				   state_of(group)};
}
