/* message.h - messages between JSON and bytes: JSON comes as an argument, in a file or on stdin. */
#ifndef WAT_WATCTL_MESSAGE_H
#define WAT_WATCTL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "client/watctl/watctl.h"
#include "proto/schema.h"

/* argument: the JSON itself, @FILE, or - for stdin. what: "the state", "the request", for messages.
 * Gives the message's bytes; free(). */
int message_from_argument(const struct watctl *ctl,
			  const struct schema *schema,
			  const char *type,
			  const char *what,
			  const char *argument,
			  uint8_t **ret_bytes,
			  size_t *ret_n) WAT_MUST_CHECK;

/* The arguments from the first on: none (an empty message), JSON as above, or fields (assign.h). */
int message_from_arguments(const struct watctl *ctl,
			   const struct schema *schema,
			   const char *type,
			   const char *what,
			   int first,
			   uint8_t **ret_bytes,
			   size_t *ret_n) WAT_MUST_CHECK;

/* Prints a message as one line of JSON. */
int message_print(const struct watctl *ctl,
		  const struct schema *schema,
		  const char *type,
		  const uint8_t *bytes,
		  size_t n) WAT_MUST_CHECK;

/* A schema as watd or libwat gave it. */
int message_schema(const struct watctl *ctl, const uint8_t *bytes, size_t n, struct schema **ret)
	WAT_MUST_CHECK;

#endif
