/* parse.c - pairs become values of sections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/ini.h"
#include "daemon/config/private.h"

struct parser {
	struct config *config;
	struct config_section *section; /* NULL: none yet, or one that is refused */
	bool refused;                   /* said already */
	struct problems *problems;
	int error;
};

static int find_type(const char *word)
{
	for (int i = 0; i < CONFIG_TYPES_N; i++)
		if (strcmp(config_types[i].word, word) == 0)
			return i;
	return -1;
}

static void refuse_word(struct parser *parser, const struct place *place, const char *word)
{
	problems_add(parser->problems, place,
		     "[%.40s]: unknown section, expected [watd], [plugin NAME], [instance NAME], "
		     "[grant NAME] or [group NAME]",
		     word);
}

/* Two of a name would be two truths. */
static bool is_new(struct parser *parser,
		   const struct place *place,
		   enum config_type type,
		   const char *name)
{
	const struct config_section *before = config_find(parser->config, type, name);

	if (!before)
		return true;
	problems_add(parser->problems, place,
		     "[%s %s] is there already, at %s:%u; expected it once",
		     config_types[type].word, name, before->place.file, before->place.line);
	return false;
}

static void add_named(struct parser *parser,
		      const struct place *place,
		      enum config_type type,
		      const char *name)
{
	if (!name_is_valid(name)) {
		problems_add(parser->problems, place, "[%s %.80s]: the name: " NAME_RULE,
			     config_types[type].word, name);
	} else if (parser->config->n_sections >= CONFIG_SECTIONS_MAX) {
		problems_add(parser->problems, place, "expected at most %u sections",
			     CONFIG_SECTIONS_MAX);
	} else if (is_new(parser, place, type, name)) {
		parser->section = config_add_section(parser->config, type, name, place);
		if (!parser->section)
			parser->error = -ENOMEM;
	}
}

static void on_section(void *arg, const struct place *place, const char *word, const char *name)
{
	struct parser *parser = arg;
	int type = find_type(word);

	parser->section = NULL;
	parser->refused = true;
	if (type < 0)
		refuse_word(parser, place, word);
	else if (!config_types[type].named && *name)
		problems_add(parser->problems, place, "[%s %.80s]: expected [%s] without a name",
			     word, name, word);
	else if (!config_types[type].named)
		parser->section = &parser->config->watd;
	else if (!*name)
		problems_add(parser->problems, place, "[%s]: expected a name, [%s NAME]", word,
			     word);
	else
		add_named(parser, place, (enum config_type)type, name);
}

static void refuse_key(struct parser *parser,
		       const struct place *place,
		       const struct config_section_type *type,
		       const char *key)
{
	char known[256] = "";

	for (size_t i = 0; i < type->n_keys; i++) {
		(void)strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
		(void)strncat(known, type->keys[i].name, sizeof known - strlen(known) - 1);
	}
	problems_add(parser->problems, place, "unknown key %.60s in [%s], expected one of %s", key,
		     type->word, known);
}

/* Later files go before earlier ones in [watd]; all else is given once. */
static bool may_set(struct parser *parser,
		    const struct place *place,
		    const struct config_value *value,
		    const char *key)
{
	if (!value->text ||
	    (parser->section->type == CONFIG_WATD && value->place.file != place->file))
		return true;
	problems_add(parser->problems, place, "%s is given already, at %s:%u; expected it once",
		     key, value->place.file, value->place.line);
	return false;
}

static void set(struct parser *parser,
		const struct place *place,
		const struct config_key *key,
		struct config_value *value,
		const char *text)
{
	char *copy;

	value->place = *place;
	if (!value_is_valid(key->kind, text)) {
		problems_add(parser->problems, place, "%s = %.120s: expected %s", key->name, text,
			     value_expected(key->kind));
		return;
	}
	copy = strdup(text);
	if (!copy) {
		parser->error = -ENOMEM;
		return;
	}
	free(value->text);
	value->text = copy;
}

static void on_pair(void *arg, const struct place *place, const char *name, const char *text)
{
	struct parser *parser = arg;
	const struct config_section_type *type;

	if (!parser->section) {
		if (!parser->refused)
			problems_add(parser->problems, place,
				     "%.60s = ...: expected a section such as [watd] first", name);
		parser->refused = true;
		return;
	}
	type = &config_types[parser->section->type];
	for (size_t i = 0; i < type->n_keys; i++) {
		struct config_value *value = &parser->section->values[i];

		if (strcmp(type->keys[i].name, name) != 0)
			continue;
		if (may_set(parser, place, value, name))
			set(parser, place, &type->keys[i], value, text);
		return;
	}
	refuse_key(parser, place, type, name);
}

int config_add_text(struct config *config,
		    const char *text,
		    size_t n,
		    const char *file,
		    struct problems *problems)
{
	static const struct ini_visitor visitor = {.section = on_section, .pair = on_pair};
	struct parser parser = {.config = config, .problems = problems};
	const char *kept = config_add_file(config, file);

	if (!kept)
		return -ENOMEM;
	ini_read(text, n, kept, &visitor, &parser, problems);
	return parser.error;
}

int config_parse(const char *text,
		 size_t n,
		 const char *file,
		 struct problems *problems,
		 struct config **ret)
{
	_cleanup_(config_freep) struct config *config = config_new();
	int r = config ? config_add_text(config, text, n, file, problems) : -ENOMEM;

	if (r < 0)
		return r;
	config_check_whole(config, problems);
	*ret = TAKE(config);
	return 0;
}
