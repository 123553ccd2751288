/* ending.c - the order in which watd goes down: that of `after`, backward. Loop thread. */
#include "daemon/supervisor/ending.h"

#include <string.h>

#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"

static bool is_down(const struct instance *instance)
{
	return instance->state == INSTANCE_SUSPENDED || instance_is_over(instance) ||
	       instance_is_given_up(instance);
}

static bool comes_after(const struct config_section *section, const char *name)
{
	const char *at = config_text(section, INSTANCE_KEY_after);
	char word[VALUE_WORD_SIZE];

	while (at && value_next(&at, word, sizeof word))
		if (strcmp(word, name) == 0)
			return true;
	return false;
}

static bool is_needed(const struct node *node, const char *name)
{
	config_for_each (section, node->options->config, CONFIG_INSTANCE) {
		const struct instance *other =
			instance_table_by_name(&node->instances, section->name);

		if (other && !is_down(other) && comes_after(section, name))
			return true;
	}
	return false;
}

static void consider(struct instance *instance)
{
	if (is_down(instance) || instance->suspends || is_needed(instance->node, instance->name))
		return;
	/* The others come back here when they are ready, or go by themselves. */
	instance->suspends = instance->state == INSTANCE_READY;
	lifecycle_suspend(instance);
}

/* One that is down at once calls this again. */
void ending_run(struct node *node)
{
	node->ending_again = true;
	if (node->ending)
		return;
	node->ending = true;
	while (node->ending_again) {
		node->ending_again = false;
		list_for_each_safe (i, &node->instances.all) {
			consider(container_of(i, struct instance, all));
		}
	}
	node->ending = false;
}

const struct instance *ending_waits_for(const struct node *node)
{
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (!is_down(instance) && (instance->suspends || instance->state != INSTANCE_READY))
			return instance;
	}
	return NULL;
}
