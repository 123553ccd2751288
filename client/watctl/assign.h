/* assign.h - arguments as the fields of a message: n=3, a.b=1, tags=x, at[0].n=1, labels.key=x,
 * name=@FILE, key:=JSON; by the message's schema. */
#ifndef WAT_WATCTL_ASSIGN_H
#define WAT_WATCTL_ASSIGN_H

#include "proto/json.h"

/* A message whose fields are what the arguments say, as JSON for json_to_message. -EBADMSG with the
 * path and what is wrong; -ENOMEM. The caller frees the text. */
int assign_to_json(const struct schema *schema,
		   const char *type,
		   char *const *arguments,
		   int n,
		   char **ret_json,
		   struct json_error *ret_error) WAT_MUST_CHECK;

#endif
