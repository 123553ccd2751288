/* check.c - what can be said of a configuration only as a whole. */
#include <stdlib.h>
#include <string.h>

#include "daemon/config/order.h"
#include "daemon/config/private.h"

/* One that was given and refused is not missing too. */
static void check_needed(const struct config_section *section, struct problems *problems)
{
	const struct config_section_type *type = &config_types[section->type];

	for (size_t i = 0; i < type->n_keys; i++)
		if (type->keys[i].need == CONFIG_MUST && !section->values[i].place.file)
			problems_add(problems, &section->place,
				     "[%s %s] has no %s, expected %s = %s", type->word,
				     section->name, type->keys[i].name, type->keys[i].name,
				     value_word(type->keys[i].kind));
}

static void check_grant(const struct config *config,
			const struct config_section *grant,
			struct problems *problems)
{
	const char *instance = config_text(grant, GRANT_KEY_instance);

	if (instance && !config_find(config, CONFIG_INSTANCE, instance))
		problems_add(problems, config_place(grant, GRANT_KEY_instance),
			     "instance = %s: expected the name of an [instance] of this "
			     "configuration",
			     instance);
}

static void check_group(const struct config *config,
			const struct config_section *instance,
			struct problems *problems)
{
	const char *group = config_text(instance, INSTANCE_KEY_group);

	if (group && !config_find(config, CONFIG_GROUP, group))
		problems_add(problems, config_place(instance, INSTANCE_KEY_group),
			     "group = %s: expected the name of a [group] of this configuration",
			     group);
}

/* Two tokens in one file would replace each other for ever. */
static void check_out(const struct config *config,
		      const struct config_section *grant,
		      struct problems *problems)
{
	const char *out = config_text(grant, GRANT_KEY_out);

	config_for_each (before, config, CONFIG_GRANT) {
		const char *other = config_text(before, GRANT_KEY_out);

		if (before == grant)
			return;
		if (out && other && strcmp(out, other) == 0) {
			const struct place *place = config_place(before, GRANT_KEY_out);

			problems_add(problems, config_place(grant, GRANT_KEY_out),
				     "out = %s: is that of [grant %s] already, at %s:%u; expected "
				     "a file of its own",
				     out, before->name, place->file, place->line);
			return;
		}
	}
}

void config_check_whole(const struct config *config, struct problems *problems)
{
	for (size_t i = 0; i < config->n_sections; i++)
		check_needed(config->sections[i], problems);
	config_for_each (grant, config, CONFIG_GRANT) {
		check_grant(config, grant, problems);
		check_out(config, grant, problems);
	}
	config_for_each (instance, config, CONFIG_INSTANCE) {
		check_group(config, instance, problems);
	}
	order_check(config, problems);
}
