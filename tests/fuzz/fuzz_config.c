/* fuzz_config.c - a configuration file is whatever somebody wrote: each mistake is a problem with
 * its line, what was taken is what its kind allows, and the order of starts holds what `after`
 * says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_section(const struct config_section *section)
{
	const struct config_section_type *type = &config_types[section->type];

	require(type->named ? name_is_valid(section->name) : !section->name);
	for (unsigned i = 0; i < type->n_keys; i++) {
		const char *text = section->values[i].text;

		require(!text || value_is_valid(type->keys[i].kind, text));
		require(!text || section->values[i].place.line > 0);
		require(config_place(section, i) != NULL);
		(void)config_number(section, i);
	}
}

static size_t find(const struct config_section **order, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(order[i]->name, name) == 0)
			return i;
	return n;
}

static void check_order(const struct config *config)
{
	const struct config_section **order = calloc(config->n_sections + 1, sizeof(*order));
	size_t n = order ? order_make(config, order) : 0;

	for (size_t i = 0; i < n; i++) {
		const char *at = config_text(order[i], INSTANCE_KEY_after);
		char name[VALUE_WORD_SIZE];

		while (at && value_next(&at, name, sizeof name))
			require(find(order, n, name) < i);
	}
	free(order);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct problems problems = {0};
	struct config *config = NULL;
	bool good;

	if (config_parse((const char *)data, n, "f", &problems, &config) < 0)
		return 0;
	good = !problems_any(&problems);
	check_section(&config->watd);
	for (size_t i = 0; i < config->n_sections; i++)
		check_section(config->sections[i]);
	if (good)
		check_order(config);
	for (size_t i = 0; i < problems.n; i++)
		require(strncmp(problems.texts[i], "f:", 2) == 0);
	problems_deinit(&problems);
	config_free(config);
	return 0;
}
