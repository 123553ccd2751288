/* interface_view.h - a service's interface as JSON: what describe shows. Pure. */
#ifndef WAT_WATCTL_INTERFACE_VIEW_H
#define WAT_WATCTL_INTERFACE_VIEW_H

#include <jansson.h>

#include "proto/schema.h"

/* {service, prefix, file, comment, userMethods, adminMethods, state, types}; types are those that
 * the methods and the state need. A new reference; NULL when memory is out or the schema has no
 * such service. */
json_t *interface_view(const struct schema *schema,
		       const char *service,
		       const char *prefix,
		       const char *file);

#endif
