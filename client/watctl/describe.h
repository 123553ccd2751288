/* describe.h - asks watd what a service looks like. */
#ifndef WAT_WATCTL_DESCRIBE_H
#define WAT_WATCTL_DESCRIBE_H

#include <wat/node.pb-c.h>

#include "client/watctl/watctl.h"
#include "proto/schema.h"

/* service: full name or, where unique, the C prefix. Free both. */
int describe_service(struct watctl *ctl,
		     const char *service,
		     Wat__Node__Description **ret_description,
		     struct schema **ret_schema) WAT_MUST_CHECK;

/* The same, where it is not worth a word that it can't be had: 0, or not. */
int describe_try(struct watctl *ctl,
		 const char *service,
		 Wat__Node__Description **ret_description,
		 struct schema **ret_schema) WAT_MUST_CHECK;

/* Prints what the plugin at path says of itself, without watd. */
int describe_file(struct watctl *ctl, const char *path) WAT_MUST_CHECK;

/* The service of that interface in the plugin at path: its full name (free it) and its schema.
 * NOT_FOUND. */
int describe_file_service(const struct watctl *ctl,
			  const char *path,
			  uint64_t interface_hash,
			  struct schema **ret_schema,
			  char **ret_name) WAT_MUST_CHECK;

static inline void describe_freep(Wat__Node__Description **description)
{
	if (*description)
		wat__node__description__free_unpacked(*description, NULL);
}

#endif
