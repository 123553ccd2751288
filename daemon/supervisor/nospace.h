/* nospace.h - the disk of the state directory is full. Then the ballast is given up, so that what
 * ends something still has room; what begins or changes something is refused, "not applied"; and
 * watd looks each second whether there is room again. Loop thread. */
#ifndef WAT_SUPERVISOR_NOSPACE_H
#define WAT_SUPERVISOR_NOSPACE_H

#include <stdbool.h>

struct node;

/* Makes the ballast. Without room for it, it is full from the beginning. */
void nospace_init(struct node *node);
void nospace_deinit(struct node *node);
/* Somebody could not write. Any number of times. */
void nospace_enter(struct node *node);
/* Whether an operation of that kind (ANSWER_OF_...) needs room that there is not. */
bool nospace_refuses(const struct node *node, int answer);
#define NOSPACE_TEXT "not applied: the disk is full"

#endif
