/* overloads.h - limits that are reached, on their way into the audit: of each the first within five
 * seconds at once, the others of that time as one. So a flood makes a few lines. Loop thread. The
 * node owns it. */
#ifndef WAT_SUPERVISOR_OVERLOADS_H
#define WAT_SUPERVISOR_OVERLOADS_H

#include <stdint.h>

#include "proto/overload.h"
#include "proto/support/must_check.h"

struct node;
struct origin;
struct overloads;

int overloads_new(struct node *node, struct overloads **ret) WAT_MUST_CHECK;
/* Records what is held back. Returns NULL; takes NULL. */
struct overloads *overloads_free(struct overloads *overloads);
/* n were refused, the last of them to this peer. */
void overloads_add(struct overloads *overloads,
		   enum overload limit,
		   const struct origin *peer,
		   uint32_t n);

#endif
