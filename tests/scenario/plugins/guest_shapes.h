/* guest_shapes.h - copying shapes into a state, with memory of the call. */
#ifndef WAT_TESTS_GUEST_SHAPES_H
#define WAT_TESTS_GUEST_SHAPES_H

#include "guest.service.h"

/* Everything in `from` takes the place of what `to` has. */
void guest_copy_shapes(struct wat_call *call, guest_shapes *to, const guest_shapes *from);

#endif
