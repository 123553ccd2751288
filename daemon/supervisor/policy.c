/* policy.c - what the configuration says of the restarts of an instance. Loop thread. */
#include "daemon/supervisor/policy.h"

#include <string.h>

#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/stuck.h"

static uint64_t seconds_as_ms(const struct config_section *section, enum instance_key key)
{
	return config_number(section, key) * 1000u;
}

/* What the instance's section does not say, watd's does. */
static void take_stuck(struct instance *instance, const struct config_section *section)
{
	const struct options *options = instance->node->options;
	const char *after = options_text(options, WATD_KEY_stuck_after);
	const char *then = options_text(options, WATD_KEY_stuck);

	if (section && config_text(section, INSTANCE_KEY_stuck_after))
		after = config_text(section, INSTANCE_KEY_stuck_after);
	if (section && config_text(section, INSTANCE_KEY_stuck))
		then = config_text(section, INSTANCE_KEY_stuck);
	instance->stuck_after_ms = value_number(VALUE_PAUSE, after);
	instance->stuck_kills = strcmp(then, "kill") == 0;
	stuck_attend(instance->node, instance->stuck_after_ms);
}

void policy_take(struct instance *instance)
{
	const struct config_section *section =
		config_find(instance->node->options->config, CONFIG_INSTANCE, instance->name);
	struct restart_policy policy = RESTART_POLICY_INIT;

	policy.when = instance->policy.when;
	if (section) {
		policy.when = restart_when_of(config_text(section, INSTANCE_KEY_restart));
		policy.max = (uint32_t)config_number(section, INSTANCE_KEY_restart_max);
		policy.within_ms = seconds_as_ms(section, INSTANCE_KEY_restart_within);
		policy.pause_ms = config_number(section, INSTANCE_KEY_restart_pause);
		policy.pause_max_ms = config_number(section, INSTANCE_KEY_restart_pause_max);
		policy.healthy_ms = seconds_as_ms(section, INSTANCE_KEY_restart_healthy);
	}
	instance->policy = policy;
	take_stuck(instance, section);
}

void policy_take_all(struct node *node)
{
	list_for_each (i, &node->instances.all)
		policy_take(container_of(i, struct instance, all));
}
