/* config.h - what the configuration files say: sections with values, each with its place. Owned by
 * whoever read it, and not changed afterwards. Any thread. */
#ifndef WAT_CONFIG_CONFIG_H
#define WAT_CONFIG_CONFIG_H

#include "daemon/config/keys.h"
#include "daemon/config/problems.h"
#include "proto/support/cleanup.h"
#include "proto/support/must_check.h"

#define CONFIG_SECTIONS_MAX 2048u
#define CONFIG_FILES_MAX 256u
#define CONFIG_FILE_SIZE_MAX (1024u * 1024u)

struct config_value {
	char *text; /* NULL: not given */
	struct place place;
};

struct config_section {
	enum config_type type;
	char *name; /* "" of [watd] */
	struct place place;
	struct config_value values[CONFIG_KEYS_MAX]; /* by enum watd_key, instance_key, ... */
};

struct config {
	char **files; /* in the order in which they were read */
	size_t n_files;
	struct config_section watd;
	struct config_section **sections; /* the others, as they came */
	size_t n_sections;
};

/* Reads the file, and conf.d/ *.conf beside it in the order of their names: in [watd] the later one
 * wins. must_exist: there has to be a file at path; its drop-ins are read in either case.
 * Everything that is wrong goes to problems; the sections that could be read are there all the
 * same. -ENOMEM. */
int config_load(const char *path, bool must_exist, struct problems *problems, struct config **ret)
	WAT_MUST_CHECK;
/* The same of one text, which is called file. */
int config_parse(const char *text,
		 size_t n,
		 const char *file,
		 struct problems *problems,
		 struct config **ret) WAT_MUST_CHECK;
struct config *config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free);

/* NULL: there is none of this name. */
const struct config_section *config_find(const struct config *config,
					 enum config_type type,
					 const char *name);
/* The next section of the type from *at on, which begins at 0; NULL: no more. */
const struct config_section *config_next(const struct config *config,
					 enum config_type type,
					 size_t *at);
#define config_for_each(section, config, type)                                                    \
	for (size_t section##_at_ = 0, section##_once_ = 1; section##_once_; section##_once_ = 0) \
		for (const struct config_section *section;                                        \
		     (section = config_next(config, type, &section##_at_));)

/* What was given, else the default; NULL: neither. */
const char *config_text(const struct config_section *section, unsigned key);
uint64_t config_number(const struct config_section *section, unsigned key);
/* Where a value stands, or the section if it was not given. */
const struct place *config_place(const struct config_section *section, unsigned key);

#endif
