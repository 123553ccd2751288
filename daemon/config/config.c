/* config.c - the sections of a configuration: making, finding, freeing. */
#include "daemon/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config/private.h"

static void section_deinit(struct config_section *section)
{
	free(section->name);
	for (size_t i = 0; i < CONFIG_KEYS_MAX; i++)
		free(section->values[i].text);
}

struct config *config_new(void)
{
	return calloc(1, sizeof(struct config));
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; i < config->n_sections; i++) {
		section_deinit(config->sections[i]);
		free(config->sections[i]);
	}
	section_deinit(&config->watd);
	for (size_t i = 0; i < config->n_files; i++)
		free(config->files[i]);
	free(config->sections);
	free(config->files);
	free(config);
	return NULL;
}

const char *config_add_file(struct config *config, const char *path)
{
	char **grown = reallocarray(config->files, config->n_files + 1, sizeof *grown);
	char *copy = strdup(path);

	if (grown)
		config->files = grown;
	if (!grown || !copy) {
		free(copy);
		return NULL;
	}
	return config->files[config->n_files++] = copy;
}

struct config_section *config_add_section(struct config *config,
					  enum config_type type,
					  const char *name,
					  const struct place *place)
{
	struct config_section **grown =
		reallocarray(config->sections, config->n_sections + 1, sizeof(*grown));
	struct config_section *section = calloc(1, sizeof *section);

	if (grown)
		config->sections = grown;
	if (section)
		section->name = strdup(name);
	if (!grown || !section || !section->name) {
		free(section);
		return NULL;
	}
	section->type = type;
	section->place = *place;
	return config->sections[config->n_sections++] = section;
}

const struct config_section *config_next(const struct config *config,
					 enum config_type type,
					 size_t *at)
{
	while (*at < config->n_sections) {
		const struct config_section *section = config->sections[(*at)++];

		if (section->type == type)
			return section;
	}
	return NULL;
}

const struct config_section *config_find(const struct config *config,
					 enum config_type type,
					 const char *name)
{
	config_for_each (section, config, type) {
		if (strcmp(section->name, name) == 0)
			return section;
	}
	return NULL;
}

const char *config_text(const struct config_section *section, unsigned key)
{
	const char *text = section->values[key].text;

	return text ? text : config_types[section->type].keys[key].fallback;
}

uint64_t config_number(const struct config_section *section, unsigned key)
{
	const char *text = config_text(section, key);

	return text ? value_number(config_types[section->type].keys[key].kind, text) : 0;
}

const struct place *config_place(const struct config_section *section, unsigned key)
{
	return section->values[key].text ? &section->values[key].place : &section->place;
}
