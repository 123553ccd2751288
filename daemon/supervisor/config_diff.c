/* config_diff.c - two configurations, and what the second one means for a watd that runs by the
 * first. */
#include "daemon/supervisor/config_diff.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"

struct diff {
	const struct node *node;
	const struct options *running, *fresh;
	struct lines *changes, *needs_restart;
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static const char *shown(const char *text)
{
	return text ? text : "(none)";
}

static void diff_watd(const struct diff *diff)
{
	for (unsigned i = 0; i < WATD_KEYS_N; i++) {
		const struct config_key *key = &config_types[CONFIG_WATD].keys[i];
		const char *before = options_text(diff->running, (enum watd_key)i);
		const char *now = options_text(diff->fresh, (enum watd_key)i);

		if (!same(before, now))
			lines_add(key->applied == CONFIG_RELOAD ? diff->changes
								: diff->needs_restart,
				  "%s: %s -> %s", key->name, before, now);
	}
}

/* Each key that differs: what a reload applies, and what it does not. */
static void diff_keys(const struct config_section *before,
		      const struct config_section *now,
		      struct lines *applied,
		      struct lines *kept)
{
	const struct config_section_type *type = &config_types[now->type];

	for (unsigned i = 0; i < type->n_keys; i++) {
		const char *a = config_text(before, i), *b = config_text(now, i);

		bool applies = type->keys[i].applied == CONFIG_RELOAD;

		if (!same(a, b))
			lines_add(applies ? applied : kept, "%s %s: %s: %s -> %s%s", type->word,
				  now->name, type->keys[i].name, shown(a), shown(b),
				  applies ? "" : " (it exists, and is left as it is)");
	}
}

static void diff_instance(const struct diff *diff, const struct config_section *now)
{
	const struct config_section *before =
		config_find(diff->running->config, CONFIG_INSTANCE, now->name);

	if (!instance_table_by_name(&diff->node->instances, now->name)) {
		if (!startup_is_under_way(diff->node, now->name))
			lines_add(diff->changes, "instance %s: is begun", now->name);
	} else if (before) {
		diff_keys(before, now, diff->changes, diff->needs_restart);
	} else {
		lines_add(diff->changes, "instance %s: exists, and is left as it is", now->name);
	}
}

static void diff_section(const struct diff *diff,
			 const struct config_section *now,
			 const char *when_new)
{
	const struct config_section *before =
		config_find(diff->running->config, now->type, now->name);

	if (before)
		diff_keys(before, now, diff->changes, diff->needs_restart);
	else
		lines_add(diff->changes, "%s %s: %s", config_types[now->type].word, now->name,
			  when_new);
}

static void diff_removed(const struct diff *diff)
{
	static const char *const texts[] = {
		[CONFIG_PLUGIN] = "is gone; instances that run with it go on",
		[CONFIG_INSTANCE] = "is gone; the instance goes on",
		[CONFIG_GRANT] = "is gone; its User ends, its file stays and is of no use",
		[CONFIG_GROUP] = "is gone; each of its instances is by itself",
	};

	for (size_t i = 0; i < diff->running->config->n_sections; i++) {
		const struct config_section *before = diff->running->config->sections[i];

		if (!config_find(diff->fresh->config, before->type, before->name))
			lines_add(diff->changes, "%s %s: %s", config_types[before->type].word,
				  before->name, texts[before->type]);
	}
}

void config_diff(const struct node *node,
		 const struct options *fresh,
		 struct lines *changes,
		 struct lines *needs_restart)
{
	const struct diff diff = {node, node->options, fresh, changes, needs_restart};

	diff_watd(&diff);
	config_for_each (plugin, fresh->config, CONFIG_PLUGIN) {
		diff_section(&diff, plugin, "is known");
	}
	config_for_each (instance, fresh->config, CONFIG_INSTANCE) {
		diff_instance(&diff, instance);
	}
	config_for_each (grant, fresh->config, CONFIG_GRANT) {
		diff_section(&diff, grant, "is made");
	}
	config_for_each (group, fresh->config, CONFIG_GROUP) {
		diff_section(&diff, group, "is known");
	}
	diff_removed(&diff);
}
