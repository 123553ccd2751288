/* config_diff.h - what a reload would change, as sentences. Loop thread; changes nothing. */
#ifndef WAT_SUPERVISOR_CONFIG_DIFF_H
#define WAT_SUPERVISOR_CONFIG_DIFF_H

#include "daemon/supervisor/lines.h"

struct node;
struct options;

/* fresh was checked. */
void config_diff(const struct node *node,
		 const struct options *fresh,
		 struct lines *changes,
		 struct lines *needs_restart);

#endif
