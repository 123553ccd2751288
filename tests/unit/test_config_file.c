/* test_config_file.c - conf/watd.conf is what the list of keys makes, and what it shows as defaults
 * are the defaults. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/template.h"
#include "tests/lib/cases.h"

#define SIZE_MAX_TEXT 65536u

static char *read_file(void)
{
	FILE *file = fopen(WAT_SOURCE_DIR "/conf/watd.conf", "r");
	char *text = calloc(1, SIZE_MAX_TEXT);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, SIZE_MAX_TEXT - 1, file) > 0);
	fclose(file);
	return text;
}

/* The file is the list of keys as text: watd --default-config > conf/watd.conf makes it anew. */
static void test_template(void **state)
{
	char *made = NULL, *text = read_file();
	size_t n;
	FILE *stream = open_memstream(&made, &n);

	(void)state;
	config_print_template(stream);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(text, made);
	free(made);
	free(text);
}

/* A # goes where a setting stands right behind it. */
static size_t uncomment(const char *text, char *to)
{
	size_t n = 0;
	bool start = true;

	for (; *text; text++) {
		if (!start || *text != '#' || text[1] == ' ' || text[1] == '\n')
			to[n++] = *text;
		start = *text == '\n';
	}
	return n;
}

static void assert_defaults(const struct config_section *section)
{
	const struct config_section_type *type = &config_types[section->type];

	for (size_t i = 0; i < type->n_keys; i++) {
		if (type->keys[i].fallback)
			assert_string_equal(section->values[i].text, type->keys[i].fallback);
		else if (type->keys[i].need == CONFIG_MAY)
			assert_null(section->values[i].text);
		else
			assert_non_null(section->values[i].text);
	}
}

/* With all settings uncommented the file is good, gives each default, and nothing that has none. */
static void test_uncommented(void **state)
{
	char *text = read_file(), *settings = calloc(1, SIZE_MAX_TEXT);
	size_t n = uncomment(text, settings);
	struct problems problems = {0};
	struct config *config;

	(void)state;
	assert_int_equal(config_parse(settings, n, "watd.conf", &problems, &config), 0);
	if (problems_any(&problems))
		fail_msg("refused: %s", problems.texts[0]);
	assert_defaults(&config->watd);
	assert_int_equal(config->n_sections, 3);
	for (size_t i = 0; i < config->n_sections; i++)
		assert_defaults(config->sections[i]);
	config_free(config);
	free(settings);
	free(text);
}

static size_t count(const char *text, const char *line)
{
	size_t n = 0;

	while ((text = strstr(text, line))) {
		n++;
		text += strlen(line);
	}
	return n;
}

/* Every key of every section is there, with what it may be and when it is applied; every default
 * and every example is what its kind takes. */
static void test_complete(void **state)
{
	char *text = read_file(), line[256];

	(void)state;
	for (size_t i = 0; i < CONFIG_TYPES_N; i++)
		for (size_t j = 0; j < config_types[i].n_keys; j++) {
			const struct config_key *key = &config_types[i].keys[j];
			const char *shown = key->fallback ? key->fallback : key->example;

			assert_non_null(shown);
			assert_true(value_is_valid(key->kind, shown));
			snprintf(line, sizeof line, "%s = %s\n", key->name, shown);
			assert_int_equal(count(text, line), 1);
		}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_uncommented),
		cmocka_unit_test(test_complete),
	};

	return test_run_cases(tests, NULL, NULL);
}
