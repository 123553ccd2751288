/* private.h - how a configuration is built; for its own files. */
#ifndef WAT_CONFIG_PRIVATE_H
#define WAT_CONFIG_PRIVATE_H

#include "daemon/config/config.h"

struct config *config_new(void);
/* Both NULL when memory is out. The copy of the path lives as long as the configuration. */
const char *config_add_file(struct config *config, const char *path);
struct config_section *config_add_section(struct config *config,
					  enum config_type type,
					  const char *name,
					  const struct place *place);

/* parse.c */
int config_add_text(struct config *config,
		    const char *text,
		    size_t n,
		    const char *file,
		    struct problems *problems) WAT_MUST_CHECK;
/* check.c: what can be said only of the whole: what is missing, what refers to nothing, circles. */
void config_check_whole(const struct config *config, struct problems *problems);

#endif
