/* call_self.h - the live form of a service's state: built by its load, packed by its save. Runs on
 * the instance's thread. The loop owns the form; what a panic left behind is given up, not freed,
 * for freeing would run the service's code on it. */
#ifndef WAT_HOST_CALL_SELF_H
#define WAT_HOST_CALL_SELF_H

#include "proto/status.h"
#include "proto/support/must_check.h"

struct service_loop;

/* Both do nothing for a service without such a form. WAT_OK, or a status with *ret_text, which is
 * valid until the next of them. */

/* loop->self from the state's message. */
wat_status call_load_self(struct service_loop *loop, const char **ret_text) WAT_MUST_CHECK;
/* The state is what loop->self saves as. On a failure it is what it was before. */
wat_status call_save_self(struct service_loop *loop, const char **ret_text) WAT_MUST_CHECK;

/* At the end of the instance. */
void call_free_self(struct service_loop *loop);

#endif
