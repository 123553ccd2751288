/* resolve.h - names to addresses, by a thread of its own: getaddrinfo has no time limit, and calls
 * have. */
#ifndef WAT_CLIENT_RESOLVE_H
#define WAT_CLIENT_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>

#include "proto/support/must_check.h"

struct resolution;

/* An address that needs no asking, for TCP. 0 and a list for freeaddrinfo, or an EAI_ error. */
int resolve_numeric(const char *host, const char *port, struct addrinfo **ret) WAT_MUST_CHECK;
/* Begins to ask. wake is an eventfd, which is duplicated; it becomes readable when there is an
 * answer. Negative errno. */
int resolution_new(const char *host, const char *port, int wake, struct resolution **ret)
	WAT_MUST_CHECK;
/* True once there is an answer: *ret_error is 0 and *ret_found a list for freeaddrinfo, the
 * caller's; or *ret_error is an EAI_ error. */
bool resolution_done(struct resolution *resolution, int *ret_error, struct addrinfo **ret_found);
/* Does not wait for an answer that is still to come. NULL is allowed. */
struct resolution *resolution_free(struct resolution *resolution);

#endif
