/* reload.h - the configuration is read again while watd runs: by SIGHUP, or by Reload of the node.
 * Loop thread. All of it is checked first; one mistake, and nothing is changed. */
#ifndef WAT_SUPERVISOR_RELOAD_H
#define WAT_SUPERVISOR_RELOAD_H

#include <stdbool.h>

#include "daemon/supervisor/lines.h"

struct node;
struct operation;

struct reload_report {
	struct lines changes;       /* what was applied, or would be */
	struct lines needs_restart; /* what is different and stays as it is */
	struct lines errors;        /* "FILE:LINE: ..." */
};
void reload_report_deinit(struct reload_report *report);

/* Says what a reload would do. */
void reload_look(struct node *node, struct reload_report *ret);
/* Does it, logs it and tells whoever started watd. Returns false if there are errors: then nothing
 * was changed, and the operation is still the caller's. Else the operation (NULL: it was a signal)
 * is concluded when what begins is ready, or is not. */
bool reload_run(struct node *node, struct operation *operation, struct reload_report *ret);
/* Something may have settled. */
void reload_check(struct node *node);

/* What the configuration says and is not so. */
void node_troubles(const struct node *node, struct lines *ret);

#endif
