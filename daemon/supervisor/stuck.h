/* stuck.h - handlers that don't come back: which one it is, and since when. The attribution page
 * says what runs; it is looked at by one timer, so a handler costs nothing more, and is named
 * between stuck-after and a quarter more. Loop thread. */
#ifndef WAT_SUPERVISOR_STUCK_H
#define WAT_SUPERVISOR_STUCK_H

#include <stdint.h>

#include "proto/support/must_check.h"

struct instance;
struct node;

int stuck_init(struct node *node) WAT_MUST_CHECK;
void stuck_deinit(struct node *node);
/* An instance has this limit now: the next look is not later than that asks for. */
void stuck_attend(struct node *node, uint64_t stuck_after_ms);
/* Looks at all, at that time of a clock that never jumps. */
void stuck_look(struct node *node, uint64_t now_ms);
/* It has no host any more. */
void stuck_forget(struct instance *instance);

#endif
