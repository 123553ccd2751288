/* order.h - the order in which configured instances are started: each after those that its `after`
 * names. Pure; any thread. */
#ifndef WAT_CONFIG_ORDER_H
#define WAT_CONFIG_ORDER_H

#include "daemon/config/config.h"

/* Names that are no [instance], and circles, each said once with its names. */
void order_check(const struct config *config, struct problems *problems);

/* A start order of a checked configuration, as it stands in the files where `after` leaves a
 * choice: *ret has room for n_sections. Returns how many instances there are. */
size_t order_make(const struct config *config, const struct config_section **ret);

#endif
